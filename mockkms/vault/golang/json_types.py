"""JSON as Go's ``encoding/json`` decodes it into strings, slices, maps and structs, with its errors.

    POLICIES = Slice(Map(ANYTHING))
    POLICIES.read(go_json.decode(text, whole=True))

A value of another kind is refused with the text of Go's ``UnmarshalTypeError``: the first one of the document, named by
its member if it is one of a struct.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any

from mockkms.vault.golang.json import GoJSONError, kind_of

_INT64 = range(-(1 << 63), 1 << 63)


class GoType:
    """A type of Go's: its name in errors, and its zero value, which null becomes."""

    def __init__(self, name: str, zero: object) -> None:
        self.name, self.zero = name, zero

    def read(self, value: object, member: str = "") -> Any:
        """Return a value that ``golang.json`` decoded. ``member`` is ``Struct.name``, if it is one.

        Raises GoJSONError.
        """
        return copy(self.zero) if value is None else self.take(value, member)

    def take(self, value: object, member: str) -> object:
        """Return a value that is not null. Raises GoJSONError."""
        if type(value) is not type(self.zero):
            raise self.refused(value, member)
        return value

    def refused(self, value: object, member: str, kind: str = "") -> GoJSONError:
        """Return the error about a value that the type does not take."""
        target = f"struct field {member}" if member else "value"
        return GoJSONError(f"json: cannot unmarshal {kind or kind_of(value)} into Go {target} of type {self.name}")


class Int(GoType):
    """An integer of 64 bits."""

    def take(self, value: object, member: str) -> object:
        """Return the number. Raises GoJSONError."""
        if kind_of(value) != "number":
            raise self.refused(value, member)
        if not isinstance(value, int) or value not in _INT64:
            raise self.refused(value, member, f"number {value}")
        return value


class Anything(GoType):
    """An ``interface {}``, which holds what JSON has."""

    def take(self, value: object, member: str) -> object:
        """Return the value."""
        return value


class Slice(GoType):
    """A list, with ``pointers`` of pointers to its items; null is an empty one."""

    def __init__(self, item: GoType, *, pointers: bool = False) -> None:
        super().__init__(f"[]{'*' if pointers else ''}{item.name}", [])
        self.item = item

    def take(self, value: object, member: str) -> object:
        """Return the items. Raises GoJSONError."""
        if not isinstance(value, list):
            raise self.refused(value, member)
        return [self.item.read(one, member) for one in value]


class Map(GoType):
    """A map from strings; null is an empty one."""

    def __init__(self, item: GoType) -> None:
        super().__init__(f"map[string]{item.name}", {})
        self.item = item

    def take(self, value: object, member: str) -> object:
        """Return the items by key. Raises GoJSONError."""
        if not isinstance(value, dict):
            raise self.refused(value, member)
        return {key: self.item.read(one, member) for key, one in value.items()}


class Struct(GoType):
    """A struct: its members by their names in JSON, which are found without regard to case. Others are ignored.

    ``name`` has the package: ``rabbitmq.vhostPermission``.
    """

    def __init__(self, name: str, members: Mapping[str, GoType]) -> None:
        super().__init__(name, {})
        self.members = members
        self.folded = {member.lower(): member for member in members}

    def read(self, value: object, member: str = "") -> Any:
        """Return all members by name. Raises GoJSONError."""
        if not isinstance(value, dict | None):
            raise self.refused(value, member)
        found = {name: kind.read(None) for name, kind in self.members.items()}
        for key, one in (value or {}).items():
            name = self.folded.get(key.lower())
            if name is not None and one is not None:
                found[name] = self.members[name].read(one, f"{self.name.rpartition('.')[2]}.{name}")
        return found


STRING, BOOL, INT, ANYTHING = GoType("string", ""), GoType("bool", False), Int("int", 0), Anything("interface {}", None)
