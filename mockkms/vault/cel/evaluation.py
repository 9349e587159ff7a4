"""Evaluating an expression with ``celpy``: values, messages and errors. Imported with the library, on first use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from celpy import Environment
from celpy.celtypes import (
    BoolType,
    BytesType,
    DoubleType,
    IntType,
    ListType,
    MapType,
    MessageType,
    StringType,
    TimestampType,
    Value,
)
from celpy.evaluation import Annotation, CELEvalError
from lark import Token, Tree

from mockkms.vault.cel import extensions, functions, rewriting, texts
from mockkms.vault.cel.budget import Allowance, Exhausted, runner_within
from mockkms.vault.cel.messages import BOOL, BYTES, INT, LONG, MAP, MOMENT, NUMBER, STRING, STRINGS, UINT, Dialect
from mockkms.vault.golang.number import Number

_NAME = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
_UNKNOWN = "no such attribute(s)"
_CONVERSION = "return error for overflow"
"""The library's text for any failed conversion; the reason is in the error's third argument."""
_RULES = (
    (re.compile(r"no such member in mapping: '(.*?)'"), r"no such key: \1"),
    (re.compile(r"undeclared reference to '(.*?)'"), _UNKNOWN),
    (re.compile(r".*does not support field selection"), "no such key"),
    (re.compile(r"modul(?:us|o) by zero"), "modulus by zero"),
    (re.compile(r"(?:divide by zero|division by zero)"), "division by zero"),
    (re.compile(r"^overflow$"), "integer overflow"),
    (re.compile(r"date value out of range"), "timestamp overflow"),
    (re.compile(r"Unparsable timezone: StringType\('(.*)'\)"), r"unknown time zone \1"),
    (re.compile(r"no such overload: [\w.@]+(?:\([\w, ]+\))?$"), r"\g<0>"),
    (re.compile(r"(?:no such overload|found no matching overload|no matching overload|unsupported operand)"), ""),
)
_NAMES: Final = {
    "StringType": "string", "IntType": "int", "UintType": "uint", "BoolType": "bool", "BytesType": "bytes",
    "ListType": "list", "MapType": "map", "NativeMap": "map", "DoubleType": "double", "NoneType": "null_type",
}  # fmt: skip
_WANTED: Final = {
    STRING: "StringType",
    INT: "IntType",
    UINT: "UintType",
    BOOL: "BoolType",
    MOMENT: "TimestampType",
    BYTES: "BytesType",
    LONG: "UintType",
    NUMBER: "IntType",
}


def evaluate(tree: Tree[Token], known: Mapping[str, Value], dialect: Dialect, budget: Allowance) -> Value:
    """Return the value of an expression with the variables ``known``, within a budget.

    Raises ValueError with the server's text.
    """
    types: dict[str, Annotation] = {}
    for name, fields in dialect.messages.items():
        types[name] = types[dialect.whole(name)] = _message(name, fields, dialect.whole(name))
    program = Environment(annotations=types, runner_class=runner_within(budget)).program(
        tree, functions=functions.BY_NAME | extensions.BY_NAME | rewriting.BY_NAME
    )
    try:
        named = {name: item for name, item in known.items() if _NAME.fullmatch(name)}
        return program.evaluate(named | {dialect.whole(name): item for name, item in constants(dialect).items()})
    except Exhausted as error:
        raise ValueError(str(error)) from None
    except (CELEvalError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise ValueError(_in_go(error, dialect)) from None


def constants(dialect: Dialect) -> dict[str, Value]:
    """Return the enumerations of a dialect as maps of numbers."""
    return {
        name: MapType({StringType(one): IntType(number) for one, number in numbers.items()})
        for name, numbers in (dialect.constants or {}).items()
    }


def _in_go(error: Exception, dialect: Dialect) -> str:
    """Return the real server's text for an error; of nested errors, that of the innermost."""
    reasons = error.args
    while len(reasons) > 2 and reasons[0] == _CONVERSION and reasons[2]:
        reasons = reasons[2]
    text = str(reasons[0]) if reasons else str(error)
    for pattern, replacement in _RULES:
        match = pattern.search(text)
        if match and replacement == _UNKNOWN:
            return f"no such attribute(s): {', '.join(dialect.candidates(match[1]))}"
        if match:
            return match.expand(replacement) if replacement else "no such overload"
    return text.splitlines()[0] if text else "no such overload"


def to_cel(value: object) -> Value:
    """Convert a value to the library's types. Numbers of a JSON text become doubles, as in Go's decoder."""
    if value is None or isinstance(value, TimestampType):
        return value
    if isinstance(value, bytes):
        return BytesType(value)
    if isinstance(value, bool):
        return BoolType(value)
    if isinstance(value, (int, float, Number)):
        return DoubleType(float(value))
    if isinstance(value, str):
        return StringType(value)
    if isinstance(value, list):
        return ListType([to_cel(item) for item in value])
    if isinstance(value, dict):
        return texts.NativeMap({StringType(name): to_cel(item) for name, item in value.items()})
    raise TypeError(f"{type(value).__name__} is not a value of a program")


def _message(name: str, fields: Mapping[str, str], place: str) -> type[MessageType]:
    """Return a class for a message, a dict of fields that checks them; ``place`` is its whole name."""

    def make(self: MessageType, given: MapType | None = None) -> None:
        kept = MapType()
        for field, value in (given or {}).items():
            if isinstance(value, CELEvalError):
                raise ValueError(*value.args)
            if str(field) not in fields:
                raise ValueError(f"no such field: {field!s}")
            kind = fields[str(field)]
            if value is None and _may_be_null(kind):
                continue
            if isinstance(value, ListType) and _may_be_null(kind.strip("[]")):
                value = ListType([item for item in value if item is not None])
            _check(f"{place}.{field!s}", kind, value)
            kept[field] = value
        MessageType.__init__(self, kept)

    return type(name, (MessageType,), {"__init__": make})


def _may_be_null(kind: str) -> bool:
    """Return whether a field holds messages, which null leaves out."""
    return kind not in (STRINGS, MAP) and _WANTED.get(kind, "TimestampType") == "TimestampType" and kind[:1] != "["


def _check(place: str, kind: str, value: object) -> None:
    """Raise ValueError with the library's text for a value that does not fit its field."""
    found = type(value).__name__
    if kind == STRINGS or kind.startswith("["):
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
        if found == "StringType" and kind == BOOL:
            why = f"unsupported native conversion from string to '{kind}'"
        raise ValueError(f"field type conversion error for {place} value type: {why}")
