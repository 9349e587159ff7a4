"""Detecting undeclared names, functions, messages and fields in an expression. Imported with the library."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from lark import Token, Tree

from mockkms.vault.cel.functions import NAMES
from mockkms.vault.cel.messages import BYTES, INT, LONG, MAP, NUMBER, STRINGS, UINT, Dialect

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
    INT: "int", UINT: "uint", LONG: "uint", NUMBER: "int", BYTES: "bytes", STRINGS: "list(string)",
    MAP: "map(string, string)",
}  # fmt: skip
_MACROS = {"all", "exists", "exists_one", "map", "filter"}


Node: TypeAlias = "Tree[Token] | Token | None"
"""A rule with its parts, a name or other text, or an optional part that is missing."""


def faults(tree: Tree[Token], text: str, names: set[str], dialect: Dialect) -> list[tuple[int, str]]:
    """Return the position and text of each fault, in the order of their positions."""
    return sorted(_Checker(text, dialect).walk(tree, frozenset(names)))


def _parts(node: Node) -> tuple[str, list[Node]]:
    """Return the name and the parts of a rule; a text has neither."""
    return (str(node.data), [*node.children]) if isinstance(node, Tree) else ("", [])


def _word(node: Node) -> Token:
    """Return a part that the grammar makes a text."""
    assert isinstance(node, Token)
    return node


class _Checker:
    """Checks one expression."""

    def __init__(self, text: str, dialect: Dialect) -> None:
        self._text, self._dialect = text, dialect

    def walk(self, node: Node, names: frozenset[str]) -> Iterator[tuple[int, str]]:
        """Yield the faults of a part, in which these names are declared."""
        kind, children = _parts(node)
        if kind == "ident":
            yield from self._undeclared(_word(children[0]), names)
        elif kind == "ident_arg":
            name = _word(children[0])
            if name not in _FUNCTIONS:
                yield self._after(name, "("), self._unknown(name)
            yield from self._each(children[1:], names)
        elif kind == "member_dot_arg":
            yield from self._method(children, names)
        elif kind == "member_object":
            yield from self._message(children, names)
        elif kind == "member_dot":
            if self._dialect.message(_path(node)) is None and _path(node) not in self._dialect.whole_names:
                yield from self.walk(children[0], names)
        else:
            yield from self._each(children, names)

    def _each(self, nodes: list[Node], names: frozenset[str]) -> Iterator[tuple[int, str]]:
        for node in nodes:
            yield from self.walk(node, names)

    def _after(self, word: Token, mark: str) -> int:
        """Return where ``mark`` follows a word."""
        return self._text.index(mark, word.end_pos or 0)

    def _unknown(self, name: str) -> str:
        return f"undeclared reference to '{name}' (in container '{self._dialect.container}')"

    def _undeclared(self, name: Token, names: frozenset[str]) -> Iterator[tuple[int, str]]:
        if name not in names and name not in _TYPES:
            yield name.start_pos or 0, self._unknown(name)

    def _method(self, children: list[Node], names: frozenset[str]) -> Iterator[tuple[int, str]]:
        """Yield the faults of a method call; a macro's first argument declares a name for its second."""
        yield from self.walk(children[0], names)
        name, arguments = _word(children[1]), _parts(children[2])[1] if len(children) > 2 else []
        if name in _MACROS and len(arguments) > 1:
            variable = _path(arguments[0])
            yield from self._each(arguments[1:], names | {variable})
            return
        if name not in _FUNCTIONS:
            yield self._after(name, "("), self._unknown(name)
        yield from self._each(arguments, names)

    def _message(self, children: list[Node], names: frozenset[str]) -> Iterator[tuple[int, str]]:
        fields = self._dialect.message(_path(children[0]))
        if fields is None:
            assert isinstance(children[0], Tree)
            *_, last = children[0].scan_values(lambda _: True)
            yield self._after(_word(last), "{"), self._unknown(_path(children[0]))
            return
        given = _parts(children[1])[1] if len(children) > 1 else []
        for part, value in zip(given[::2], given[1::2], strict=True):
            field = _word(part)
            at = self._after(field, ":")
            if field not in fields:
                yield at, f"undefined field '{field}'"
                continue
            wanted, found = _field_type(fields[field], self._dialect), _literal(value)
            if found and found != wanted:
                yield at, f"expected type of field '{field}' is '{wanted}' but provided type is '{found}'"
            yield from self.walk(value, names)


def _field_type(kind: str, dialect: Dialect) -> str:
    """Return the type of a field as messages show it."""
    if kind.startswith("["):
        return f"list({_field_type(kind[1:-1], dialect)})"
    return dialect.whole(kind) if kind in dialect.messages else _FIELD_TYPES.get(kind, kind)


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
