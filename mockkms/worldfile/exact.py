"""``exact``: the part of a dump that makes the loaded world equal to the dumped one, including ids and times.

A list of ``{at: path into the state, is: value}``. Values that YAML lacks stand in a mapping of one marked key:
``{$bytes: base64}``, ``{$tuple: […]}``, ``{$set: […]}``, ``{$number: "1e5"}``, ``{$map: [[key, value], …]}``,
``{$object: [stored name of the class, fields]}``, and ``{$same: path}`` for an object that stands in two places.
"""

from __future__ import annotations

import base64
import json
import pickle
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING

from mockkms.json_reading import read_json
from mockkms.vault.framework import registry
from mockkms.vault.framework.shapes.collections import Key, ListOf, Problems, RecordShape, Shape
from mockkms.vault.framework.shapes.nodes import Node
from mockkms.vault.golang.json_text import Encoded
from mockkms.vault.golang.number import Number
from mockkms.world import stored
from mockkms.world.clock import ClockState
from mockkms.world.entropy import EntropyState
from mockkms.world.world import World
from mockkms.worldfile.applying import Applier

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Path = tuple[object, ...]
_LARGE = 500
"""Entries of a list or mapping that are too many to be freed at once."""


class Plain(Shape):
    """Any value as plain data."""

    def read(self, node: Node, path: str, problems: Problems) -> object:
        return node.plain()


def shape() -> ListOf:
    """Return the shape of the section."""
    return ListOf(
        RecordShape({"at": Key(ListOf(Plain()), "where", required=True), "is": Key(Plain(), "what", required=True)})
    )


def roots(world: World) -> dict[str, object]:
    """Return the parts of a world that a dump restores exactly."""
    return {
        "vault": world.core.state,
        "rustfs": world.rustfs.state,
        "clock": world.clock.state(),
        "entropy": world.entropy.state(),
    }


# -- writing ---------------------------------------------------------------------------------------------------------


class StateWriter:
    """Collects the differences of two worlds as patches."""

    def __init__(self, wanted: dict[str, object], found: dict[str, object]) -> None:
        self.patches: list[object] = []
        self.found = found
        self.first: dict[int, Path] = {}
        """The first path to each object, by ``id()``."""
        self.again: set[int] = set()
        self._survey(wanted, (), set())

    def _survey(self, value: object, path: Path, above: set[int]) -> None:
        if is_dataclass(value) and not isinstance(value, type):
            if id(value) in self.first:
                self.again.add(id(value))
                return
            self.first[id(value)] = path
        for step, below in _ordered(value):
            self._survey(below, (*path, step), above)

    def let_go(self) -> None:
        """Free the paths one by one: millions at once would stop all other threads."""
        while self.first:
            self.first.popitem()

    def compare(self, wanted: object, found: object, path: Path) -> None:
        """Add patches that turn ``found`` into ``wanted``."""
        if id(wanted) in self.again and self.first[id(wanted)] != path:
            if found is at(self.found, self.first[id(wanted)]):
                return
            self._note(path, {"$same": [self.value(step) for step in self.first[id(wanted)]]})
            return
        if type(wanted) is type(found):
            if isinstance(wanted, dict | list) or is_dataclass(wanted):
                steps, others = _ordered(wanted), dict(parts(found))
                if len(steps) == len(others) and all(step in others for step, _ in steps):
                    for step, below in steps:
                        self.compare(below, others[step], (*path, step))
                    return
            elif wanted == found:
                return
        self._note(path, self.value(wanted, path))

    def _note(self, path: Path, value: object) -> None:
        self.patches.append({"at": [self.value(step) for step in path], "is": value})

    def value(self, value: object, path: Path | None = None) -> object:
        """Return a value as YAML can represent it."""
        if path is not None and id(value) in self.again and self.first[id(value)] != path:
            return {"$same": [self.value(step) for step in self.first[id(value)]]}
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            return value if value.isprintable() or value.isascii() else {"$json": json.dumps(value)}
        if isinstance(value, bytes):
            return {"$bytes": base64.b64encode(value).decode()}
        if isinstance(value, Number):
            return {"$number": value.text}
        if isinstance(value, Encoded):
            return {"$encoded": value.text}
        if isinstance(value, dict):
            return self._mapping(value, path)
        items = [(step, self.value(item, None if path is None else (*path, step))) for step, item in parts(value)]
        if isinstance(value, list):
            return [item for _, item in items]
        if isinstance(value, tuple):
            return {"$tuple": [item for _, item in items]}
        if isinstance(value, set | frozenset):
            mark = "$set" if isinstance(value, set) else "$frozenset"
            return {mark: [self.value(item) for item in sorted(value, key=repr)]}
        name = stored.name_of(type(value))
        if name is not None:
            return {"$object": [name, dict(items)]}
        raise TypeError(f"{type(value).__qualname__} cannot be part of a world's state")

    def _mapping(self, value: dict[object, object], path: Path | None) -> object:
        items = [(key, self.value(item, None if path is None else (*path, key))) for key, item in value.items()]
        if all(isinstance(key, str) and not key.startswith("$") and key.isprintable() for key in value):
            return dict(items)
        return {"$map": [[self.value(key), item] for key, item in items]}


