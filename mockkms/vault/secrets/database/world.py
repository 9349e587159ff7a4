"""Database mounts in world files: connections, roles and static roles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mockkms.vault.framework import automated_rotation
from mockkms.vault.framework.shapes.collections import Json, Key, MapOf, Text
from mockkms.vault.framework.shapes.parameters import parameters_of
from mockkms.vault.framework.world_section import Filling
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.mounts import Mount
from mockkms.vault.kernel.record_section import Part, named, record_section
from mockkms.vault.secrets.database.connections import one
from mockkms.vault.secrets.database.engine import Database, DatabaseConnection
from mockkms.vault.secrets.database.roles import roles, static_roles

_DETAILS, _PASSWORD = "connection_details", "password"


@contextmanager
def _not_contacting(mount: Mount) -> Iterator[None]:
    """Load a part of a world without contacting databases, which need not run."""
    mount.state.contacts_servers = False
    try:
        yield
    finally:
        mount.state.contacts_servers = True


def _fill_connections(to: Filling, mount: Mount, spec: Mapping[str, Any]) -> None:
    for name, connection in (spec.get("config") or {}).items():
        with to.guard("config", name), _not_contacting(mount):
            data = {**(connection.get(_DETAILS) or {}), **_without(connection, _DETAILS)}
            seeding.write(to.core, mount, f"config/{name}", data)


def _fill_static_roles(to: Filling, mount: Mount, spec: Mapping[str, Any]) -> None:
    state: Database = mount.state
    for name, role in (spec.get("static_roles") or {}).items():
        with to.guard("static_roles", name):
            with _not_contacting(mount):
                seeding.write(to.core, mount, f"static-roles/{name}", _without(role, _PASSWORD))
            if role.get(_PASSWORD):
                state.static_roles[name].password = role[_PASSWORD]


def _without(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != key}


def _connection(connection: DatabaseConnection) -> dict[str, object]:
    details = _without(connection.connection_details, "supported_credential_types")
    rotation = {name: getattr(connection, name) for name in automated_rotation.NAMES if getattr(connection, name)}
    return {**connection.changed(), **rotation, **({_DETAILS: details} if details else {})}


def _static_roles(mount: Mount) -> object:
    state: Database = mount.state
    return {
        name: {**role.changed(), **({_PASSWORD: role.password} if role.password else {})}
        for name, role in state.static_roles.items()
    }


section = record_section(
    Part(
        "config",
        lambda: Key(
            MapOf(
                parameters_of(
                    one,
                    connection_details=Key(
                        MapOf(Json()), "what the plugin connects with: connection_url, username, password and so on"
                    ),
                )
            ),
            "connections by name",
        ),
        _fill_connections,
        lambda _core, mount: {name: _connection(found) for name, found in mount.state.connections.items()},
    ),
    named("roles", "roles by name, whose users are created on demand", roles),
    Part(
        "static_roles",
        lambda: Key(
            MapOf(
                parameters_of(
                    static_roles.one, password=Key(Text(), "the current password; generated if it is missing")
                )
            ),
            "roles by name, each with an existing user",
        ),
        _fill_static_roles,
        lambda _core, mount: _static_roles(mount),
    ),
)
