"""Parts of world files for plain records: the keys, users, machines and other contents of a service outside.

No endpoint writes them. ``record_section`` has the parts of records that endpoints write.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from mockkms.vault.framework.shapes.collections import Key, ListOf, MapOf, RecordShape, Text
from mockkms.vault.framework.shapes.scalars import Shape
from mockkms.vault.framework.world_section import WorldSection, items_at, mapping_at
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.record_section import Part, record_section

if TYPE_CHECKING:
    from mockkms.vault.framework.collections import Collection
    from mockkms.vault.framework.context import Context
    from mockkms.vault.framework.endpoint import Endpoint
    from mockkms.vault.framework.world_section import Filling
    from mockkms.vault.mounts.table import Mount

T = TypeVar("T")
NAMES = ListOf(Text(), single=True)
TEXTS = MapOf(Text())


def text(help: str, *, shape: Shape | None = None) -> Key:
    """Return a key of an item: a text, or a value of another shape."""
    return Key(shape or Text(), help)


def _record(item: Callable[..., object], keys: Mapping[str, Key]) -> RecordShape:
    """Return the shape of an item: members without a default are required."""
    assert is_dataclass(item)
    required = {one.name for one in fields(item) if one.default is MISSING and one.default_factory is MISSING}
    return RecordShape({name: replace(key, required=name in required) for name, key in keys.items()})


def listed(
    key: str, help: str, item: Callable[..., T], keys: Mapping[str, Key], found: Callable[[Any], list[T]]
) -> Part:
    """Return the part of a list of plain records that no endpoint writes.

    Args:
        key: The key in world files.
        help: Its description.
        item: The dataclass of the items; its members are the keys, and required without a default.
        keys: The shapes of the members.
        found: Returns the list in the state of a mount.
    """

    def fill(to: Filling, mount: Mount, spec: Mapping[str, object]) -> None:
        for at, given in items_at(spec, key):
            with to.guard(key, at):
                found(mount.state).append(item(**given))

    def dump(_core: Context, mount: Mount) -> object:
        return [changed(one) for one in found(mount.state)]

    return Part(key, lambda: Key(ListOf(_record(item, keys)), help), fill, dump)


def alone(
    key: str, help: str, item: Callable[..., T], keys: Mapping[str, Key], found: Callable[[Any], list[T]]
) -> Part:
    """Return the part of one plain record, which is the only item of a list; the parameters are those of ``listed``."""

    def fill(to: Filling, mount: Mount, spec: Mapping[str, object]) -> None:
        if mapping_at(spec, key):
            with to.guard(key):
                found(mount.state).append(item(**mapping_at(spec, key)))

    def dump(_core: Context, mount: Mount) -> object:
        return next((changed(one) for one in found(mount.state)), None)

    return Part(key, lambda: Key(_record(item, keys), help), fill, dump)


def mapped(
    key: str, help: str, item: Callable[..., T], keys: Mapping[str, Key], found: Callable[[Any], dict[str, T]]
) -> Part:
    """Return the part of plain records by name that no endpoint writes; the parameters are those of ``listed``."""

    def fill(to: Filling, mount: Mount, spec: Mapping[str, object]) -> None:
        given = mapping_at(spec, key)
        for name in given:
            with to.guard(key, name):
                found(mount.state)[name] = item(**mapping_at(given, name))

    def dump(_core: Context, mount: Mount) -> object:
        return {name: changed(one) for name, one in sorted(found(mount.state).items())}

    return Part(key, lambda: Key(MapOf(_record(item, keys)), help), fill, dump)


class MoreOfOne(TypedDict):
    """Arguments of ``one`` for members of a record that are not parameters of its endpoint."""

    more: Callable[[], Mapping[str, Key]]
    add: Callable[[Context, Mount, Mapping[str, object]], object]
    describe: Callable[[Context, Mount, Any], object]


class MoreOfNamed(TypedDict):
    """Arguments of ``named`` for members of records that are not parameters of their endpoint."""

    more: Callable[[], Mapping[str, Key]]
    add: Callable[[Context, Mount, str, Mapping[str, object]], object]
    describe: Callable[[Context, Mount, Any], object]


def more_of_one(endpoint: Endpoint, found: Callable[[Any], object], keys: Mapping[str, Key]) -> MoreOfOne:
    """Return the arguments for members that are set after ``endpoint`` has written the record that ``found`` returns.

    Members that are empty are not dumped.
    """

    def add(core: Context, mount: Mount, spec: Mapping[str, object]) -> None:
        seeding.write(core, mount, endpoint.template, {key: value for key, value in spec.items() if key not in keys})
        _set(found(mount.state), keys, spec)

    return {"more": lambda: keys, "add": add, "describe": _describing(keys)}


def more_of_named(collection: Collection[Any, Any], keys: Mapping[str, Key]) -> MoreOfNamed:
    """Return the arguments for members that are set after a record was written; as ``more_of_one``."""

    def add(core: Context, mount: Mount, name: str, spec: Mapping[str, object]) -> None:
        given = {key: value for key, value in spec.items() if key not in keys}
        seeding.write(core, mount, f"{collection.folder}/{name}", given)
        _set(collection.records(mount.state)[name.lower()], keys, spec)

    return {"more": lambda: keys, "add": add, "describe": _describing(keys)}


def _set(record: object, keys: Mapping[str, Key], spec: Mapping[str, object]) -> None:
    for key in keys:
        if spec.get(key):
            setattr(record, key, spec[key])


def _describing(keys: Mapping[str, Key]) -> Callable[[Context, Mount, Any], object]:
    def describe(_core: Context, _mount: Mount, record: Any) -> dict[str, object]:
        return {**record.changed(), **{key: getattr(record, key) for key in keys if getattr(record, key)}}

    return describe


def in_order(shown: tuple[Part, ...], filled: tuple[Part, ...]) -> WorldSection:
    """Return a section that is dumped in one order and filled in another."""
    return replace(record_section(*shown), fill=record_section(*filled).fill)


def changed(item: object) -> dict[str, object]:
    """Return the members of a plain dataclass that differ from their defaults."""
    assert is_dataclass(item)
    shown: dict[str, object] = {}
    for member in fields(item):
        value = getattr(item, member.name)
        default = member.default_factory() if member.default_factory is not MISSING else member.default
        if value != default:
            shown[member.name] = value
    return shown