def _ordered(value: object) -> list[tuple[object, object]]:
    """Return ``parts`` in an order that does not depend on the history of a mapping, such as when mounts were made."""
    found = parts(value)
    return sorted(found, key=lambda part: repr(part[0])) if isinstance(value, dict) else found


def empty_large(root: object) -> None:
    """Empty the large lists and mappings in a value that is not used any more.

    A world contains reference cycles: the collector would free all of its tokens at once, while other threads wait.
    """
    waiting = [root]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict | list) and len(value) > _LARGE:
            while value:
                value.popitem() if isinstance(value, dict) else value.pop()
        else:
            waiting.extend(below for _, below in parts(value))


def at(root: object, path: Path) -> object:
    """Return the value at a path, or None."""
    for step in path:
        root = dict(parts(root)).get(step)
    return root


def parts(value: object) -> list[tuple[object, object]]:
    """Return the values directly inside a value, each with the step to it."""
    if isinstance(value, dict):
        return list(value.items())
    if isinstance(value, list | tuple):
        return list(enumerate(value))
    if is_dataclass(value) and not isinstance(value, type):
        return [(field.name, getattr(value, field.name)) for field in fields(value)]
    return []


# -- reading ---------------------------------------------------------------------------------------------------------


_TEXTS: dict[str, Callable[[str], object]] = {
    "$bytes": lambda text: base64.b64decode(text, validate=True),
    "$number": Number,
    "$encoded": Encoded,
    "$json": read_json,
}
"""Functions that convert a string, by the mark."""
_SERIES: dict[str, Callable[[Iterable[object]], object]] = {"$tuple": tuple, "$set": set, "$frozenset": frozenset}
"""Functions that convert a list, by the mark."""


def _items(inner: object) -> list[object]:
    """Return ``inner`` if it is a list. Raises ValueError for anything else."""
    if not isinstance(inner, list):
        raise ValueError(f"expected a list, found {type(inner).__name__}")
    return inner


def _index(step: object) -> int:
    if not isinstance(step, int):
        raise LookupError(step)
    return step


class StateReader:
    """Applies patches to the parts of a world."""

    def __init__(self, parts_of_world: dict[str, object]) -> None:
        self.roots = parts_of_world
        self.later: list[tuple[Callable[[object], None], Path]] = []

    def patch(self, where: object, value: object) -> None:
        """Set the value at a path. Raises ValueError for an invalid path or value."""
        path = tuple(self.value(step, None) for step in _items(where))
        if len(path) < 1 or path[0] not in self.roots:
            raise ValueError(f"the path begins with one of {', '.join(self.roots)}")
        try:
            holder = self._at(path[:-1])
            if is_dataclass(holder):
                self._at(path)
            put = setter(holder, path[-1])
            found = self.value(value, put)
            check_kind(holder, path[-1], found)
            put(found)
            while self.later:
                again, same = self.later.pop(0)
                again(self._at(same))
        except (LookupError, AttributeError, TypeError) as error:
            raise ValueError(f"nothing exists at this path ({error!r})") from None

    def _at(self, path: Path) -> object:
        found: object = self.roots
        for step in path:
            if is_dataclass(found):
                if step not in {field.name for field in fields(found)}:
                    raise LookupError(step)
                found = getattr(found, str(step))
            elif isinstance(found, dict):
                found = found[step]
            elif isinstance(found, list | tuple):
                found = found[_index(step)]
            else:
                raise LookupError(step)
        return found

    def value(self, written: object, put: Callable[[object], None] | None) -> object:
        """Return the value that plain data represents."""
        if isinstance(written, list):
            made: list[object] = []
            made.extend(self.value(item, setter(made, index)) for index, item in enumerate(written))
            return made
        if not isinstance(written, dict):
            return written
        mark, inner = next(iter(written.items()), ("", None))
        if not str(mark).startswith("$") or len(written) != 1:
            table: dict[object, object] = {}
            for key, item in written.items():
                table[key] = self.value(item, setter(table, key))
            return table
        return self._marked(str(mark), inner, put)

    def _marked(self, mark: str, inner: object, put: Callable[[object], None] | None) -> object:
        if mark == "$same":
            if put is None:
                raise ValueError("$same cannot be used here")
            self.later.append((put, tuple(self.value(step, None) for step in _items(inner))))
            return None
        if mark == "$map":
            table: dict[object, object] = {}
            for key, item in map(_items, _items(inner)):
                made = self.value(key, None)
                table[made] = self.value(item, setter(table, made))
            return table
        if mark == "$object":
            name, members = _items(inner)
            return self._object(name, members)
        if mark in _TEXTS:
            if not isinstance(inner, str):
                raise ValueError(f"{mark}: expected a text")
            return _TEXTS[mark](inner)
        if mark in _SERIES:
            return _SERIES[mark](self.value(item, None) for item in _items(inner))
        raise ValueError(f"unknown mark {mark}")

    def _object(self, name: object, values: object) -> object:
        found = _class(name)
        made: object = object.__new__(found)
        names = {field.name for field in fields(found)}
        if not isinstance(values, dict) or set(values) != names:
            raise ValueError(f"{name} has {', '.join(sorted(names))}")
        for field, item in values.items():
            put = setter(made, field)
            put(self.value(item, put))
        return made


