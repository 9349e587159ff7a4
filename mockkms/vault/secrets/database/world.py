"""A database mount in a world file, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from mockkms.vault.framework import automated_rotation
from mockkms.vault.framework.shapes.collections import Json, Key, MapOf, Text
from mockkms.vault.framework.shapes.parameters import written
from mockkms.vault.framework.world_section import Filling, WorldSection
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.mounts import Mount
from mockkms.vault.secrets.database.engine import Database

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context

_PLAIN = ("plugin_name", "allowed_roles", "password_policy", *automated_rotation.NAMES)


def _keys(_type: str) -> dict[str, Key]:
    details = Key(MapOf(Json()), "what the plugin connects with: connection_url, username, password and so on")
    connection = written("database", "config/x", connection_details=details)
    static = written("database", "static-roles/x", password=Key(Text(), "the present password; drawn when not given"))
    return {
        "config": Key(MapOf(connection), "connections by name"),
        "roles": Key(MapOf(written("database", "roles/x")), "roles by name, whose users are made on demand"),
        "static_roles": Key(MapOf(static), "roles by name, each with a user that is there already"),
    }


def _fill(to: Filling, mount: Mount, spec: Mapping[str, Any]) -> None:
    """Add connections, then the roles that use them."""
    adding: dict[str, Callable[[Context, Mount, str, dict[str, Any]], None]] = {
        "config": connect, "roles": add_role, "static_roles": add_static_role,
    }  # fmt: skip
    for word, add in adding.items():
        for name, one in (spec.get(word) or {}).items():
            with to.guard(word, name):
                add(to.core, mount, name, one)


@contextmanager
def _unasked(mount: Mount) -> Iterator[None]:
    """A world is read whether its databases are up or not: none is asked meanwhile."""
    mount.state.contacts_servers = False
    try:
        yield
    finally:
        mount.state.contacts_servers = True


def connect(core: Context, mount: Mount, name: str, spec: dict[str, Any]) -> None:
    """Add a connection. Raises VaultError in the server's words."""
    details = spec.get("connection_details") or {}
    with _unasked(mount):
        seeding.write(core, mount, f"config/{name}", {**details, **_without(spec, "connection_details")})


def add_role(core: Context, mount: Mount, name: str, spec: dict[str, Any]) -> None:
    """Add a dynamic role. Raises VaultError in the server's words."""
    seeding.write(core, mount, f"roles/{name}", spec)


def add_static_role(core: Context, mount: Mount, name: str, spec: dict[str, Any]) -> None:
    """Add a static role; ``password`` is the present one. Raises VaultError in the server's words."""
    with _unasked(mount):
        seeding.write(core, mount, f"static-roles/{name}", _without(spec, "password"))
    if spec.get("password"):
        mount.state.static_roles[name].password = spec["password"]


def _without(spec: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in spec.items() if name != key}


def dump(state: Database) -> dict[str, Any]:
    """Connections and roles as ``connect`` and the others take them."""
    found: dict[str, Any] = {"config": {}, "roles": {}, "static_roles": {}}
    for name, connection in state.connections.items():
        shown = {word: getattr(connection, word) for word in _PLAIN if getattr(connection, word)}
        details = _without(connection.connection_details, "supported_credential_types")
        statements = connection.root_credentials_rotate_statements
        found["config"][name] = {
            **shown,
            **({"root_rotation_statements": statements} if statements else {}),
            **({} if connection.verify_connection else {"verify_connection": False}),
            **({"connection_details": details} if details else {}),
        }
    for name, role in state.roles.items():
        found["roles"][name] = _changed(role)
    for name, static in state.static_roles.items():
        found["static_roles"][name] = {
            word: value for word, value in _changed(static).items() if word not in ("private_key", "last_rotation")
        }
    return {word: value for word, value in found.items() if value}


def _changed(role: Any) -> dict[str, Any]:
    fresh = type(role)()
    shown = {item.name: getattr(role, item.name) for item in fields(role)}
    shown = {name: value for name, value in shown.items() if value != getattr(fresh, name)}
    if "credential_config" in shown:
        shown["credential_config"] = {name: str(value) for name, value in shown["credential_config"].items()}
    return shown


section = WorldSection(_keys, _fill, lambda _core, mount: dump(mount.state))
