"""Evaluating an expression with ``celpy``: values, messages and errors. Imported with the library, on first use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from celpy import Environment
from celpy.celtypes import (
    BoolType,
    DoubleType,
    ListType,
    MapType,
    MessageType,
    StringType,
    TimestampType,
    Value,
)
from celpy.evaluation import Annotation, CELEvalError
from lark import Token, Tree

from mockkms.vault.cel import functions
from mockkms.vault.cel.messages import BOOL, INT, MAP, MESSAGES, STRING, STRINGS, UINT
from mockkms.vault.golang.number import Number

_NAME = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
_RULES = (
    (re.compile(r"no such member in mapping: '(.*?)'"), r"no such key: \1"),
    (re.compile(r"undeclared reference to '(.*?)'"), r"no such attribute(s): \1"),
    (re.compile(r"(?:list index out of range|no such key|invalid_argument)"), "index out of bounds"),
    (re.compile(r"(?:divide by zero|modulus by zero|division by zero)"), "division by zero"),
    (re.compile(r"(?:no such overload|found no matching overload|no matching overload|unsupported operand)"), ""),
)
_NAMES: Final = {
    "StringType": "string", "IntType": "int", "UintType": "uint", "BoolType": "bool", "BytesType": "bytes",
    "ListType": "list", "MapType": "map", "DoubleType": "double", "NoneType": "null_type",
}  # fmt: skip
_WANTED: Final = {
    STRING: "StringType",
    INT: "IntType",
    UINT: "UintType",
    BOOL: "BoolType",
    "timestamp": "TimestampType",
}


def evaluate(tree: Tree[Token], known: Mapping[str, Value]) -> Value:
    """Return the value of an expression with the variables ``known``. Raises ValueError with the server's text."""
    types: dict[str, Annotation] = {name: _message(name, fields) for name, fields in MESSAGES.items()}
    program = Environment(annotations=types).program(tree, functions=functions.BY_NAME)
    try:
        return program.evaluate({name: item for name, item in known.items() if _NAME.fullmatch(name)})
    except (CELEvalError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise ValueError(_in_go(error)) from None


def _in_go(error: Exception) -> str:
    """Return the real server's text for an error; of nested errors, that of the innermost."""
    text = str(error.args[0]) if error.args else str(error)
    for pattern, replacement in _RULES:
        match = pattern.search(text)
        if match:
            return match.expand(replacement) if replacement else "no such overload"
    return text.splitlines()[0] if text else "no such overload"


def to_cel(value: object) -> Value:
    """Convert a value to the library's types. Numbers of a JSON text become doubles, as in Go's decoder."""
    if value is None or isinstance(value, TimestampType):
        return value
    if isinstance(value, bool):
        return BoolType(value)
    if isinstance(value, (int, float, Number)):
        return DoubleType(float(value))
    if isinstance(value, str):
        return StringType(value)
    if isinstance(value, list):
        return ListType([to_cel(item) for item in value])
    if isinstance(value, dict):
        return MapType({StringType(name): to_cel(item) for name, item in value.items()})
    raise TypeError(f"{type(value).__name__} is not a value of a program")


def _message(name: str, fields: dict[str, str]) -> type[MessageType]:
    """Return a class for a message, a dict of fields that checks them."""

    def make(self: MessageType, given: MapType | None = None) -> None:
        for field, value in (given or {}).items():
            if isinstance(value, CELEvalError):
                raise ValueError(value.args[0])
            if str(field) not in fields:
                raise ValueError(f"no such field: {field!s}")
            _check(f"{name}.{field!s}", fields[str(field)], value)
        MessageType.__init__(self, given or MapType())

    return type(name, (MessageType,), {"__init__": make})


def _check(place: str, kind: str, value: object) -> None:
    """Raise ValueError with the library's text for a value that does not fit its field."""
    found = type(value).__name__
    if kind in (STRINGS, "[logical.Alias]"):
        if not isinstance(value, ListType):
            raise ValueError(f"unsupported field type for {place}: {_NAMES.get(found, found)}")
        for item in value:
            _check(place, STRING if kind == STRINGS else kind[1:-1], item)
    elif kind == MAP:
        if not isinstance(value, MapType):
            raise ValueError(f"unsupported field type for {place}: {_NAMES.get(found, found)}")
        for item in value.values():
            _check(place, STRING, item)
    elif found != _WANTED.get(kind, kind):
        why = f"unsupported type conversion from '{_NAMES.get(found, found)}' to {kind}"
        if found == "DoubleType":
            why = f"type conversion error from Double to '{kind}'"
        raise ValueError(f"field type conversion error for {place} value type: {why}")
