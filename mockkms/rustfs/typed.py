"""Typed readers over the tree of ``serde.parse``: structs, options, maps, with the parser's words for every fault."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mockkms.rustfs.serde import JsonNode, SerdeError, end, parse

Reader = Callable[[JsonNode], Any]

REQUIRED: Any = object()
"""As a default: the field must be there."""


def quoted(text: str) -> str:
    """``text`` as Rust's debug form shows it, in double quotes."""
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}
    return '"' + "".join(escapes.get(c) or (c if c.isprintable() else f"\\u{{{ord(c):x}}}") for c in text) + '"'


def unexpected(node: JsonNode) -> str:
    """The parser's name for a value it did not want."""
    value = node.value
    if node.kind == "string":
        return f"string {quoted(value)}"
    if node.kind == "integer":
        return f"integer `{value}`"
    if node.kind == "float":
        return f"floating point `{value}`"
    if node.kind == "boolean":
        return f"boolean `{'true' if value else 'false'}`"
    return node.kind


def invalid_type(node: JsonNode, expected: str) -> SerdeError:
    """The value is of another type; an array or object is refused at its first bracket, the rest after its end."""
    at = node.start if node.kind in ("sequence", "map") else node.end
    return SerdeError(f"invalid type: {unexpected(node)}, expected {expected}", at)


def string(node: JsonNode) -> str:
    """A string."""
    if node.kind != "string":
        raise invalid_type(node, "a string")
    return str(node.value)


def boolean(node: JsonNode) -> bool:
    """``true`` or ``false``."""
    if node.kind != "boolean":
        raise invalid_type(node, "a boolean")
    return bool(node.value)


def unsigned(bits: int, name: str = "") -> Reader:
    """A whole number from 0 that fits ``bits``; ``name`` is the type as the server calls it."""
    called = name or f"u{bits}"

    def read(node: JsonNode) -> int:
        if node.kind != "integer":
            raise invalid_type(node, called)
        if not 0 <= node.value < 2**bits:
            raise SerdeError(f"invalid value: {unexpected(node)}, expected {called}", node.end)
        return int(node.value)

    return read


def option(inner: Reader) -> Reader:
    """``null`` or what ``inner`` reads."""
    return lambda node: None if node.kind == "null" else inner(node)


def listed(names: Sequence[str]) -> str:
    """``expected …`` of an unknown field or variant."""
    if not names:
        return "there are no fields"
    if len(names) == 1:
        return f"expected `{names[0]}`"
    if len(names) == 2:
        return f"expected `{names[0]}` or `{names[1]}`"
    return "expected one of " + ", ".join(f"`{name}`" for name in names)


def variant(*names: str) -> Reader:
    """One of the words ``names``."""

    def read(node: JsonNode) -> str:
        if node.kind != "string":
            raise SerdeError("expected value", node.start + 1)
        if node.value not in names:
            raise SerdeError(f"unknown variant `{node.value}`, {listed(names)}", node.end)
        return str(node.value)

    return read


def mapping(inner: Reader) -> Reader:
    """An object of any names; the last of a repeated name wins."""

    def read(node: JsonNode) -> dict[str, Any]:
        if node.kind != "map":
            raise invalid_type(node, "a map")
        found = {}
        for name, _, value in node.entries:
            if isinstance(value, SerdeError):
                raise value
            found[name] = inner(value)
        if node.broken:
            raise node.broken
        return found

    return read


def sequence(inner: Reader) -> Reader:
    """An array."""

    def read(node: JsonNode) -> list[Any]:
        if node.kind != "sequence":
            raise invalid_type(node, "a sequence")
        found = [inner(item) for item in node.items]
        if node.broken:
            raise node.broken
        return found

    return read


def anything(node: JsonNode) -> None:
    """A value that nobody looks at; it must still be JSON."""
    for item in node.items:
        anything(item)
    for _, _, value in node.entries:
        if isinstance(value, SerdeError):
            raise value
        anything(value)
    if node.broken:
        raise node.broken


def struct(name: str, fields: dict[str, tuple[Reader, Any]], *, closed: bool = True) -> Reader:
    """An object with known fields, ``{name: (reader, default)}``; ``closed`` refuses unknown ones.

    An array is read as the fields in order, as the parser does.
    """

    def read(node: JsonNode) -> dict[str, Any]:
        if node.kind == "sequence":
            return _in_order(node, name, fields)
        if node.kind != "map":
            raise invalid_type(node, f"struct {name}")
        found: dict[str, Any] = {}
        for field_name, name_end, value in node.entries:
            known = fields.get(field_name)
            if known is None and closed:
                raise SerdeError(f"unknown field `{field_name}`, {listed(list(fields))}", name_end)
            if field_name in found:
                raise SerdeError(f"duplicate field `{field_name}`", name_end)
            if isinstance(value, SerdeError):
                raise value
            if known is None:
                anything(value)
            else:
                found[field_name] = known[0](value)
        if node.broken:
            raise node.broken
        for field_name, (_, default) in fields.items():
            if field_name not in found:
                if default is REQUIRED:
                    raise SerdeError(f"missing field `{field_name}`", node.end)
                found[field_name] = default
        return found

    return read


def _in_order(node: JsonNode, name: str, fields: dict[str, tuple[Reader, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for index, (field_name, (reader, default)) in enumerate(fields.items()):
        if index < len(node.items):
            found[field_name] = reader(node.items[index])
        elif node.broken:
            raise node.broken
        elif default is REQUIRED:
            count = f"{len(fields)} element{'s' if len(fields) != 1 else ''}"
            raise SerdeError(f"invalid length {index}, expected struct {name} with {count}", node.end)
        else:
            found[field_name] = default
    if node.broken:
        raise node.broken
    if len(node.items) > len(fields):
        raise SerdeError("trailing characters", node.items[len(fields)].start + 1)
    return found


def read_body(body: bytes, reader: Reader) -> Any:
    """The whole body through ``reader``; raises SerdeError (``located(body)`` gives the sentence)."""
    node = parse(body)
    value = reader(node)
    end(body, node)
    return value
