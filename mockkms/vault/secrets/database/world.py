"""Database mounts in world files: connections, roles and static roles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mockkms.vault.framework import automated_rotation
from mockkms.vault.framework.captured import STAND_IN, CapturedMount, parameters_in
from mockkms.vault.framework.shapes.collections import Json, Key, MapOf, Text
from mockkms.vault.framework.shapes.parameters import parameters_of
from mockkms.vault.framework.world_section import Filling, mapping_at
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.record_section import Part, named, record_section
from mockkms.vault.mounts.table import Mount
from mockkms.vault.secrets.database.connections import one
from mockkms.vault.secrets.database.engine import DatabaseConnection, StaticDatabaseRole
from mockkms.vault.secrets.database.roles import roles, static_roles

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context

_DETAILS, _PASSWORD = "connection_details", "password"


@contextmanager
def _not_contacting(mount: Mount) -> Iterator[None]:
    """Load a part of a world without contacting databases, which need not run."""
    mount.state.contacts_servers = False
    try:
        yield
    finally:
        mount.state.contacts_servers = True


def _fill_connections(to: Filling, mount: Mount, spec: Mapping[str, object]) -> None:
    connections = mapping_at(spec, "config")
    for name in connections:
        with to.guard("config", name), _not_contacting(mount):
            connection = mapping_at(connections, name)
            data = {**mapping_at(connection, _DETAILS), **_without(connection, _DETAILS)}
            seeding.write(to.core, mount, f"config/{name}", data)


def _add_static_role(core: Context, mount: Mount, name: str, spec: Mapping[str, object]) -> None:
    with _not_contacting(mount):
        seeding.write(core, mount, f"static-roles/{name}", _without(spec, _PASSWORD))
    if spec.get(_PASSWORD):
        mount.state.static_roles[name].password = str(spec[_PASSWORD])


def _static_role(_core: Context, _mount: Mount, role: StaticDatabaseRole) -> dict[str, object]:
    return {**role.changed(), **({_PASSWORD: role.password} if role.password else {})}


def _without(values: Mapping[str, object], key: str) -> dict[str, object]:
    return {name: value for name, value in values.items() if name != key}


def _connection(connection: DatabaseConnection) -> dict[str, object]:
    details = _without(connection.connection_details, "supported_credential_types")
    rotation = {name: getattr(connection, name) for name in automated_rotation.NAMES if getattr(connection, name)}
    return {**connection.changed(), **rotation, **({_DETAILS: details} if details else {})}


def _captured_connections(server: CapturedMount) -> dict[str, object]:
    """Return the connections, without their addresses, which may hold passwords."""
    found: dict[str, object] = {}
    for name in server.names("config"):
        data = server.read(f"config/{name}")
        if data is not None:
            details = {"connection_url": STAND_IN, **mapping_at(data, _DETAILS)}
            found[name] = {**parameters_in(data, one), _DETAILS: details}
    return found


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
        _captured_connections,
    ),
    named("roles", "roles by name, whose users are created on demand", roles),
    named(
        "static_roles",
        "roles by name, each with an existing user",
        static_roles,
        more=lambda: {_PASSWORD: Key(Text(), "the current password; generated if it is missing")},
        add=_add_static_role,
        describe=_static_role,
    ),
)
