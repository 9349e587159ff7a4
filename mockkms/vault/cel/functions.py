"""The real server's extensions to the standard functions: on strings, lists, JSON and e-mail addresses."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

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

from mockkms.vault.cel import texts
from mockkms.vault.cel.budget import check_size, weight
from mockkms.vault.golang.duration import parse_go

_MAIL = re.compile(r"(?:[^<>@]*<)?[^\s<>@,]+@[^\s<>@,]+>?")

_NUMBERS = (IntType, UintType, DoubleType)
_TYPES = {"string": StringType, "int": IntType, "uint": UintType, "double": DoubleType, "bool": BoolType}
"""The types whose names are those of conversions too."""


def _split(value: str, by: str, limit: int = -1) -> ListType:
    parts = list(value) if by == "" else value.split(by, limit - 1 if limit > 0 else -1)
    return ListType([] if limit == 0 else [StringType(part) for part in parts])


def _replace(value: str, old: str, new: str, count: int = -1) -> StringType:
    found = value.count(old) if count < 0 else min(count, value.count(old))
    check_size(len(value) + found * (len(new) - len(old)))
    return StringType(str(value).replace(old, new, count))


def _join(values: list[str], by: str = "") -> StringType:
    check_size(weight(values) + len(values) * len(by))
    return StringType(str(by).join(values))


def _format(value: str, given: Iterable[object]) -> StringType:
    parts = list(given)
    check_size(weight(parts))
    return StringType(texts.formatted(value, parts))


def _distinct(values: list[Value]) -> ListType:
    check_size(len(values) ** 2 // 2)  # Every element is compared with those before it.
    return ListType([value for index, value in enumerate(values) if value not in values[:index]])


def _flatten(values: list[Value], depth: int = 1) -> ListType:
    flat: list[Value] = []
    for value in values:
        flat.extend(_flatten(value, depth - 1) if isinstance(value, list) and depth > 0 else [value])
    return ListType(flat)


def _reverse(value: list[Value] | str) -> ListType | StringType:
    return ListType(value[::-1]) if isinstance(value, list) else StringType(value[::-1])


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


_SCALARS = {"NoneType": "null_type", "ListType": "list", "MapType": "map", "NativeMap": "map", "BytesType": "bytes"}
_NEVER_CONVERTED = {
    **{name: {**_SCALARS, "BoolType": "bool"} for name in ("int", "uint", "double")},
    "bool": {**_SCALARS, "IntType": "int", "UintType": "uint", "DoubleType": "double"},
}
"""What a conversion does not take: types of the library, and their names in messages, by the name of the conversion."""


def _truth(value: object) -> BoolType:
    """Return the truth value of a text, as Go's ``ParseBool``. Raises ValueError."""
    if not isinstance(value, str):
        return BoolType(value)
    if value in ("1", "t", "T", "true", "TRUE", "True"):
        return BoolType(True)
    if value in ("0", "f", "F", "false", "FALSE", "False"):
        return BoolType(False)
    raise ValueError


def _converting(convert: Callable[[object], Value], name: str) -> CELFunction:
    """Return a conversion whose errors for texts are those of the real server."""

    def converted(value: object) -> Value | CELEvalError:
        fault = _fault(value)
        if fault is not None:
            return fault
        if not isinstance(value, str) and type(value).__name__ in _NEVER_CONVERTED.get(name, ()):
            raise ValueError(f"no such overload: {name}({_NEVER_CONVERTED[name][type(value).__name__]})")
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
    if isinstance(container, ListType) and isinstance(key, (IntType, UintType, DoubleType)):
        at = float(key)
        if not at.is_integer():
            return CELEvalError(f"unsupported index value {texts.string(key)} in list")
        if not 0 <= at < len(container):
            return CELEvalError(f"index out of bounds: {texts.string(key)}")
        found: Value = container[int(at)]
        return found
    if isinstance(container, ListType):
        raise TypeError("no such overload")
    if not isinstance(container, MapType) or (isinstance(key, str | int) and key not in container):
        return CELEvalError(f"no such key: {key}")
    return container[key]  # type: ignore[no-any-return]


def _check_whole(call: str, *numbers: object) -> None:
    """Raise ValueError with the server's text for numbers that are no integers, as those of claims are."""
    if not all(isinstance(number, int) for number in numbers):
        kinds = ("int" if isinstance(number, int) else "double" for number in numbers)
        raise ValueError(f"no such overload: {call}, {', '.join(kinds)})")


def _character(value: str, at: int) -> StringType:
    _check_whole("charAt(string", at)
    if not 0 <= at <= len(value):
        raise ValueError(f"index out of range: {at}")
    return StringType(value[at : at + 1])


def _substring(value: str, start: int, end: int | None = None) -> StringType:
    _check_whole("substring(string", start, *([] if end is None else [end]))
    last = len(value) if end is None else end
    for at in (start, last):
        if not 0 <= at <= len(value):
            raise ValueError(f"index out of range: {at}")
    if start > last:
        raise ValueError(f"invalid substring range. start: {start}, end: {last}")
    return StringType(value[start:last])


# -- operators: numbers of different types can be compared but not added, unlike in the library ------------------------


def _mixed(left: object, right: object) -> bool:
    return isinstance(left, _NUMBERS) and isinstance(right, _NUMBERS) and type(left) is not type(right)


def _comparing(compare: Callable[..., object]) -> CELFunction:
    def compared(left: object, right: object) -> BoolType | CELEvalError:
        fault = _fault(left, right)
        if fault is not None:
            return fault
        if _mixed(left, right):
            return BoolType(bool(compare(float(left), float(right))))  # type: ignore[arg-type]
        return BoolType(bool(compare(left, right)))

    return compared