def _class(name: object) -> type[DataclassInstance]:
    """Return the dataclass that a dump calls ``name``. Raises ValueError for an unknown name.

    A file creates only objects of classes of the state, and runs none of their code.
    """
    found = stored.class_of(str(name))
    if found is None:  # modules of engines are imported at the first request, which may not have been made
        for engine in registry.names():
            registry.engine(engine)
        found = stored.class_of(str(name))
    if found is None:
        raise ValueError(
            f"unknown class {name!r}: another version of mockkms wrote this dump. Dump the world again with this "
            "version, or remove the section `exact` (ids and times of the world then differ)"
        )
    return found


_SCALARS: dict[object, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (float, int), "bytes": (bytes,)}
"""The types of values by a member's annotation."""


def check_kind(holder: object, step: object, value: object) -> None:
    """Raise ValueError for a value of the wrong type, as far as the right one is known.

    A member has the type that its class declares; a container or an object is replaced by one of its type, and a
    value beside objects of one class is of that class.
    """
    if value is None:
        return
    expected: tuple[type, ...] = ()
    if is_dataclass(holder):
        declared = {field.name: field.type for field in fields(holder)}
        expected = _SCALARS.get(declared[str(step)], ())
    before = dict(parts(holder)).get(step)
    if not expected and (is_dataclass(before) or (is_dataclass(holder) and isinstance(before, dict | list | tuple))):
        expected = (type(before),)
    if not expected and isinstance(holder, dict):
        beside = {type(item) for item in holder.values()}
        if len(beside) == 1 and is_dataclass(next(iter(beside))):
            expected = tuple(beside)
    if expected and (not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected)):
        raise ValueError(f"expected {expected[0].__name__}, found {type(value).__name__}")


def setter(holder: object, step: object) -> Callable[[object], None]:
    """Return a function that sets a value in ``holder`` at ``step``."""

    def put(value: object) -> None:
        if is_dataclass(holder):
            object.__setattr__(holder, str(step), value)
        elif isinstance(holder, dict):
            holder[step] = value
        elif isinstance(holder, list):
            holder[_index(step)] = value
        else:
            raise LookupError(step)

    return put


def apply(to: Applier, section: Sequence[Mapping[str, object]]) -> None:
    """Apply the patches to the world."""
    world = to.world
    found = roots(world)
    reader = StateReader(found)
    for index, patch in enumerate(section):
        with to.guard("exact", index):
            reader.patch(patch["at"], patch["is"])
    if to.problems:
        return
    with to.guard("exact"):
        clock, entropy = _sources(found["clock"], found["entropy"])
    if to.problems:
        return
    # Through pickle, so that nothing the parts had looked up and kept survives.
    state, rustfs = pickle.loads(pickle.dumps((found["vault"], found["rustfs"]), protocol=5))
    world.core.replace_state(state)
    world.rustfs.replace_state(rustfs)
    world.clock.restore(clock)
    world.entropy.restore(entropy)


def _sources(clock: object, entropy: object) -> tuple[ClockState, EntropyState]:
    """Return the states of a clock and of an entropy source. Raises ValueError for anything else."""
    match clock:
        case (float() | int() as offset, float() | int() | None as frozen):
            pass
        case _:
            raise ValueError("`clock` is a tuple of two numbers; the second may be null")
    match entropy:
        case (int() | str() | None as seed, int() as counter, bytes() as rest):
            pass
        case _:
            raise ValueError("`entropy` is a tuple of the seed, a counter and bytes")
    return (offset, frozen), (seed, counter, rest)
