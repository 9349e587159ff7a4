"""Durations as the real server reads and writes them: whole seconds, Go's ``1h30m``, and ``2d``."""

from __future__ import annotations

import re

from mockkms.error_context import error_context
from mockkms.vault.golang.integers import int64, parse_int
from mockkms.vault.golang.number import Number, of_digits
from mockkms.world.clock import parse_rfc3339

SECOND = 10**9
"""Nanoseconds: the unit of Go's durations."""
_UNITS = {
    "ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND,
}  # fmt: skip
"""Nanoseconds."""
_WHOLE = re.compile(r"[+-]?[0-9]+")
_MOST = 1 << 63
"""Nanoseconds: one more than a duration of Go's can hold."""
_BEFORE_EPOCH = 62_135_596_800
"""Seconds from the year 1 to the epoch."""
_PART = re.compile(r"([0-9]*)(\.?)([0-9]*)([^0-9.]*)")
_RFC3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.,][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})")
_TOO_LONG = "multiplication of durations resulted in overflow, one operand may be too large"


def parse_seconds(value: object) -> float:
    """Return a duration (``90``, ``"90"``, ``"1h30m"``, ``"2d"``) in seconds; the empty text is 0.

    Raises ValueError with Go's text.
    """
    if isinstance(value, (bool, list, dict)) or value is None:
        raise ValueError("could not parse duration from input")
    text = str(value)
    if text == "":
        return 0.0
    whole = int64(text)
    if whole is not None:
        return _whole_seconds(whole)
    if text.endswith("d"):
        return _whole_seconds(parse_int(text[:-1]) * 86400)
    return parse_go(text)


def _whole_seconds(seconds: int) -> float:
    if not -_MOST <= seconds * SECOND < _MOST:
        raise ValueError(_TOO_LONG)
    return float(seconds)


def parse_moment(value: object) -> float:
    """Return an RFC 3339 time, or a number of seconds, as seconds since the epoch.

    A number beyond Go's last second is one before its first, as there. Raises ValueError with the server's text.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, float, Number)):
        raise ValueError("could not parse time from input type")
    text = str(value)
    if not isinstance(value, str):
        return _second(parse_int(text))
    epoch = int64(text)
    if epoch is not None:
        return _second(epoch)
    with error_context(of=(ValueError, OverflowError), text="could not parse string as date and time"):
        if not _RFC3339.fullmatch(text):
            raise ValueError
        return parse_rfc3339(text)


def _second(epoch: int) -> float:
    """Return a number of seconds since the epoch as Go's 64 bits, which count from the year 1, hold it."""
    return float((epoch + _BEFORE_EPOCH + _MOST) % (2 * _MOST) - _MOST - _BEFORE_EPOCH)


def parse_go(text: str) -> float:
    """Return what Go's ``time.ParseDuration`` makes of a text, in seconds. Raises ValueError with Go's text."""
    invalid = f"time: invalid duration {_quoted(text)}"
    rest = text[1:] if text[:1] in ("+", "-") else text
    if rest == "0":
        return 0.0
    if not rest:
        raise ValueError(invalid)
    total = 0
    while rest:
        match = _PART.match(rest)
        whole, _, fraction, unit = match.groups() if match else ("", "", "", "")
        if not whole and not fraction:
            raise ValueError(invalid)
        if of_digits(whole) > _MOST:
            raise ValueError(invalid)
        if not unit:
            raise ValueError(f"time: missing unit in duration {_quoted(text)}")
        if unit not in _UNITS:
            raise ValueError(f"time: unknown unit {_quoted(unit)} in duration {_quoted(text)}")
        total += of_digits(whole) * _UNITS[unit] + int(float(f"0.{fraction or 0}") * _UNITS[unit])
        if total > _MOST:
            raise ValueError(invalid)
        rest = rest[match.end() :] if match else ""
    if text[0] == "-":
        return -total / SECOND
    if total == _MOST:
        raise ValueError(invalid)
    return total / SECOND


def _quoted(text: str) -> str:
    """Return a text as package ``time`` quotes it: by bytes where it is not printable ASCII."""
    shown = (
        f"\\{char}"
        if char in '"\\'
        else char
        if " " <= char < "\x80"
        else "".join(f"\\x{b:02x}" for b in char.encode())
        for char in text
    )
    return '"' + "".join(shown) + '"'


def go_duration(seconds: float) -> str:
    """Return seconds as Go prints a duration: ``1h30m0s``, ``1.5s``, ``1ms``, ``0s``."""
    sign = "-" if seconds < 0 else ""
    seconds = abs(seconds)
    nanoseconds = round(seconds * SECOND)
    if nanoseconds == 0:
        return "0s"
    if nanoseconds < SECOND:
        unit = next(unit for unit in ("ms", "µs", "ns") if nanoseconds >= _UNITS[unit])
        return f"{sign}{nanoseconds / _UNITS[unit]:.6f}".rstrip("0").rstrip(".") + unit
    whole = int(seconds)
    fraction = seconds - whole
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    tail = f"{left + fraction:.9f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{sign}{hours}h{minutes}m{tail}"
    return f"{sign}{minutes}m{tail}" if minutes else sign + tail
