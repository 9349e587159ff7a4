"""The stored form of a secret's JSON: the real server reads numbers back as 64-bit floats (recorded)."""

from __future__ import annotations

from contextlib import suppress

from mockkms.lazy_dataclass import dataclass
from mockkms.vault.golang import deep_json
from mockkms.vault.golang.json_text import Encoded, keep
from mockkms.vault.golang.number import Number
from mockkms.world.stored import stored as stored_as

_EXACT = 2**53
_INFINITE = float("inf")


@stored_as("kv.v2.payload.Unreadable")
@dataclass(frozen=True)
class Unreadable:
    """A payload that was accepted but cannot be read back; ``error`` is what a read answers."""

    error: str


def stored(value: object) -> Encoded | Unreadable | None:
    """Return what is stored for ``value``: its text as reads show it, None for null, or an ``Unreadable``."""
    try:
        return None if value is None else keep(value if _plain(value) else deep_json.copy(value, _scalar))
    except OverflowError as error:
        return Unreadable(f"json: cannot unmarshal number {error} into Go value of type float64")


def _plain(value: object) -> bool:
    """Return whether a value is an object of texts, small numbers, booleans and nulls, which are kept as they are."""
    if type(value) is not dict:
        return False
    for item in value.values():
        kind = type(item)
        if kind is int:
            if not -_EXACT <= item <= _EXACT:
                return False
        elif kind is not str and kind is not bool and item is not None:
            return False
    return True


def _scalar(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, (int, float, Number)):
        return value
    if isinstance(value, int) and -_EXACT <= value <= _EXACT:
        return value
    return _number(value)


def _number(value: int | float | Number) -> int | Number:
    """Return a number as a 64-bit float that keeps its text. Raises OverflowError, with the number as its message."""
    nearest = _INFINITE
    with suppress(OverflowError):
        nearest = float(value)
    if abs(nearest) == _INFINITE:
        raise OverflowError(value)
    return float_text(nearest)


def float_text(value: float) -> int | Number:
    """Return a float as Go writes it in JSON: shortest digits, an exponent only below 1e-6 and from 1e21 on."""
    from decimal import Decimal

    digits = Decimal(repr(value))
    if value == 0:
        return 0 if repr(value)[0] != "-" else Number("-0")
    size = abs(value)
    if size < 1e-6 or size >= 1e21:
        mantissa, _, exponent = f"{digits.normalize():e}".partition("e")
        sign = "-" if exponent.startswith("-") else "+"
        power = exponent.lstrip("+-")
        return Number(f"{mantissa}e{sign}{power if sign == '-' else power.rjust(2, '0')}")
    if digits == digits.to_integral_value():
        return int(digits)
    return Number(f"{digits:f}")


def merge(target: dict[str, object], patch: dict[str, object]) -> dict[str, object]:
    """Return ``target`` with the merge patch ``patch`` applied (RFC 7396); neither is changed."""
    result = dict(target)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
            continue
        before = result.get(name)
        if isinstance(value, dict) and isinstance(before, dict):
            result[name] = merge(before, value)
        elif isinstance(value, dict) or not isinstance(before, dict):
            result[name] = _without_nulls(value)
        else:
            result[name] = value
    return result


def _without_nulls(value: object) -> object:
    return deep_json.copy(value, lambda item: item, keep_null=False)


def leaves_removed(value: dict[str, object], max_depth: int, depth: int = 1) -> dict[str, object]:
    """Return the keys of ``value`` with every leaf null; objects deeper than ``max_depth`` (0: no limit) are leaves."""
    deeper = max_depth == 0 or depth + 1 <= max_depth
    return {
        name: leaves_removed(item, max_depth, depth + 1) if isinstance(item, dict) and item and deeper else None
        for name, item in value.items()
    }
