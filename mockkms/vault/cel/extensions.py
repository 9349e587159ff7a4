"""Functions with a package in their names: mathematics, sets, encodings and lists, over the library's types."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterable
from contextlib import suppress

from celpy.celtypes import BoolType, BytesType, DoubleType, IntType, ListType, StringType, UintType, Value
from celpy.evaluation import CELFunction

from mockkms.crypto.encoding import b64
from mockkms.vault.cel import regular
from mockkms.vault.cel.functions import equal
from mockkms.vault.golang.fmt import quote

_BITS = 64
_LONGEST_RANGE = 1_000_000
_OTHER_ALPHABET = str.maketrans("+/-_", "-_+/")
"""Turns standard base64 to the URL-safe one, and the other way around."""


def _extreme(choose: Callable[[Iterable[float]], float], name: str) -> CELFunction:
    """Return a function of numbers, or of one list of numbers."""

    def chosen(*values: Value) -> Value:
        given = values[0] if len(values) == 1 and isinstance(values[0], ListType) else list(values)
        if not given:
            raise ValueError(f"math.@{name}(list) argument must not be empty")
        if not all(isinstance(value, (IntType, UintType, DoubleType)) for value in given):
            whole = all(type(value) is type(given[0]) for value in given)
            raise ValueError(f"no such overload: math.@{name}{'(list)' * whole}")
        numbers = [int(value) if isinstance(value, int) else float(value) for value in given]  # type: ignore[arg-type]
        best: Value = given[numbers.index(choose(numbers))]
        return best

    return chosen


def _rounded(value: float) -> DoubleType:
    """Return the nearest whole number, halves away from zero."""
    return DoubleType(math.copysign(math.floor(abs(value) + 0.5), value))


def _whole(change: Callable[[float], float]) -> CELFunction:
    return lambda value: DoubleType(change(value) if math.isfinite(value) else value)


def _sign(value: float) -> Value:
    return type(value)((value > 0) - (value < 0))  # type: ignore[return-value]


def _absolute(value: float) -> Value:
    if isinstance(value, IntType) and value == -(1 << (_BITS - 1)):
        raise ValueError("integer overflow")
    return type(value)(abs(value))  # type: ignore[return-value]


def _bits(change: Callable[[int, int], int]) -> CELFunction:
    return lambda one, other: type(one)(_fitting(change(int(one), int(other)), one))


def _fitting(number: int, like: object) -> int:
    """Return the low 64 bits of a number, with the sign of the type of ``like``."""
    number &= (1 << _BITS) - 1
    return number - (1 << _BITS) if isinstance(like, IntType) and number >> (_BITS - 1) else number


def _shifted(value: int, count: int, *, left: bool) -> Value:
    if count < 0:
        raise ValueError(f"math.{'bitShiftLeft' if left else 'bitShiftRight'}() negative offset: {count}")
    pattern = int(value) & ((1 << _BITS) - 1)
    moved = 0 if count >= _BITS else pattern << count if left else pattern >> count
    return type(value)(_fitting(moved, value))  # type: ignore[return-value]


def _has(values: list[Value], item: Value) -> bool:
    return any(equal(item, one) for one in values)


def _within(inner: list[Value], outer: list[Value]) -> bool:
    return all(_has(outer, item) for item in inner)


def _range(size: int) -> ListType:
    """Return the numbers below ``size``. Raises ValueError for very many, of which the real server would end."""
    if size > _LONGEST_RANGE:
        raise ValueError(f"mockkms makes no lists of more than {_LONGEST_RANGE} numbers")
    return ListType([IntType(number) for number in range(int(size))])


def _decoded(text: str) -> BytesType:
    """Decode base64, padded or not. Raises ValueError naming the byte that is wrong without padding, as cel-go does."""
    with suppress(ValueError):
        return BytesType(b64.decode(text))
    return BytesType(b64.decode_raw_url(text.translate(_OTHER_ALPHABET)))


def _sorted(values: list[Value]) -> ListType:
    if len({type(value) for value in values}) > 1:
        raise ValueError("list elements must have the same type")
    return ListType(sorted(values))  # type: ignore[type-var]


BY_NAME: dict[str, CELFunction] = {
    "math_greatest": _extreme(max, "max"),
    "math_least": _extreme(min, "min"),
    "math_ceil": _whole(math.ceil),
    "math_floor": _whole(math.floor),
    "math_trunc": _whole(math.trunc),
    "math_round": lambda value: _rounded(value) if math.isfinite(value) else DoubleType(value),
    "math_abs": _absolute,
    "math_sign": _sign,
    "math_sqrt": lambda value: DoubleType(math.sqrt(value) if value >= 0 else math.nan),
    "math_isNaN": lambda value: BoolType(math.isnan(value)),
    "math_isInf": lambda value: BoolType(math.isinf(value)),
    "math_isFinite": lambda value: BoolType(math.isfinite(value)),
    "math_bitAnd": _bits(lambda one, other: one & other),
    "math_bitOr": _bits(lambda one, other: one | other),
    "math_bitXor": _bits(lambda one, other: one ^ other),
    "math_bitNot": lambda value: type(value)(_fitting(~int(value), value)),
    "math_bitShiftLeft": lambda value, count: _shifted(value, count, left=True),
    "math_bitShiftRight": lambda value, count: _shifted(value, count, left=False),
    "sets_contains": lambda outer, inner: BoolType(_within(inner, outer)),
    "sets_equivalent": lambda one, other: BoolType(_within(one, other) and _within(other, one)),
    "sets_intersects": lambda one, other: BoolType(any(_has(other, item) for item in one)),
    "base64_encode": lambda value: StringType(base64.b64encode(value).decode()),
    "base64_decode": _decoded,
    "strings_quote": lambda value: StringType(quote(value)),
    "lists_range": _range,
    "regex_extract": regular.extract,
    "regex_extractAll": regular.extract_all,
    "regex_replace": regular.replace,
    "sort": _sorted,
}
"""The functions by their names, with an underscore after the package: the library has no packages."""
