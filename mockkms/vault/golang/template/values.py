"""The values of templates: Go's types in Python's.

A string is a ``str`` whose bytes are its UTF-8 encoding, with surrogate escapes for bytes that are not UTF-8.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mockkms.lazy_dataclass import dataclass


class Byte(int):
    """A byte, Go's ``uint8``: what ``index`` takes from a string."""


class Long(int):
    """Go's ``int64``, which a function that takes an ``int`` does not take."""


@dataclass(frozen=True)
class Data:
    """A struct of strings and numbers, by the name of its Go type."""

    type: str
    fields: Mapping[str, str | int]


Value = None | bool | int | float | complex | str | Data | dict[str, object] | list[object]


@dataclass(frozen=True)
class Function:
    """A function of templates: a ValueError that ``call`` raises is its Go error."""

    call: Callable[..., Value]
    takes: tuple[str, ...] = ()
    """Types of the parameters: ``string``, ``int`` or ``any``."""
    variadic: bool = False
    """Whether the last parameter may be given any number of times."""


def encoded(text: str) -> bytes:
    """Return the bytes of a string."""
    return text.encode("utf-8", "surrogateescape")


def decoded(content: bytes) -> str:
    """Return bytes as a string."""
    return content.decode("utf-8", "surrogateescape")


def type_of(value: object) -> str:
    """Return the name of a value's Go type."""
    if isinstance(value, Data):
        return value.type
    names: tuple[tuple[type, str], ...] = (
        (bool, "bool"), (Byte, "uint8"), (Long, "int64"), (int, "int"), (float, "float64"), (complex, "complex128"),
        (str, "string"), (dict, "map[string]interface {}"), (list, "[]interface {}"),
    )  # fmt: skip
    return next((name for kind, name in names if isinstance(value, kind)), "<nil>")


def is_true(value: Value) -> bool:
    """Return whether a value is not the zero value of its type; a struct never is."""
    return isinstance(value, Data) or bool(value)
