"""Type-checking of expressions as cel-go does it, with its error texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mockkms.vault.cel.declarations import DYN, ERROR, TYPES, Type, overloads, read
from mockkms.vault.cel.messages import BYTES, INT, LONG, MAP, MOMENT, NUMBER, STRINGS, UINT, Dialect
from mockkms.vault.cel.syntax.tree import CelNode, Steps, run

_FIELD_TYPES = {
    INT: "int", UINT: "uint", LONG: "uint", NUMBER: "int", BYTES: "bytes", STRINGS: "list(string)",
    MAP: "map(string,string)", MOMENT: "timestamp",
}  # fmt: skip
_KNOWN = {
    "claims": "map(string,dyn)", "now": "timestamp", "operation": "string", "entity_id": "string",
    "entity_groups": "list(dyn)", "entity_info": "map(string,dyn)",
}  # fmt: skip
"""The types of variables of programs; those that programs declare are dynamic."""
_EXTREMES = {"math.greatest": "math.@max", "math.least": "math.@min"}
"""Macros for functions of one list or of two numbers."""
_NULLABLE = ("timestamp", "duration")
_BOOL: Type = ("bool",)


def faults(tree: CelNode, names: frozenset[str], own: frozenset[str], dialect: Dialect) -> list[tuple[int, str]]:
    """Return the position and text of each fault, in the order of their positions.

    Args:
        tree: The expression.
        names: The names of variables.
        own: Those of them that the program declares.
        dialect: The messages.
    """
    checker = _Checker(dialect)
    known = {name: DYN if name in own else read(_KNOWN.get(name, "dyn")) for name in names}
    run(checker.check(tree, known))
    return sorted(checker.found, key=lambda fault: fault[0])


def shown(kind: Type) -> str:
    """Return a type as messages show it."""
    name, *inner = kind
    parts = [shown(part) for part in inner if isinstance(part, tuple)]
    return f"{name}({', '.join(parts)})" if parts else str(name)


class _Checker:
    """Checks one expression; ``bound`` are the types that stand for parameters."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.found: list[tuple[int, str]] = []
        self._bound: dict[str, Type] = {}
        self._count = 0

    # -- parts of expressions --------------------------------------------------------------------------------------

    def check(self, node: CelNode, names: Mapping[str, Type]) -> Steps[Type]:
        """Return the type of a part, in which these names are declared."""
        if node.kind == "literal":
            return (node.name,)
        if node.kind == "name":
            return self._name(node, names)
        checks: dict[str, Callable[[CelNode, Mapping[str, Type]], Steps[Type]]] = {
            "select": self._select, "has": self._select, "list": self._list, "map": self._map,
            "message": self._message, "macro": self._macro, "call": self._call,
        }  # fmt: skip
        found: Type = yield checks[node.kind](node, names)
        return found

    def _fault(self, at: int, text: str) -> None:
        self.found.append((at, text))

    def _undeclared(self, at: int, name: str) -> Type:
        self._fault(at, f"undeclared reference to '{name}' (in container '{self._dialect.container}')")
        return ERROR

    def _name(self, node: CelNode, names: Mapping[str, Type]) -> Type:
        plain = node.name.removeprefix(".")
        if plain in names:
            return names[plain]
        if plain in TYPES:
            return ("type", read(TYPES[plain]))
        return self._undeclared(node.at, node.name)

    def _select(self, node: CelNode, names: Mapping[str, Type]) -> Steps[Type]:
        path = node.path() if node.kind == "select" else ""
        if path in TYPES:
            return ("type", read(TYPES[path]))
        if path and (self._dialect.message(path) is not None or path in self._dialect.whole_names):
            return DYN
        if node.target is None:
            return _BOOL
        operand = self._known((yield self.check(node.target, names)))
        optional = operand[0] == "optional_type"
        found = self._field(node, operand[1] if optional and isinstance(operand[1], tuple) else operand)
        if node.kind == "has":
            return _BOOL
        return ("optional_type", found) if optional or node.labels else found

    def _field(self, node: CelNode, operand: Type) -> Type:
        if operand[0] == "map" and isinstance(operand[2], tuple):
            return operand[2]
        if operand[0] == "message":
            fields = self._dialect.message(str(operand[1])) or {}
            if node.name in fields:
                return self._kind(fields[node.name])
            self._fault(node.at, f"undefined field '{node.name}'")
            return ERROR
        if operand[0] not in ("dyn", "!error!") and not _free(operand):
            self._fault(node.at, f"type '{shown(operand)}' does not support field selection")
        return DYN

    def _list(self, node: CelNode, names: Mapping[str, Type]) -> Steps[Type]:
        joined: Type | None = None
        for part, (flag, _) in zip(node.parts, node.labels, strict=True):
            joined = self._join(joined, self._given((yield self.check(part, names)), flag))
        return ("list", joined if joined is not None else self._fresh())

    def _map(self, node: CelNode, names: Mapping[str, Type]) -> Steps[Type]:
        keys: Type | None = None
        values: Type | None = None
        for key, value, (flag, _) in zip(node.parts[::2], node.parts[1::2], node.labels, strict=True):
            keys = self._join(keys, (yield self.check(key, names)))
            values = self._join(values, self._given((yield self.check(value, names)), flag))
        return ("map", keys or self._fresh(), values or self._fresh())

    def _given(self, kind: Type, flag: str) -> Type:
        """Return the type of a member of a list or map; ``flag``: ``?`` for an optional one."""
        known = self._known(kind)
        return known[1] if flag and known[0] == "optional_type" and isinstance(known[1], tuple) else kind

    def _join(self, one: Type | None, other: Type) -> Type:
        """Return the type of two members of a list or map: dynamic if they differ."""
        if one is None or self._assignable(other, one, self._bound):
            return other if one is None else one
        return other if self._assignable(one, other, self._bound) and other[0] != "dyn" else DYN

    def _message(self, node: CelNode, names: Mapping[str, Type]) -> Steps[Type]:
        fields = self._dialect.message(node.name)
        if fields is None and node.name not in ("google.protobuf.Timestamp", "google.protobuf.Duration"):
            return DYN if node.name.startswith("google.protobuf.") else self._undeclared(node.at, node.name)
        for (label, at), part in zip(node.labels, node.parts, strict=True):
            name = label.removeprefix("?")
            given = yield self.check(part, names)
            if fields is None:
                continue
            if name not in fields:
                self._fault(at, f"undefined field '{name}'")
                continue
            wanted = self._kind(fields[name])
            if name != label:
                wanted = ("optional_type", wanted)
            if not self._assignable(given, wanted, self._bound):
                told = f"'{self._told(wanted)}' but provided type is '{self._told(self._known(given))}'"
                self._fault(at, f"expected type of field '{name}' is {told}")
        return ("message", node.name)

    def _kind(self, kind: str) -> Type:
        if kind.startswith("["):
            return ("list", self._kind(kind[1:-1]))
        if kind in self._dialect.messages:
            return ("message", kind)
        return read(_FIELD_TYPES.get(kind, kind))

    def _told(self, kind: Type) -> str:
        """Return a type as messages show it, messages with their package."""
        if kind[0] == "message":
            return self._dialect.whole(str(kind[1]))
        name, *inner = _plain(kind)
        parts = [self._told(part) for part in inner if isinstance(part, tuple)]
        return f"{name}({', '.join(parts)})" if parts else str(name)

    # -- calls -----------------------------------------------------------------------------------------------------

    def _call(self, node: CelNode, names: Mapping[str, Type]) -> Steps[Type]:
        given: list[Type] = []
        for part in node.parts:
            given.append((yield self.check(part, names)))
        if node.name in ("_&&_", "_||_"):
            for part, kind in zip(node.parts, given, strict=True):
                self._must_be_bool(part, kind)
            return _BOOL
        name, path = node.name.removeprefix("."), node.target.path() if node.target is not None else ""
        full = _EXTREMES.get(f"{path}.{name}", f"{path}.{name}")
        if path and overloads(full) is not None:
            if full in _EXTREMES.values() and len(given) > 2:
                joined: Type | None = None
                for kind in given:
                    joined = self._join(joined, kind)
                given = [("list", joined or DYN)]
            return self._resolved(node, full, None, given)
        receiver: Type | None = None
        if node.target is not None:
            receiver = yield self.check(node.target, names)
        if overloads(name) is None:
            return self._undeclared(node.at, node.name)
        return self._resolved(node, name, receiver, given)

    def _must_be_bool(self, node: CelNode, kind: Type) -> None:
        if not self._assignable(kind, _BOOL, self._bound):
            self._fault(node.at, f"expected type 'bool' but found '{self._told(self._known(kind))}'")

    def _resolved(self, node: CelNode, name: str, receiver: Type | None, given: list[Type]) -> Type:
        """Return the type of a call, of the overloads that fit."""
        everything = given if receiver is None else [receiver, *given]
        result: Type | None = None
        for member, wanted, returned in overloads(name) or ():
            if member != (receiver is not None) or len(wanted) != len(everything):
                continue
            fresh: dict[str, Type] = {}
            bound = dict(self._bound)
            types = [self._instance(kind, fresh) for kind in wanted]
            if all(self._assignable(have, want, bound) for have, want in zip(everything, types, strict=True)):
                self._bound = bound
                one = self._known(self._instance(returned, fresh))
                result = one if result in (None, one) else DYN
        if result is not None:
            return result
        told = f"({', '.join(self._told(self._known(kind)) for kind in given)})"
        if receiver is not None:
            told = f"{self._told(self._known(receiver))}.{told}"
        self._fault(node.at, f"found no matching overload for '{name}' applied to '{told}'")
        return ERROR

    def _macro(self, node: CelNode, names: Mapping[str, Type]) -> Steps[Type]:
        assert node.target is not None
        over = self._known((yield self.check(node.target, names)))
        variable, *bodies = node.parts
        optional = node.name.startswith("opt")
        inner = {**names, variable.name: self._item(node.target, over, optional=optional)}
        found: list[Type] = []
        for body in bodies:
            found.append((yield self.check(body, inner)))
        if node.name in ("all", "exists"):
            self._must_be_bool(bodies[0], found[0])
            return _BOOL
        if node.name in ("exists_one", "existsOne") or node.name == "filter" or len(bodies) > 1:
            self._condition(node, found[0], inner[variable.name], found)
        if node.name in ("exists_one", "existsOne"):
            return _BOOL
        if optional:
            return ("optional_type", found[0]) if node.name == "optMap" else found[0]
        if node.name == "sortBy":
            return over
        return ("list", inner[variable.name] if node.name == "filter" else found[-1])

    def _condition(self, node: CelNode, kind: Type, item: Type, found: list[Type]) -> None:
        """Check the condition of a macro, which becomes that of a conditional expression."""
        if self._assignable(kind, _BOOL, self._bound):
            return
        items = self._known(found[-1] if len(found) > 1 else item)
        made = "int" if node.name.startswith("exists") else f"list({self._told(items)})"
        told = f"({self._told(self._known(kind))}, {made}, {made})"
        self._fault(node.at, f"found no matching overload for '_?_:_' applied to '{told}'")

    def _item(self, target: CelNode, over: Type, *, optional: bool) -> Type:
        """Return the type of the items that a macro goes through."""
        wanted = ("optional_type",) if optional else ("list", "map")
        if over[0] in wanted and isinstance(over[1], tuple):
            return over[1]
        if over[0] in ("dyn", "!error!") or _free(over):
            return DYN
        if optional:
            return DYN
        told = f"expression of type '{self._told(over)}' cannot be range of a comprehension"
        self._fault(target.at, f"{told} (must be list, map, or dynamic)")
        return ERROR

    # -- types -----------------------------------------------------------------------------------------------------

    def _fresh(self) -> Type:
        self._count += 1
        return (f"_var{self._count - 1}",)

    def _instance(self, kind: Type, fresh: dict[str, Type]) -> Type:
        """Return a declared type with new parameters in place of its own."""
        name = str(kind[0])
        if name in ("A", "B"):
            if name not in fresh:
                fresh[name] = self._fresh()
            return fresh[name]
        return (name, *(self._instance(part, fresh) for part in kind[1:] if isinstance(part, tuple)))

    def _known(self, kind: Type) -> Type:
        """Return a type with what its parameters stand for."""
        while _free(kind) and str(kind[0]) in self._bound:
            kind = self._bound[str(kind[0])]
        return kind if kind[0] == "message" else (kind[0], *(self._known(p) for p in kind[1:] if isinstance(p, tuple)))

    def _assignable(self, given: Type, wanted: Type, bound: dict[str, Type]) -> bool:
        """Return whether a value of one type is one of another; may bind parameters."""
        for one, other in ((wanted, given), (given, wanted)):
            if _free(one):
                name = str(one[0])
                if name in bound:
                    return self._assignable(*((given, bound[name]) if one is wanted else (bound[name], wanted)), bound)
                if one != other:
                    bound[name] = other
                return True
        if "dyn" in (given[0], wanted[0]) or "!error!" in (given[0], wanted[0]):
            return True
        if "null" in (given[0], wanted[0]):
            return (wanted if given[0] == "null" else given)[0] in ("null", "message", "optional_type", *_NULLABLE)
        if given[0] != wanted[0]:
            return False
        if given[0] == "message":
            return self._dialect.whole(str(given[1])) == self._dialect.whole(str(wanted[1])) or given[1] == wanted[1]
        if given[0] == "type":
            return True
        inner = zip(given[1:], wanted[1:], strict=False)
        return all(
            self._assignable(one, other, bound)
            for one, other in inner
            if isinstance(one, tuple) and isinstance(other, tuple)
        )


def _free(kind: Type) -> bool:
    return str(kind[0]).startswith("_var")


def _plain(kind: Type) -> Type:
    """Return a type with ``dyn`` in place of its parameters within calls' messages."""
    if _free(kind):
        return DYN
    return kind if kind[0] == "message" else (kind[0], *(_plain(part) for part in kind[1:] if isinstance(part, tuple)))
