"""Programs in the language that the library evaluates: what it lacks is written with what it has.

An optional value is a list of one item or none: ``a.?b`` and ``a[?b]`` are calls of functions over such lists, and
``optMap`` maps them. ``sortBy`` sorts by the list of keys, a ``map`` with a condition filters first.
"""

from __future__ import annotations

from celpy.celtypes import BoolType, ListType, MapType, Value
from celpy.evaluation import CELFunction

from mockkms.vault.cel.syntax.tokens import PACKAGES
from mockkms.vault.cel.syntax.tree import CelNode

_MACROS = ("sortBy", "optMap", "optFlatMap")
_CONDITIONAL = 3


_NAMES = {
    "MapType": "map", "NativeMap": "map", "ListType": "list", "StringType": "string", "DoubleType": "double",
    "IntType": "int", "UintType": "uint", "BoolType": "bool", "BytesType": "bytes", "NoneType": "null_type",
}  # fmt: skip
"""Names of types in messages, by those of the library."""


class OptionalValue(ListType):
    """A value that may be missing."""


def needs_rewriting(tree: CelNode) -> bool:
    """Return whether a tree has parts that the library lacks."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        optional = any(label.startswith("?") for label, _ in node.labels) or node.name == "_[?_]"
        lacking = node.kind == "macro" and (node.name in _MACROS or len(node.parts) == _CONDITIONAL)
        if optional or lacking:
            return True
        waiting += node.parts + ([node.target] if node.target is not None else [])
    return False


def rewritten(node: CelNode) -> str:
    """Return an expression as the library evaluates it. Raises ValueError for what has no other form."""
    if node.kind in ("literal", "name"):
        return f"({node.text})" if node.text.startswith("-") else node.text
    if node.kind == "select":
        return _select(node)
    if node.kind == "has":
        assert node.target is not None
        return f"has({rewritten(node.target)}.{node.name})"
    if node.kind == "macro":
        return _macro(node)
    if node.kind == "list":
        items = ", ".join(map(rewritten, node.parts))
        flags = ", ".join("true" if label else "false" for label, _ in node.labels)
        return f"opt_list([{items}], [{flags}])" if "true" in flags else f"[{items}]"
    if node.kind in ("map", "message"):
        return _entries(node)
    return _call(node)


def _is_optional(node: CelNode) -> bool:
    """Return whether a selection is optional, since a part of it is."""
    inner = node.target if node.kind == "select" else node.parts[0] if node.name in ("_[_]", "_[?_]") else None
    own = node.name == "_[?_]" or (node.kind == "select" and bool(node.labels))
    return own or (inner is not None and _is_optional(inner))


def _select(node: CelNode) -> str:
    assert node.target is not None
    if _is_optional(node):
        return f'opt_select({rewritten(node.target)}, "{node.name}")'
    return f"{rewritten(node.target)}.{node.name}"


def _macro(node: CelNode) -> str:
    assert node.target is not None
    over, (variable, *bodies) = rewritten(node.target), map(rewritten, node.parts)
    if node.name == "sortBy":
        return f"opt_sorted({over}, {over}.map({variable}, {bodies[0]}))"
    if node.name == "optMap":
        return f"opt_made({over}.map({variable}, {bodies[0]}))"
    if node.name == "optFlatMap":
        return f"opt_flat({over}.map({variable}, {bodies[0]}))"
    if len(bodies) > 1:
        return f"{over}.filter({variable}, {bodies[0]}).map({variable}, {bodies[1]})"
    name = "exists_one" if node.name == "existsOne" else node.name
    return f"{over}.{name}({variable}, {bodies[0]})"


def _entries(node: CelNode) -> str:
    optional = [label.startswith("?") for label, _ in node.labels]
    if node.kind == "message":
        if any(optional):
            raise ValueError("mockkms does not evaluate optional fields of messages")
        pairs = zip((label for label, _ in node.labels), map(rewritten, node.parts), strict=True)
        return f"{node.name}{{{', '.join(f'{label}: {value}' for label, value in pairs)}}}"
    keys, values = [*map(rewritten, node.parts[::2])], [*map(rewritten, node.parts[1::2])]
    text = "{" + ", ".join(f"{key}: {value}" for key, value in zip(keys, values, strict=True)) + "}"
    flagged = ", ".join(key for key, flag in zip(keys, optional, strict=True) if flag)
    return f"opt_map({text}, [{flagged}])" if flagged else text


def _call(node: CelNode) -> str:
    parts = [*map(rewritten, node.parts)]
    if node.name in ("_[_]", "_[?_]"):
        return f"opt_select({parts[0]}, {parts[1]})" if _is_optional(node) else f"{parts[0]}[{parts[1]}]"
    if node.name == "_?_:_":
        return f"({parts[0]} ? {parts[1]} : {parts[2]})"
    if node.name.startswith("_") or node.name == "@in":
        return "(" + f" {node.name.strip('_@')} ".join(parts) + ")"
    if node.name in ("!_", "-_"):
        return f"({node.name[0]}{parts[0]})"
    path = node.target.path() if node.target is not None else ""
    if path in PACKAGES:
        return f"{path}_{node.name}({', '.join(parts)})"
    receiver = "" if node.target is None else f"{rewritten(node.target)}."
    return f"{receiver}{node.name}({', '.join(parts)})"


def _selected(container: Value, key: Value) -> OptionalValue:
    if isinstance(container, OptionalValue):
        return _selected(container[0], key) if container else OptionalValue()
    if isinstance(container, MapType):
        return OptionalValue([container[key]] if key in container else [])
    if isinstance(container, ListType) and isinstance(key, int):
        return OptionalValue(container[int(key) : int(key) + 1] if key >= 0 else [])
    raise TypeError("no such overload")


def _present(items: list[Value], flags: list[Value]) -> ListType:
    found = ListType()
    for item, flag in zip(items, flags, strict=True):
        found += item if flag and isinstance(item, OptionalValue) else [item]
    return found


def _without_missing(values: MapType, optional: list[Value]) -> MapType:
    kept = MapType()
    for key, value in values.items():
        if key not in optional or not isinstance(value, OptionalValue):
            kept[key] = value
        elif value:
            kept[key] = value[0]
    return kept


def _optional(value: object) -> OptionalValue:
    """Return a value that is optional. Raises TypeError for any other."""
    if not isinstance(value, OptionalValue):
        raise TypeError("no such overload")
    return value


def _has_value(value: object) -> BoolType:
    if not isinstance(value, OptionalValue):
        kind = _NAMES.get(type(value).__name__, "")
        raise ValueError(f"no such overload: hasValue({kind})" if kind else "no such overload")
    return BoolType(bool(value))


def _value(optional: OptionalValue) -> Value:
    if not _optional(optional):
        raise ValueError("optional.none() dereference")
    found: Value = optional[0]
    return found


BY_NAME: dict[str, CELFunction] = {
    "opt_select": _selected,
    "opt_list": _present,
    "opt_map": _without_missing,
    "opt_made": OptionalValue,
    "opt_flat": lambda values: values[0] if values else OptionalValue(),
    "opt_sorted": lambda values, keys: ListType(
        [item for _, item in sorted(zip(keys, values, strict=True), key=lambda pair: pair[0])]
    ),
    "optional_of": lambda value: OptionalValue([value]),
    "optional_ofNonZeroValue": lambda value: OptionalValue([value] if value else []),
    "optional_none": OptionalValue,
    "value": _value,
    "hasValue": _has_value,
    "orValue": lambda optional, other: optional[0] if _optional(optional) else other,
    "or": lambda optional, other: _optional(optional) or other,
    "first": lambda values: OptionalValue(values[:1]),
    "last": lambda values: OptionalValue(values[-1:]),
}
"""The functions that rewritten programs call."""