def _counting(count: Callable[..., Value]) -> CELFunction:
    def counted(left: object, right: object) -> Value | CELEvalError:
        fault = _fault(left, right)
        if fault is not None:
            return fault
        if _mixed(left, right):
            raise TypeError("no such overload")
        try:
            result = count(left, right)
        except ValueError:
            if isinstance(left, UintType):
                raise ValueError("unsigned integer overflow") from None
            raise
        if type(result) is float:
            return DoubleType(result)
        return StringType(result) if type(result) is str else result

    return counted


def _quotient(left: Value, right: Value) -> Value:
    if isinstance(left, float) and isinstance(right, float) and not float(right):
        one = float(left)
        return DoubleType(math.nan if not one or math.isnan(one) else math.copysign(math.inf, one))
    result: Value = operator.truediv(left, right)
    return result


def _remainder(left: Value, right: Value) -> Value:
    if isinstance(right, int) and not int(right):
        raise ValueError("modulus by zero")
    result: Value = operator.mod(left, right)
    return result


def _fault(*values: object) -> CELEvalError | None:
    """Return the first value that is an error, or has one in it; the library passes errors as values, since ``||`` may
    absorb them."""
    for value in values:
        if isinstance(value, CELEvalError):
            return value
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        found = _fault(*inner)
        if found is not None:
            return found
    return None


def _passing(function: CELFunction) -> CELFunction:
    """Return a function that returns an error among its arguments."""

    def passed(*values: Value) -> Value | CELEvalError:
        fault = _fault(*values)
        if fault is not None:
            return fault
        result: Value | CELEvalError = function(*values)  # type: ignore[assignment]
        return result

    return passed


def _last_index(value: str, part: str, start: int | None = None) -> IntType:
    if start is not None and not 0 <= start <= len(value):
        raise ValueError(f"index out of range: {start}")
    return IntType(value.rfind(part) if start is None else value.rfind(part, 0, start + len(part)))


def _sliced(values: list[Value], start: int, end: int) -> ListType:
    _check_whole("slice(list", start, end)
    if start < 0 or end < 0:
        raise ValueError(f"cannot slice({start}, {end}), negative indexes not supported")
    if start > end:
        raise ValueError(f"cannot slice({start}, {end}), start index must be less than or equal to end index")
    if end > len(values):
        raise ValueError(f"cannot slice({start}, {end}), list is length {len(values)}")
    return ListType(values[start:end])


def _integer(value: object) -> IntType:
    return IntType(texts.nanoseconds(value)) if isinstance(value, timedelta) else IntType(value)


def equal(left: object, right: object) -> bool:
    """Return whether two values are equal; values of different kinds are unequal rather than an error."""
    left, right = _as_type(left), _as_type(right)
    if _mixed(left, right):
        return float(left) == float(right)  # type: ignore[arg-type]
    if isinstance(left, bool) or isinstance(right, bool):
        return isinstance(left, bool) and isinstance(right, bool) and left == right
    try:
        return bool(left == right)
    except TypeError:
        return False


def _as_type(value: object) -> object:
    """Return the type that the name of a conversion stands for, such as ``string``; other values as they are."""
    if callable(value):
        named = next((name for name, function in BY_NAME.items() if function is value), "")
        return _TYPES.get(named, MapType if value is texts.NativeMap else value)
    return value


def _contained(item: object, container: object) -> BoolType | CELEvalError:
    fault = _fault(item, container)
    if fault is not None:
        return fault
    if isinstance(container, MapType):
        return BoolType(item in container)
    if not isinstance(container, ListType):
        raise TypeError("no such overload")
    return BoolType(any(equal(item, one) for one in container))


def _ascii(value: str, change: Callable[[str], str]) -> str:
    return "".join(change(char) if char.isascii() else char for char in value)


BY_NAME: dict[str, CELFunction] = {
    "_<_": _comparing(operator.lt),
    "_<=_": _comparing(operator.le),
    "_>_": _comparing(operator.gt),
    "_>=_": _comparing(operator.ge),
    "_==_": _comparing(equal),
    "_!=_": _comparing(lambda left, right: not equal(left, right)),
    "_+_": _counting(operator.add),
    "_-_": _counting(operator.sub),
    "_*_": _counting(operator.mul),
    "_/_": _counting(_quotient),
    "_%_": _counting(_remainder),
    "_[_]": _item,
    "_in_": _contained,
    "string": texts.string,
    "int": _converting(_integer, "int"),
    "uint": _converting(_unsigned, "uint"),
    "double": _converting(DoubleType, "double"),
    "bool": _converting(_truth, "bool"),
    "timestamp": _converting(_moment, "google.protobuf.Timestamp"),
    "duration": _duration,
    "charAt": _character,
    "indexOf": lambda value, part, start=0: IntType(value.find(part, start)),
    "lastIndexOf": _last_index,
    "join": _join,
    "lowerAscii": lambda value: StringType(_ascii(value, str.lower)),
    "upperAscii": lambda value: StringType(_ascii(value, str.upper)),
    "replace": _replace,
    "split": _split,
    "substring": _substring,
    "trim": lambda value: StringType(value.strip()),
    "reverse": _reverse,
    "distinct": _distinct,
    "flatten": _flatten,
    "slice": _sliced,
    "format": _passing(_format),
    "check_valid_email": lambda value: BoolType(isinstance(value, str) and bool(_MAIL.fullmatch(value))),
    "encode_json": _passing(texts.encode_json),
    "decode_json": texts.decode_json,
}
"""The functions and operators over the library's types; a method's first argument is its receiver."""
