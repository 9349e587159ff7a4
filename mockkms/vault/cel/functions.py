"""The real server's extensions to the standard functions: strings, lists, JSON and e-mail addresses."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable
from datetime import timedelta

from celpy.adapter import json_to_cel
from celpy.celtypes import BoolType, DoubleType, DurationType, IntType, ListType, StringType, UintType, Value
from celpy.evaluation import CELEvalError, CELFunction

from mockkms.vault.golang.duration import parse_go

_MAIL = re.compile(r"(?:[^<>@]*<)?[^\s<>@,]+@[^\s<>@,]+>?")

NAMES = frozenset({
    "charAt", "indexOf", "lastIndexOf", "join", "lowerAscii", "upperAscii", "replace", "split", "substring", "trim",
    "reverse", "distinct", "flatten", "slice", "format", "check_valid_email", "encode_json", "decode_json",
})  # fmt: skip


_NUMBERS = (IntType, UintType, DoubleType)


def _split(value: str, by: str, limit: int = -1) -> ListType:
    parts = list(value) if by == "" else value.split(by, limit - 1 if limit > 0 else -1)
    return ListType([] if limit == 0 else [StringType(part) for part in parts])


def _replace(value: str, old: str, new: str, count: int = -1) -> StringType:
    return StringType(str(value).replace(old, new, count))


def _distinct(values: list[Value]) -> ListType:
    return ListType([value for index, value in enumerate(values) if value not in values[:index]])


def _flatten(values: list[Value], depth: int = 1) -> ListType:
    flat: list[Value] = []
    for value in values:
        flat.extend(_flatten(value, depth - 1) if isinstance(value, list) and depth > 0 else [value])
    return ListType(flat)


def _reverse(value: list[Value] | str) -> ListType | StringType:
    return ListType(value[::-1]) if isinstance(value, list) else StringType(value[::-1])


def _decode_json(value: str) -> Value:
    try:
        return json_to_cel(json.loads(value))
    except ValueError:
        return BoolType(False)


def _encode_json(value: object) -> BoolType | StringType:
    if not isinstance(value, dict):
        return BoolType(False)
    return StringType(json.dumps(_plain(value), separators=(",", ":"), sort_keys=True, ensure_ascii=False))


def _duration(value: object) -> DurationType:
    """Return a duration of a text such as ``1h30m``. Raises ValueError with the server's text."""
    if isinstance(value, DurationType):
        return value
    if not isinstance(value, str):
        raise TypeError("no such overload")
    try:
        return DurationType(timedelta(seconds=parse_go(value)))
    except ValueError:
        raise ValueError("type conversion error from 'string' to 'google.protobuf.Duration'") from None


def _string(value: object) -> StringType:
    if isinstance(value, BoolType):
        return StringType("true" if value else "false")
    if isinstance(value, DoubleType) and float(value).is_integer() and abs(value) < 1e21:
        return StringType(str(int(value)))
    return StringType(value if isinstance(value, bytes) else str(value))


# -- operators: numbers of different types can be compared but not added, unlike in the library ------------------------


def _mixed(left: object, right: object) -> bool:
    return isinstance(left, _NUMBERS) and isinstance(right, _NUMBERS) and type(left) is not type(right)


def _comparing(compare: Callable[..., object]) -> CELFunction:
    def compared(left: object, right: object) -> BoolType | CELEvalError:
        fault = _fault(left, right)
        if fault is not None:
            return fault
        if isinstance(left, _NUMBERS) and isinstance(right, _NUMBERS) and type(left) is not type(right):
            return BoolType(bool(compare(float(left), float(right))))
        return BoolType(bool(compare(left, right)))

    return compared


def _counting(count: Callable[..., Value]) -> CELFunction:
    def counted(left: object, right: object) -> Value | CELEvalError:
        fault = _fault(left, right)
        if fault is not None:
            return fault
        if _mixed(left, right):
            raise TypeError("no such overload")
        result = count(left, right)
        return StringType(result) if type(result) is str else result

    return counted


def _fault(*values: object) -> CELEvalError | None:
    """Return the first value that is an error; the library passes errors as values, since ``||`` may absorb them."""
    return next((value for value in values if isinstance(value, CELEvalError)), None)


def _equal(left: object, right: object) -> bool:
    """Return whether two values are equal; values of different kinds are unequal rather than an error."""
    if isinstance(left, bool) or isinstance(right, bool):
        return isinstance(left, bool) and isinstance(right, bool) and left == right
    try:
        return bool(left == right)
    except TypeError:
        return False


def _ascii(value: str, change: Callable[[str], str]) -> str:
    return "".join(change(char) if char.isascii() else char for char in value)


def _formatted(pattern: str, given: list[object]) -> str:
    def fill(match: re.Match[str]) -> str:
        if match.group() == "%%":
            return "%"
        if not given:
            raise ValueError("index 0 out of range")
        return str(given.pop(0))

    return re.sub(r"%[%sd]", fill, pattern)


def _plain(value: object) -> object:
    """Convert a value of the library to one that ``json`` can encode."""
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, BoolType):
        return bool(value)
    if isinstance(value, DoubleType):
        return int(value) if float(value).is_integer() else float(value)
    return str(value) if isinstance(value, str) else value


BY_NAME: dict[str, CELFunction] = {
    "_<_": _comparing(operator.lt),
    "_<=_": _comparing(operator.le),
    "_>_": _comparing(operator.gt),
    "_>=_": _comparing(operator.ge),
    "_==_": _comparing(_equal),
    "_!=_": _comparing(lambda left, right: not _equal(left, right)),
    "_+_": _counting(operator.add),
    "_-_": _counting(operator.sub),
    "_*_": _counting(operator.mul),
    "_/_": _counting(operator.truediv),
    "string": _string,
    "duration": _duration,
    "charAt": lambda value, at: StringType(value[at : at + 1]),
    "indexOf": lambda value, part, start=0: IntType(value.find(part, start)),
    "lastIndexOf": lambda value, part: IntType(value.rfind(part)),
    "join": lambda values, by="": StringType(str(by).join(values)),
    "lowerAscii": lambda value: StringType(_ascii(value, str.lower)),
    "upperAscii": lambda value: StringType(_ascii(value, str.upper)),
    "replace": _replace,
    "split": _split,
    "substring": lambda value, start, end=None: StringType(value[start:end]),
    "trim": lambda value: StringType(value.strip()),
    "reverse": _reverse,
    "distinct": _distinct,
    "flatten": _flatten,
    "slice": lambda values, start, end: ListType(values[start:end]),
    "format": lambda value, given: StringType(_formatted(value, list(given))),
    "check_valid_email": lambda value: BoolType(isinstance(value, str) and bool(_MAIL.fullmatch(value))),
    "encode_json": _encode_json,
    "decode_json": _decode_json,
}
"""The functions and operators over the library's types; a method's first argument is its receiver."""
