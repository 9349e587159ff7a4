"""Sections of world files made of records: each key is a configuration, a collection, or a part of the type's own.

    section = record_section(
        one("config", "the cluster", config, lambda state: state.config),
        named("roles", "roles by name", roles),
    )

Shapes come from the endpoints that write the records, and a world is filled through these endpoints, so that both
accept the same. A dump writes what differs from a new record. A section may be declared beside its endpoints: shapes
are imported when a world file is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from mockkms.vault.framework.world_section import Filling, WorldSection
from mockkms.vault.kernel import seeding

if TYPE_CHECKING:
    from mockkms.vault.framework.collections import Collection
    from mockkms.vault.framework.context import Context
    from mockkms.vault.framework.endpoint import Endpoint
    from mockkms.vault.framework.records import Record
    from mockkms.vault.framework.shapes.collections import Key
    from mockkms.vault.kernel.mounts import Mount

S = TypeVar("S")
R = TypeVar("R", bound="Record")


@dataclass(frozen=True)
class Part:
    """One key of a section."""

    key: str
    shape: Callable[[], Key]
    fill: Callable[[Filling, Mount, Mapping[str, Any]], None]
    """Apply the section to a new mount, as far as this key is concerned; it may be absent."""
    dump: Callable[[Context, Mount], object]
    """Return the value that ``fill`` reads. Empty values are left out."""


def one(key: str, help: str, endpoint: Endpoint, record: Callable[[Any], Record | None]) -> Part:
    """Return the part of a single record, such as a configuration, that ``endpoint`` writes."""

    def dump(_core: Context, mount: Mount) -> object:
        found = record(mount.state)
        return None if found is None else found.changed()

    return Part(
        key,
        lambda: _key(endpoint, help),
        lambda to, mount, spec: seeding.write_settings(to, mount, spec, key, endpoint.template),
        dump,
    )


def named(key: str, help: str, collection: Collection[S, R]) -> Part:
    """Return the part of records by name."""

    def dump(_core: Context, mount: Mount) -> object:
        return {name: record.changed() for name, record in sorted(collection.records(mount.state).items())}

    return Part(
        key,
        lambda: _key(collection.one, help, named=True),
        lambda to, mount, spec: seeding.write_named(to, mount, spec, key, collection.folder),
        dump,
    )


def _key(endpoint: Endpoint, help: str, *, named: bool = False) -> Key:
    # Imported here, because sections are declared beside the endpoints, and servers start without world files.
    from mockkms.vault.framework.shapes.collections import Key, MapOf
    from mockkms.vault.framework.shapes.parameters import parameters_of

    shape = parameters_of(endpoint)
    return Key(MapOf(shape) if named else shape, help)


def record_section(*parts: Part) -> WorldSection:
    """Return the section of a type of mount. Parts are applied in this order."""

    def fill(to: Filling, mount: Mount, spec: Mapping[str, Any]) -> None:
        for part in parts:
            part.fill(to, mount, spec)

    def dump(core: Context, mount: Mount) -> dict[str, Any]:
        values = {part.key: part.dump(core, mount) for part in parts}
        return {key: value for key, value in values.items() if value}

    return WorldSection(lambda _type: {part.key: part.shape() for part in parts}, fill, dump)
