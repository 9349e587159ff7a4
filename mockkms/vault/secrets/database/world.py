"""A database mount in a world file, and back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from mockkms.vault.framework import automated_rotation
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.mounts import Mount
from mockkms.vault.secrets.database.engine import Database

if TYPE_CHECKING:
    from mockkms.vault.kernel.core import Core

_PLAIN = ("plugin_name", "allowed_roles", "password_policy", *automated_rotation.NAMES)


@contextmanager
def _unasked(mount: Mount) -> Iterator[None]:
    """A world is read whether its databases are up or not: none is asked meanwhile."""
    mount.state.asks = False
    try:
        yield
    finally:
        mount.state.asks = True


def connect(core: Core, mount: Mount, name: str, spec: dict[str, Any]) -> None:
    """Add a connection. Raises VaultError in the server's words."""
    details = spec.get("connection_details") or {}
    with _unasked(mount):
        seeding.write(core, mount, f"config/{name}", {**details, **_without(spec, "connection_details")})


def add_role(core: Core, mount: Mount, name: str, spec: dict[str, Any]) -> None:
    """Add a dynamic role. Raises VaultError in the server's words."""
    seeding.write(core, mount, f"roles/{name}", spec)


def add_static_role(core: Core, mount: Mount, name: str, spec: dict[str, Any]) -> None:
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
