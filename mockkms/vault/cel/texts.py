"""Values of programs as texts: the function ``string``, the verbs of ``format``, and JSON both ways."""

from __future__ import annotations

import base64
import math
import re
from datetime import datetime, timedelta

from celpy.adapter import json_to_cel
from celpy.celtypes import BoolType, ListType, MapType, StringType, Value

from mockkms.json_reading import read_json
from mockkms.vault.cel.rewriting import OptionalValue
from mockkms.vault.golang import time
from mockkms.vault.golang.json_text import encode
from mockkms.vault.golang.number import float_text, of_float

_VERB = re.compile(r"%(?:%|(?:\.(\d+))?([sdfexXob]))")


class NativeMap(MapType):
    """A map that is not made by a program: of claims, or of decoded JSON. Go's encoder takes it as it is."""


def string(value: object) -> StringType:
    """Return what the function ``string`` gives. Raises ValueError for a value without a text: null, a list, a map."""
    if value is None:
        raise ValueError("no such overload: string(null_type)")
    if isinstance(value, bytes):
        try:
            return StringType(value.decode())
        except ValueError:
            raise ValueError("invalid UTF-8 in bytes, cannot convert to string") from None
    if isinstance(value, BoolType):
        return StringType("true" if value else "false")
    if isinstance(value, float):
        return StringType(_number(value))
    if isinstance(value, datetime):
        return StringType(time.show(value.timestamp()))
    if isinstance(value, timedelta):
        return StringType(f"{of_float(value / timedelta(seconds=1))}s")
    if isinstance(value, (list, dict)):
        raise ValueError(f"no such overload: string({'list' if isinstance(value, list) else 'map'})")
    return StringType(str(value))


def formatted(pattern: str, given: list[object]) -> str:
    """Fill in the verbs of ``pattern``, as the method ``format`` does. Raises ValueError if values are missing."""
    total, used = len(given), 0

    def fill(match: re.Match[str]) -> str:
        nonlocal used
        if match.group() == "%%":
            return "%"
        if used >= total:
            raise ValueError(f"index {used} out of range")
        used += 1
        return _verb(match[2], int(match[1] or 6), given[used - 1])

    return _VERB.sub(fill, pattern)


def _verb(verb: str, digits: int, value: object) -> str:
    if verb == "s":
        return _clause(value)
    if verb == "d":
        return str(int(value)) if isinstance(value, int) else _clause(value)
    if verb in "fe":
        return f"{float(str(value)):.{digits}{verb}}"
    if isinstance(value, (str, bytes)):
        text = (value.encode() if isinstance(value, str) else bytes(value)).hex()
        return text.upper() if verb == "X" else text
    return format(int(str(int(value))) if isinstance(value, int) else 0, verb)


def _clause(value: object) -> str:
    """Return a value as the verb ``s`` shows it."""
    if value is None:
        return "null"
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, dict):
        return "{" + ", ".join(sorted(f"{_clause(name)}: {_clause(item)}" for name, item in value.items())) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_clause, value)) + "]"
    if isinstance(value, type):
        return value.__name__.removesuffix("Type").lower()
    return str(string(value))


def decode_json(value: str) -> Value:
    """Return the value that a JSON text describes; false if it is not valid."""
    try:
        return _native(json_to_cel(read_json(value)))
    except ValueError:
        return BoolType(False)


def _native(value: Value) -> Value:
    """Return decoded JSON with its maps marked."""
    if isinstance(value, MapType):
        return NativeMap({name: _native(item) for name, item in value.items()})
    return ListType([_native(item) for item in value]) if isinstance(value, ListType) else value


def encode_json(value: object) -> BoolType | StringType:
    """Return a map of scalars and lists as JSON, false for other values: those that Go's encoder refuses."""
    try:
        if isinstance(value, dict) and all(isinstance(name, str) for name in value):
            native = isinstance(value, NativeMap)
            return StringType(encode({str(name): _plain(item, native=native) for name, item in value.items()}))
    except TypeError:
        pass
    return BoolType(False)


def _plain(value: object, *, native: bool) -> object:
    """Return a value of the library as Go's encoder writes it. Raises TypeError for one that it refuses.

    ``native``: whether it is part of a map that no program made, in which null stays null.
    """
    if value is None:
        return None if native else 0
    if isinstance(value, NativeMap):
        return {str(name): _plain(item, native=True) for name, item in value.items()}
    if isinstance(value, OptionalValue):
        return _plain(value[0], native=native) if value else None
    if isinstance(value, list):
        return [_plain(item, native=native) for item in value]
    if isinstance(value, BoolType):
        return bool(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return time.show(value.timestamp())
    if isinstance(value, timedelta):
        return nanoseconds(value)
    if isinstance(value, float) and math.isfinite(value):
        return of_float(float(value))
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        return str(value)
    raise TypeError(value)


def nanoseconds(value: timedelta) -> int:
    """Return a duration in nanoseconds, to the microsecond."""
    return value // timedelta(microseconds=1) * 1000


def _number(value: float) -> str:
    """Return a floating-point number as Go's verb ``g`` of the fewest digits."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    return float_text(float(value), least=1e-4, digits=2, most=1e6)
