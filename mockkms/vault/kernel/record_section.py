"""Sections of world files made of records: each key is a configuration, a collection, or a part of the type's own.

    section = record_section(
        one("config", "the cluster", config, lambda state: state.config),
        named("roles", "roles by name", roles),
    )

A part whose world files differ from the API says how: ``more`` keys, how to ``add`` one, how to ``describe`` one.

Shapes come from the endpoints that write the records, and a world is filled through these endpoints, so that both
accept the same. A dump writes what differs from a new record. A section may be declared beside its endpoints: shapes
are imported when a world file is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from mockkms.vault.framework.captured import CapturedMount, parameters_in
from mockkms.vault.framework.message import VaultError
from mockkms.vault.framework.world_section import Filling, WorldSection, mapping_at
from mockkms.vault.kernel import seeding

if TYPE_CHECKING:
    from mockkms.vault.framework.collections import Collection
    from mockkms.vault.framework.context import Context
    from mockkms.vault.framework.endpoint import Endpoint
    from mockkms.vault.framework.records import Record
    from mockkms.vault.framework.shapes.collections import Key
    from mockkms.vault.mounts.table import Mount

S = TypeVar("S")
R = TypeVar("R", bound="Record")


@dataclass(frozen=True)
class Part:
    """One key of a section."""

    key: str
    shape: Callable[[], Key]
    fill: Callable[[Filling, Mount, Mapping[str, object]], None]
    """Apply the section to a new mount, as far as this key is concerned; it may be absent."""
    dump: Callable[[Context, Mount], object]
    """Return the value that ``fill`` reads. Empty values are left out."""
    capture: Callable[[CapturedMount], object] | None = None
    """Return the value that ``fill`` reads, of a mount of a running server, without secrets. None: it is left out."""


def one(
    key: str,
    help: str,
    endpoint: Endpoint,
    record: Callable[[Any], R | None],
    *,
    more: Callable[[], Mapping[str, Key]] | None = None,
    add: Callable[[Context, Mount, Mapping[str, object]], object] | None = None,
    describe: Callable[[Context, Mount, R], object] | None = None,
    stand_in: Mapping[str, object] | None = None,
) -> Part:
    """Return the part of a single record, such as a configuration, that ``endpoint`` writes.

    Args:
        key: The key in world files.
        help: Its description.
        endpoint: Writes the record.
        record: Returns the record of a mount's state.
        more: Keys that are not parameters of the endpoint.
        add: Writes the record, in place of the endpoint. Raises VaultError.
        describe: Returns what ``add`` reads, in place of ``Record.changed``.
        stand_in: For captured worlds: values that the record must have and a read does not show.
    """

    def fill(to: Filling, mount: Mount, spec: Mapping[str, object]) -> None:
        data = mapping_at(spec, key)

        def write() -> None:
            if add is not None:
                add(to.core, mount, data)
            else:
                seeding.write(to.core, mount, endpoint.template, data)

        if data:
            with to.guard(key):
                write()
        elif key in spec and record(mount.state) is None:
            # The defaults of all parameters, as a dump has them; nothing where a parameter is required.
            with suppress(VaultError):
                write()

    def dump(core: Context, mount: Mount) -> object:
        found = record(mount.state)
        if found is None:
            return None
        described = found.changed() if describe is None else describe(core, mount, found)
        return described if described or record(type(mount.state)()) is not None else _OnlyDefaults()

    def capture(server: CapturedMount) -> object:
        shown = parameters_in(server.read(endpoint.template) or {}, endpoint)
        return {**(stand_in or {}), **shown} if shown else {}

    return Part(key, lambda: _key(endpoint, help, more), fill, dump, capture)


class _OnlyDefaults(dict[str, object]):
    """The description of a record that was written, and in which nothing differs from a new one."""


def named(
    key: str,
    help: str,
    collection: Collection[S, R],
    *,
    more: Callable[[], Mapping[str, Key]] | None = None,
    add: Callable[[Context, Mount, str, Mapping[str, object]], object] | None = None,
    describe: Callable[[Context, Mount, R], object] | None = None,
    stand_in: Mapping[str, object] | None = None,
) -> Part:
    """Return the part of records by name. ``more``, ``add``, ``describe`` and ``stand_in`` are as for ``one``."""

    def fill(to: Filling, mount: Mount, spec: Mapping[str, object]) -> None:
        given = mapping_at(spec, key)
        for name in given:
            with to.guard(key, name):
                data = mapping_at(given, name)
                if add is not None:
                    add(to.core, mount, name, data)
                else:
                    seeding.write(to.core, mount, f"{collection.folder}/{name}", data)

    def dump(core: Context, mount: Mount) -> object:
        records = sorted(collection.records(mount.state).items())
        return {name: one.changed() if describe is None else describe(core, mount, one) for name, one in records}

    def capture(server: CapturedMount) -> object:
        found: dict[str, object] = {}
        for name in server.names(collection.folder):
            data = server.read(f"{collection.folder}/{name}")
            if data is not None:
                found[name] = {**(stand_in or {}), **parameters_in(data, collection.one)}
        return found

    return Part(key, lambda: _key(collection.one, help, more, named=True), fill, dump, capture)


def _key(endpoint: Endpoint, help: str, more: Callable[[], Mapping[str, Key]] | None, *, named: bool = False) -> Key:
    # Imported here, because sections are declared beside the endpoints, and servers start without world files.
    from mockkms.vault.framework.shapes.collections import Key, MapOf
    from mockkms.vault.framework.shapes.parameters import parameters_of

    shape = parameters_of(endpoint, **(more() if more is not None else {}))
    return Key(MapOf(shape) if named else shape, help)


def record_section(*parts: Part) -> WorldSection:
    """Return the section of a type of mount. Parts are applied in this order."""

    def fill(to: Filling, mount: Mount, spec: Mapping[str, object]) -> None:
        for part in parts:
            part.fill(to, mount, spec)

    def dump(core: Context, mount: Mount) -> dict[str, object]:
        values = {part.key: part.dump(core, mount) for part in parts}
        return {
            key: dict(value) if isinstance(value, _OnlyDefaults) else value
            for key, value in values.items()
            if value or isinstance(value, _OnlyDefaults)
        }

    def capture(server: CapturedMount) -> dict[str, object]:
        values = {part.key: part.capture(server) for part in parts if part.capture is not None}
        return {key: value for key, value in values.items() if value}

    return WorldSection(lambda _type: {part.key: part.shape() for part in parts}, fill, dump, capture=capture)
