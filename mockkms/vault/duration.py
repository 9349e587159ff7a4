"""Durations as the real server reads and writes them: whole seconds, Go's ``1h30m``, and ``2d``."""

from __future__ import annotations

import re
from typing import Any

from mockkms.clock import parse_rfc3339

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_WHOLE = re.compile(r"[+-]?[0-9]+")
_MOST = 9_223_372_036
"""Seconds: the longest duration that Go's nanoseconds in 64 bits can hold."""
_PART = re.compile(r"(\d*\.?\d*)([^\d.]*)")


def parse_seconds(value: Any) -> float:
    """Seconds of ``90``, ``"90"``, ``"1h30m"``, ``"2d"``; the empty text is 0. Raises ValueError in Go's words."""
    if isinstance(value, (bool, list, dict)) or value is None:
        raise ValueError("could not parse duration from input")
    text = str(value)
    if text == "":
        return 0.0
    whole = _int64(text)
    if whole is not None:
        return _wrapped(whole)
    if text.endswith("d"):
        days = _int64(text[:-1])
        if days is None:
            fault = "value out of range" if _WHOLE.fullmatch(text[:-1]) else "invalid syntax"
            raise ValueError(f'strconv.ParseInt: parsing "{text[:-1]}": {fault}')
        return _wrapped(days * 86400)
    return parse_go(text)


def _int64(text: str) -> int | None:
    """A whole number that fits into 64 bits, as Go's ``strconv.ParseInt`` reads it."""
    if len(text) > 20 or not _WHOLE.fullmatch(text):
        return None
    value = int(text)
    return value if -(1 << 63) <= value < 1 << 63 else None


def _wrapped(seconds: int) -> float:
    """Seconds as they come out of Go's nanoseconds in 64 bits, which overflow in silence."""
    if abs(seconds) < _MOST:
        return float(seconds)
    return ((seconds * 10**9 + (1 << 63)) % (1 << 64) - (1 << 63)) / 1e9


def parse_moment(value: Any) -> float:
    """Seconds since the epoch of an RFC 3339 time or a number of seconds. Raises ValueError in the server's words."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError("could not parse time from input type")
    text = str(value)
    if re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        return float(text)
    if isinstance(value, (int, float)):
        raise ValueError(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    try:
        if len(text) < 20 or text[10] != "T":
            raise ValueError
        return parse_rfc3339(text)
    except (ValueError, OverflowError):
        raise ValueError("could not parse string as date and time") from None


def parse_go(text: str) -> float:
    """Go's ``time.ParseDuration``, in seconds."""
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    rest = text
    sign = 1.0
    if rest[:1] in "+-" and rest:
        sign = -1.0 if rest[0] == "-" else 1.0
        rest = rest[1:]
    if rest == "0":
        return 0.0
    if not rest:
        raise ValueError(f"time: invalid duration {quoted}")
    total = 0.0
    while rest:
        match = _PART.match(rest)
        number, unit = match.groups() if match else ("", "")
        if number in ("", "."):
            raise ValueError(f"time: invalid duration {quoted}")
        if not unit:
            raise ValueError(f"time: missing unit in duration {quoted}")
        if unit not in _UNITS:
            raise ValueError(f'time: unknown unit "{unit}" in duration {quoted}')
        total += float(number) * _UNITS[unit]
        if total >= _MOST + 0.854775808:
            raise ValueError(f"time: invalid duration {quoted}")
        rest = rest[len(number) + len(unit) :]
    return sign * total


def go_duration(seconds: float) -> str:
    """Seconds as Go prints a duration: ``1h30m0s``, ``1.5s``, ``0s``."""
    if seconds == 0:
        return "0s"
    sign = "-" if seconds < 0 else ""
    seconds = abs(seconds)
    whole = int(seconds)
    fraction = seconds - whole
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    tail = f"{left + fraction:.9f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{sign}{hours}h{minutes}m{tail}"
    return f"{sign}{minutes}m{tail}" if minutes else sign + tail
