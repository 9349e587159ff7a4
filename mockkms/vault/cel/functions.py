"""The real server's extensions to the standard functions: strings, lists, JSON and e-mail addresses."""

from __future__ import annotations

import importlib
import json
import operator
import re
from collections.abc import Callable
from typing import Any

_MAIL = re.compile(r"(?:[^<>@]*<)?[^\s<>@,]+@[^\s<>@,]+>?")

NAMES = frozenset({
    "charAt", "indexOf", "lastIndexOf", "join", "lowerAscii", "upperAscii", "replace", "split", "substring", "trim",
    "reverse", "distinct", "flatten", "slice", "format", "check_valid_email", "encode_json", "decode_json",
})  # fmt: skip


def all_of(types: Any) -> dict[str, Callable[..., Any]]:
    """Return the functions by name, over the library's types; a method's first argument is its receiver."""
    text, whole, flag, many = types.StringType, types.IntType, types.BoolType, types.ListType
    cel = importlib.import_module("celpy").json_to_cel

    def split(value: str, by: str, limit: int = -1) -> Any:
        parts = list(value) if by == "" else value.split(by, limit - 1 if limit > 0 else -1)
        return many([] if limit == 0 else [text(part) for part in parts])

    def replace(value: str, old: str, new: str, count: int = -1) -> Any:
        return text(str(value).replace(old, new, count))

    def distinct(values: list[Any]) -> Any:
        return many([value for index, value in enumerate(values) if value not in values[:index]])

    def flatten(values: list[Any], depth: int = 1) -> Any:
        flat: list[Any] = []
        for value in values:
            flat.extend(flatten(value, depth - 1) if isinstance(value, list) and depth > 0 else [value])
        return many(flat)

    def decode_json(value: str) -> Any:
        try:
            return cel(json.loads(value))
        except ValueError:
            return flag(False)

    def encode_json(value: Any) -> Any:
        if not isinstance(value, dict):
            return flag(False)
        return text(json.dumps(_plain(value), separators=(",", ":"), sort_keys=True, ensure_ascii=False))

    return {
        **_operators(types),
        "charAt": lambda value, at: text(value[at : at + 1]),
        "indexOf": lambda value, part, start=0: whole(value.find(part, start)),
        "lastIndexOf": lambda value, part: whole(value.rfind(part)),
        "join": lambda values, by="": text(str(by).join(values)),
        "lowerAscii": lambda value: text(_ascii(value, str.lower)),
        "upperAscii": lambda value: text(_ascii(value, str.upper)),
        "replace": replace,
        "split": split,
        "substring": lambda value, start, end=None: text(value[start:end]),
        "trim": lambda value: text(value.strip()),
        "reverse": lambda value: many(value[::-1]) if isinstance(value, list) else text(value[::-1]),
        "distinct": distinct,
        "flatten": flatten,
        "slice": lambda values, start, end: many(values[start:end]),
        "format": lambda value, given: text(_formatted(value, list(given))),
        "check_valid_email": lambda value: flag(isinstance(value, str) and bool(_MAIL.fullmatch(value))),
        "encode_json": encode_json,
        "decode_json": decode_json,
    }


def _operators(types: Any) -> dict[str, Callable[..., Any]]:
    """Return the operators: numbers of different types can be compared but not added, unlike in the library."""
    numbers = (types.IntType, types.UintType, types.DoubleType)

    def mixed(left: Any, right: Any) -> bool:
        return isinstance(left, numbers) and isinstance(right, numbers) and type(left) is not type(right)

    def comparing(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        def compared(left: Any, right: Any) -> Any:
            fault = _fault(left, right)
            if fault is not None:
                return fault
            if mixed(left, right):
                return types.BoolType(compare(float(left), float(right)))
            return types.BoolType(compare(left, right))

        return compared

    def counting(count: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        def counted(left: Any, right: Any) -> Any:
            fault = _fault(left, right)
            if fault is not None:
                return fault
            if mixed(left, right):
                raise TypeError("no such overload")
            result = count(left, right)
            return types.StringType(result) if type(result) is str else result

        return counted

    def string(value: Any) -> Any:
        whole = isinstance(value, types.DoubleType) and float(value).is_integer() and abs(value) < 1e21
        return types.StringType(int(value) if whole else value)

    compared = {"_<_": operator.lt, "_<=_": operator.le, "_>_": operator.gt, "_>=_": operator.ge}
    counted = {"_+_": operator.add, "_-_": operator.sub, "_*_": operator.mul, "_/_": operator.truediv}
    return {
        **{name: comparing(compare) for name, compare in compared.items()},
        **{name: counting(count) for name, count in counted.items()},
        "_==_": comparing(lambda left, right: _equal(left, right)),
        "_!=_": comparing(lambda left, right: not _equal(left, right)),
        "string": string,
    }


def _fault(*values: Any) -> Any:
    """Return the first value that is an error; the library passes errors as values, since ``||`` may absorb them."""
    return next((value for value in values if isinstance(value, Exception)), None)


def _equal(left: Any, right: Any) -> bool:
    """Return whether two values are equal; values of different kinds are unequal rather than an error."""
    if isinstance(left, bool) or isinstance(right, bool):
        return isinstance(left, bool) and isinstance(right, bool) and left == right
    try:
        return bool(left == right)
    except TypeError:
        return False


def _ascii(value: str, change: Callable[[str], str]) -> str:
    return "".join(change(char) if char.isascii() else char for char in value)


def _formatted(pattern: str, given: list[Any]) -> str:
    def fill(match: re.Match[str]) -> str:
        if match.group() == "%%":
            return "%"
        if not given:
            raise ValueError("index 0 out of range")
        return str(given.pop(0))

    return re.sub(r"%[%sd]", fill, pattern)


def _plain(value: Any) -> Any:
    """Convert a value of the library to one that ``json`` can encode."""
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    kind = type(value).__name__
    if kind == "BoolType":
        return bool(value)
    if kind == "DoubleType":
        return int(value) if float(value).is_integer() else float(value)
    return str(value) if isinstance(value, str) else value
