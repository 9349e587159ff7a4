"""Detecting undeclared names, functions, messages and fields in an expression. Imported with the library."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from lark import Token, Tree

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


Node: TypeAlias = "Tree[Token] | Token | None"
"""A rule with its parts, a name or other text, or an optional part that is missing."""


def faults(tree: Tree[Token], text: str, names: set[str]) -> list[tuple[int, str]]:
    """Return the position and text of each fault, in the order of their positions."""
    return sorted(_walk(tree, text, frozenset(names)))


def _parts(node: Node) -> tuple[str, list[Node]]:
    """Return the name and the parts of a rule; a text has neither."""
    return (str(node.data), [*node.children]) if isinstance(node, Tree) else ("", [])


def _word(node: Node) -> Token:
    """Return a part that the grammar makes a text."""
    assert isinstance(node, Token)
    return node


def _after(word: Token, mark: str, text: str) -> int:
    """Return where ``mark`` follows a word."""
    return text.index(mark, word.end_pos or 0)


def _walk(node: Node, text: str, names: frozenset[str]) -> Iterator[tuple[int, str]]:
    kind, children = _parts(node)
    if kind == "ident":
        yield from _undeclared(_word(children[0]), names)
    elif kind == "ident_arg":
        name = _word(children[0])
        if name not in _FUNCTIONS:
            yield _after(name, "(", text), f"undeclared reference to '{name}' (in container '')"
        yield from _each(children[1:], text, names)
    elif kind == "member_dot_arg":
        yield from _method(children, text, names)
    elif kind == "member_object":
        yield from _message(children, text, names)
    elif kind == "member_dot":
        if _path(node) not in MESSAGES:
            yield from _walk(children[0], text, names)
    else:
        yield from _each(children, text, names)


def _each(nodes: list[Node], text: str, names: frozenset[str]) -> Iterator[tuple[int, str]]:
    for node in nodes:
        yield from _walk(node, text, names)


def _undeclared(name: Token, names: frozenset[str]) -> Iterator[tuple[int, str]]:
    if name not in names and name not in _TYPES:
        yield name.start_pos or 0, f"undeclared reference to '{name}' (in container '')"


def _method(children: list[Node], text: str, names: frozenset[str]) -> Iterator[tuple[int, str]]:
    """Yield the faults of a method call; a macro's first argument declares a name for its second."""
    yield from _walk(children[0], text, names)
    name, arguments = _word(children[1]), _parts(children[2])[1] if len(children) > 2 else []
    if name in _MACROS and len(arguments) > 1:
        variable = _path(arguments[0])
        yield from _each(arguments[1:], text, names | {variable})
        return
    if name not in _FUNCTIONS:
        yield _after(name, "(", text), f"undeclared reference to '{name}' (in container '')"
    yield from _each(arguments, text, names)


def _message(children: list[Node], text: str, names: frozenset[str]) -> Iterator[tuple[int, str]]:
    fields = MESSAGES.get(_path(children[0]))
    if fields is None:
        assert isinstance(children[0], Tree)
        *_, last = children[0].scan_values(lambda _: True)
        yield _after(_word(last), "{", text), f"undeclared reference to '{_path(children[0])}' (in container '')"
        return
    given = _parts(children[1])[1] if len(children) > 1 else []
    for part, value in zip(given[::2], given[1::2], strict=True):
        field = _word(part)
        at = _after(field, ":", text)
        if field not in fields:
            yield at, f"undefined field '{field}'"
            continue
        wanted, found = _FIELD_TYPES.get(fields[field], fields[field]), _literal(value)
        if found and found != wanted:
            yield at, f"expected type of field '{field}' is '{wanted}' but provided type is '{found}'"
        yield from _walk(value, text, names)


def _literal(node: Node) -> str:
    """Return the type of a literal, or of a list of literals of one type; empty for anything else."""
    kind, children = _parts(node)
    if kind == "literal":
        return _LITERALS.get(_word(children[0]).type, "")
    if kind == "list_lit" and children and children[0] is not None:
        found = {_literal(item) for item in _parts(children[0])[1]}
        return f"list({found.pop()})" if len(found) == 1 and "" not in found else ""
    return _literal(children[0]) if len(children) == 1 else ""


def _path(node: Node) -> str:
    """Return a dotted name such as ``pb.Auth``, else a text that cannot be one."""
    kind, children = _parts(node)
    if kind == "ident":
        return str(children[0])
    if kind == "member_dot":
        return f"{_path(children[0])}.{children[1]}"
    return _path(children[0]) if len(children) == 1 else ""
