"""The real server's extensions to the standard functions: strings, lists, JSON and e-mail addresses."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from celpy.adapter import json_to_cel
from celpy.celtypes import (
    BoolType,
    DoubleType,
    DurationType,
    IntType,
    ListType,
    MapType,
    StringType,
    TimestampType,
    UintType,
    Value,
)
from celpy.evaluation import CELEvalError, CELFunction

from mockkms.vault.golang.duration import parse_go

_MAIL = re.compile(r"(?:[^<>@]*<)?[^\s<>@,]+@[^\s<>@,]+>?")

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


def _converting(convert: Callable[[object], Value], name: str) -> CELFunction:
    """Return a conversion whose errors for texts are those of the real server."""

    def converted(value: object) -> Value | CELEvalError:
        fault = _fault(value)
        if fault is not None:
            return fault
        try:
            return convert(value)
        except ValueError:
            if not isinstance(value, str):
                raise
            raise ValueError(f"type conversion error from 'string' to '{name}'") from None

    return converted


def _unsigned(value: object) -> UintType:
    if isinstance(value, IntType | DoubleType) and not 0 <= value < 1 << 64:
        raise ValueError("unsigned integer overflow")
    return UintType(value)


def _moment(value: object) -> TimestampType:
    """Return a time of a text or of seconds since the epoch. Raises ValueError with the server's text."""
    if isinstance(value, str | datetime):
        return TimestampType(value)
    if not isinstance(value, IntType):
        raise TypeError("no such overload")
    try:
        return TimestampType(datetime.fromtimestamp(int(value), UTC))
    except (ValueError, OverflowError, OSError):
        raise ValueError("timestamp overflow") from None


def _item(container: object, key: object) -> Value | CELEvalError:
    """Return an item of a list or map, or an error with the server's text, which ``||`` may absorb."""
    fault = _fault(container, key)
    if fault is not None:
        return fault
    if isinstance(container, ListType) and isinstance(key, int) and not 0 <= key < len(container):
        return CELEvalError(f"index out of bounds: {key}")
    if isinstance(container, MapType) and isinstance(key, str | int) and key not in container:
        return CELEvalError(f"no such key: {key}")
    return operator.getitem(container, key)  # type: ignore[call-overload, no-any-return]


def _character(value: str, at: int) -> StringType:
    if not 0 <= at <= len(value):
        raise ValueError(f"index out of range: {at}")
    return StringType(value[at : at + 1])


def _substring(value: str, start: int, end: int | None = None) -> StringType:
    last = len(value) if end is None else end
    for at in (start, last):
        if not 0 <= at <= len(value):
            raise ValueError(f"index out of range: {at}")
    if start > last:
        raise ValueError(f"invalid substring range. start: {start}, end: {last}")
    return StringType(value[start:last])


def _string(value: object) -> StringType:
    if value is None:
        raise ValueError("no such overload: string(null_type)")
    if isinstance(value, bytes):
        try:
            return StringType(value.decode())
        except ValueError:
            raise ValueError("invalid UTF-8 in bytes, cannot convert to string") from None
    if isinstance(value, BoolType):
        return StringType("true" if value else "false")
    if isinstance(value, DoubleType) and float(value).is_integer() and abs(value) < 1e21:
        return StringType(str(int(value)))
    return StringType(str(value))


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
    "_[_]": _item,
    "string": _string,
    "int": _converting(IntType, "int"),
    "uint": _converting(_unsigned, "uint"),
    "double": _converting(DoubleType, "double"),
    "bool": _converting(BoolType, "bool"),
    "timestamp": _converting(_moment, "google.protobuf.Timestamp"),
    "duration": _duration,
    "charAt": _character,
    "indexOf": lambda value, part, start=0: IntType(value.find(part, start)),
    "lastIndexOf": lambda value, part: IntType(value.rfind(part)),
    "join": lambda values, by="": StringType(str(by).join(values)),
    "lowerAscii": lambda value: StringType(_ascii(value, str.lower)),
    "upperAscii": lambda value: StringType(_ascii(value, str.upper)),
    "replace": _replace,
    "split": _split,
    "substring": _substring,
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
