"""Typed readers of JSON: each turns a node of ``serde.parse`` into a value, or raises SerdeError as serde does."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence, Set
from functools import cache
from typing import TypeVar, get_type_hints

from mockkms.rustfs.serde import JsonNode, SerdeError, end, parse

T = TypeVar("T")
Reader = Callable[[JsonNode], T]


def quoted(text: str) -> str:
    """Return a text in double quotes, escaped as Rust's ``{:?}`` does."""
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}
    return '"' + "".join(escapes.get(c) or (c if c.isprintable() else f"\\u{{{ord(c):x}}}") for c in text) + '"'


def unexpected(node: JsonNode) -> str:
    """Return the parser's description of a value of an unexpected type."""
    value = node.value
    if node.kind == "string":
        return f"string {quoted(str(value))}"
    if node.kind == "integer":
        return f"integer `{value}`"
    if node.kind == "float":
        return f"floating point `{value}`"
    if node.kind == "boolean":
        return f"boolean `{'true' if value else 'false'}`"
    return node.kind


def invalid_type(node: JsonNode, expected: str) -> SerdeError:
    """Return the error for a value of another type: at its first bracket for an array or object, else after its end."""
    at = node.start if node.kind in ("sequence", "map") else node.end
    return SerdeError(f"invalid type: {unexpected(node)}, expected {expected}", at)


def string(node: JsonNode) -> str:
    """Read a string."""
    if node.kind != "string":
        raise invalid_type(node, "a string")
    return str(node.value)


def boolean(node: JsonNode) -> bool:
    """Read ``true`` or ``false``."""
    if node.kind != "boolean":
        raise invalid_type(node, "a boolean")
    return bool(node.value)


def unsigned(bits: int, name: str = "") -> Reader[int]:
    """Read an unsigned integer of ``bits``; ``name`` is the type's name in messages, ``u64`` by default."""
    called = name or f"u{bits}"

    def read(node: JsonNode) -> int:
        if node.kind != "integer" or not isinstance(node.value, int):
            raise invalid_type(node, called)
        if not 0 <= node.value < 2**bits:
            raise SerdeError(f"invalid value: {unexpected(node)}, expected {called}", node.end)
        return node.value

    return read


def option(inner: Reader[T]) -> Reader[T | None]:
    """Read ``null`` as None, and any other value with ``inner``."""
    return lambda node: None if node.kind == "null" else inner(node)


def listed(names: Sequence[str]) -> str:
    """Return the ``expected …`` part of the message for an unknown field or variant."""
    if not names:
        return "there are no fields"
    if len(names) == 1:
        return f"expected `{names[0]}`"
    if len(names) == 2:
        return f"expected `{names[0]}` or `{names[1]}`"
    return "expected one of " + ", ".join(f"`{name}`" for name in names)


def variant(*names: str) -> Reader[str]:
    """Read one of the strings ``names``."""

    def read(node: JsonNode) -> str:
        if node.kind != "string":
            raise SerdeError("expected value", node.start + 1)
        if node.value not in names:
            raise SerdeError(f"unknown variant `{node.value}`, {listed(names)}", node.end)
        return str(node.value)

    return read


def mapping(inner: Reader[T]) -> Reader[dict[str, T]]:
    """Read an object with arbitrary names; the last of equal names counts."""

    def read(node: JsonNode) -> dict[str, T]:
        if node.kind != "map":
            raise invalid_type(node, "a map")
        found: dict[str, T] = {}
        for name, _, value in node.entries:
            if isinstance(value, SerdeError):
                raise value
            found[name] = inner(value)
        if node.broken:
            raise node.broken
        return found

    return read


def sequence(inner: Reader[T]) -> Reader[list[T]]:
    """Read an array."""

    def read(node: JsonNode) -> list[T]:
        if node.kind != "sequence":
            raise invalid_type(node, "a sequence")
        found = [inner(item) for item in node.items]
        if node.broken:
            raise node.broken
        return found

    return read


def anything(node: JsonNode) -> None:
    """Check that an ignored value is valid JSON."""
    for item in node.items:
        anything(item)
    for _, _, value in node.entries:
        if isinstance(value, SerdeError):
            raise value
        anything(value)
    if node.broken:
        raise node.broken


def struct(name: str, cls: type[T], *, closed: bool = True) -> Reader[T]:
    """Read an object into ``cls``, a dataclass; ``name`` is the type's name in the server's messages.

    The members of the class are declared as ``Annotated[type, reader]``; members without a default are required.
    ``closed`` refuses unknown fields. An array is read as the fields in order, as the server's parser does.
    """

    @cache
    def members() -> tuple[Mapping[str, Reader[object]], Set[str]]:
        """Return the readers of the members, in order, and the names of those without a default."""
        hints = get_type_hints(cls, include_extras=True)
        declared = inspect.signature(cls).parameters
        required = {key for key, parameter in declared.items() if parameter.default is parameter.empty}
        return {key: hints[key].__metadata__[0] for key in declared}, required

    def read(node: JsonNode) -> T:
        readers, required = members()
        if node.kind == "sequence":
            return cls(**_in_order(node, name, readers, required))
        if node.kind != "map":
            raise invalid_type(node, f"struct {name}")
        found: dict[str, object] = {}
        for field_name, name_end, value in node.entries:
            reader = readers.get(field_name)
            if reader is None and closed:
                raise SerdeError(f"unknown field `{field_name}`, {listed(list(readers))}", name_end)
            if field_name in found:
                raise SerdeError(f"duplicate field `{field_name}`", name_end)
            if isinstance(value, SerdeError):
                raise value
            if reader is None:
                anything(value)
            else:
                found[field_name] = reader(value)
        if node.broken:
            raise node.broken
        for field_name in readers:
            if field_name not in found and field_name in required:
                raise SerdeError(f"missing field `{field_name}`", node.end)
        return cls(**found)

    return read


def _in_order(
    node: JsonNode, name: str, readers: Mapping[str, Reader[object]], required: Set[str]
) -> dict[str, object]:
    found: dict[str, object] = {}
    for index, (field_name, reader) in enumerate(readers.items()):
        if index < len(node.items):
            found[field_name] = reader(node.items[index])
        elif node.broken:
            raise node.broken
        elif field_name in required:
            count = f"{len(readers)} element{'s' if len(readers) != 1 else ''}"
            raise SerdeError(f"invalid length {index}, expected struct {name} with {count}", node.end)
    if node.broken:
        raise node.broken
    if len(node.items) > len(readers):
        raise SerdeError("trailing characters", node.items[len(readers)].start + 1)
    return found


def read_body(body: bytes, reader: Reader[T], refuse: Callable[[str], Exception]) -> T:
    """Read the whole body. Raises what ``refuse`` returns for the server's message if it is invalid."""
    try:
        node = parse(body)
        value = reader(node)
        end(body, node)
    except SerdeError as error:
        refusal = refuse(error.located(body))
    else:
        return value
    raise refusal
