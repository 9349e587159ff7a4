"""Detecting undeclared names, functions, messages and fields in an expression."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mockkms.vault.cel.errors import located
from mockkms.vault.cel.functions import NAMES
from mockkms.vault.cel.messages import INT, MAP, MESSAGES, STRINGS, UINT

_FUNCTIONS = NAMES | {
    "size", "type", "int", "uint", "double", "string", "bytes", "bool", "timestamp", "duration", "dyn", "has",
    "contains", "startsWith", "endsWith", "matches", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear",
    "getFullYear", "getHours", "getMilliseconds", "getMinutes", "getMonth", "getSeconds",
}  # fmt: skip
_TYPES = {
    "int",
    "uint",
    "double",
    "string",
    "bytes",
    "bool",
    "list",
    "map",
    "null_type",
    "type",
    "timestamp",
    "duration",
}
_LITERALS = {
    "INT_LIT": "int", "UINT_LIT": "uint", "FLOAT_LIT": "double", "STRING_LIT": "string", "MLSTRING_LIT": "string",
    "BOOL_LIT": "bool", "BYTES_LIT": "bytes",
}  # fmt: skip
_FIELD_TYPES = {
    INT: "int", UINT: "uint", STRINGS: "list(string)", MAP: "map(string, string)",
    "[logical.Alias]": "list(logical.Alias)",
}  # fmt: skip
_MACROS = {"all", "exists", "exists_one", "map", "filter"}


def faults(tree: Any, text: str, names: set[str]) -> list[str]:
    """Return the faults in the order of their positions."""
    found = sorted(_walk(tree, text, frozenset(names)))
    return [located(text, position, message) for position, message in found]


def _walk(node: Any, text: str, names: frozenset[str]) -> Iterator[tuple[int, str]]:
    kind, children = getattr(node, "data", ""), getattr(node, "children", [])
    if kind == "ident":
        yield from _undeclared(children[0], names)
    elif kind == "ident_arg":
        if children[0] not in _FUNCTIONS:
            yield text.index("(", children[0].end_pos), f"undeclared reference to '{children[0]}' (in container '')"
        yield from _each(children[1:], text, names)
    elif kind == "member_dot_arg":
        yield from _method(children, text, names)
    elif kind == "member_object":
        yield from _message(node, text, names)
    elif kind == "member_dot":
        if _path(node) not in MESSAGES:
            yield from _walk(children[0], text, names)
    else:
        yield from _each(children, text, names)


def _each(nodes: list[Any], text: str, names: frozenset[str]) -> Iterator[tuple[int, str]]:
    for node in nodes:
        yield from _walk(node, text, names)


def _undeclared(name: Any, names: frozenset[str]) -> Iterator[tuple[int, str]]:
    if name not in names and name not in _TYPES:
        yield name.start_pos, f"undeclared reference to '{name}' (in container '')"


def _method(children: list[Any], text: str, names: frozenset[str]) -> Iterator[tuple[int, str]]:
    """Yield the faults of a method call; a macro's first argument declares a name for its second."""
    yield from _walk(children[0], text, names)
    name, arguments = children[1], children[2].children if len(children) > 2 and children[2] is not None else []
    if name in _MACROS and len(arguments) > 1:
        variable = _path(arguments[0])
        yield from _each(arguments[1:], text, names | {variable})
        return
    if name not in _FUNCTIONS:
        yield text.index("(", name.end_pos), f"undeclared reference to '{name}' (in container '')"
    yield from _each(arguments, text, names)


def _message(node: Any, text: str, names: frozenset[str]) -> Iterator[tuple[int, str]]:
    children = node.children
    fields = MESSAGES.get(_path(children[0]))
    if fields is None:
        tokens = list(children[0].scan_values(lambda _: True))
        yield text.index("{", tokens[-1].end_pos), f"undeclared reference to '{_path(children[0])}' (in container '')"
        return
    given = children[1].children if len(children) > 1 and children[1] is not None else []
    for field, value in zip(given[::2], given[1::2], strict=True):
        at = text.index(":", field.end_pos)
        if field not in fields:
            yield at, f"undefined field '{field}'"
            continue
        wanted, found = _FIELD_TYPES.get(fields[field], fields[field]), _literal(value)
        if found and found != wanted:
            yield at, f"expected type of field '{field}' is '{wanted}' but provided type is '{found}'"
        yield from _walk(value, text, names)


def _literal(node: Any) -> str:
    """Return the type of a literal, or of a list of literals of one type; empty for anything else."""
    kind, children = getattr(node, "data", ""), getattr(node, "children", [])
    if kind == "literal":
        return _LITERALS.get(children[0].type, "")
    if kind == "list_lit" and children and children[0] is not None:
        found = {_literal(item) for item in children[0].children}
        return f"list({found.pop()})" if len(found) == 1 and "" not in found else ""
    return _literal(children[0]) if len(children) == 1 and hasattr(children[0], "data") else ""


def _path(node: Any) -> str:
    """Return a dotted name such as ``pb.Auth``, else a text that cannot be one."""
    kind, children = getattr(node, "data", ""), getattr(node, "children", [])
    if kind == "ident":
        return str(children[0])
    if kind == "member_dot":
        return f"{_path(children[0])}.{children[1]}"
    return _path(children[0]) if len(children) == 1 and hasattr(children[0], "data") else ""
