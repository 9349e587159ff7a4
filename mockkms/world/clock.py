"""The one source of time: the system clock plus an offset, or a frozen moment.

Everything with a lifetime (tokens, leases, wraps, secret ids, key rotation) asks this clock, so a test moves all of
them by moving it. ``time.time`` is looked up at every call: time-machine and freezegun patch it and are followed.
"""

from __future__ import annotations

import math
import re
import time
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TypeAlias

Moment: TypeAlias = float | str | datetime | date
"""A moment: seconds since the epoch, RFC 3339 text, or a datetime; UTC without a time zone."""

ClockState: TypeAlias = tuple[float, float | None]
"""The state of a clock: its offset from the system's in seconds, and the moment (epoch seconds) if it is frozen."""

Duration: TypeAlias = float | str | timedelta
"""A duration: seconds, text such as ``"2h"``, ``"-1m30s"`` or ``"250ms"``, or a timedelta."""
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_LONGEST = 1e300
"""Seconds of the longest duration."""
_PART = re.compile(r"(\d++(?:\.\d++)?)(ms|[smhd])")
_TEXT = re.compile(rf"[+-]?(?:(?:{_PART.pattern})+|\d++(?:\.\d++)?)")

FIRST, LAST = 0.0, 253402300799.0
"""The first second of 1970 and the last one of 9999: the moments that a clock may be moved to.

Where a moment is stored, the epoch and what precedes it stand for a time that was never set, or for no end.
"""
ZERO_TIME = "0001-01-01T00:00:00Z"
"""How Go writes a time that was never set."""


class Clock:
    """A clock that can be frozen, set and advanced. Its times are seconds since the Unix epoch (float)."""

    def __init__(self) -> None:
        self._offset = 0.0
        self._frozen: float | None = None

    def now(self) -> float:
        """Return the present moment in seconds since the epoch."""
        if self._frozen is not None:
            return self._frozen
        return time.time() + self._offset

    @property
    def frozen(self) -> bool:
        """Whether the clock is frozen: time stands still until it is advanced or set."""
        return self._frozen is not None

    def freeze(self, at: Moment | None = None) -> float:
        """Freeze the clock at ``at`` or now; return that moment. Raises ValueError for an invalid moment."""
        self._frozen = self.now() if at is None else seconds_of(at)
        return self._frozen

    def resume(self) -> None:
        """Let a frozen clock run again from its moment."""
        if self._frozen is not None:
            self._offset = self._frozen - time.time()
            self._frozen = None

    def advance(self, duration: Duration) -> float:
        """Move the clock by a duration (negative: back); return the new time. Raises ValueError for another value.

        It goes no further than ``FIRST`` and ``LAST``.
        """
        seconds = duration_of(duration)
        now = self.now()
        if not FIRST <= now + seconds <= LAST:
            seconds = (FIRST if seconds < 0 else LAST) - now
        if self._frozen is not None:
            self._frozen += seconds
        else:
            self._offset += seconds
        return self.now()

    def set(self, at: Moment) -> None:
        """Move the clock to ``at``; a frozen clock stays frozen there. Raises ValueError for an invalid moment."""
        at = seconds_of(at)
        if self._frozen is not None:
            self._frozen = at
        else:
            self._offset = at - time.time()

    def __repr__(self) -> str:
        return f"<Clock {rfc3339(self.now())}{', frozen' if self.frozen else ''}>"

    def state(self) -> ClockState:
        """Return the state, for ``restore``."""
        return (self._offset, self._frozen)

    def restore(self, state: ClockState) -> None:
        """Restore what ``state`` returned."""
        self._offset, self._frozen = state


def rfc3339(moment: float) -> str:
    """Return ``moment`` as Go writes a UTC time: RFC 3339 with up to nine fraction digits, none trailing zero."""
    if moment <= 0:
        return ZERO_TIME
    seconds, fraction = divmod(round(moment * 1_000_000), 1_000_000)
    text = _second(seconds)
    return f"{text}.{fraction:06d}".rstrip("0") + "Z" if fraction else text + "Z"


@lru_cache(maxsize=256)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def parse_rfc3339(text: str) -> float:
    """Return seconds since the epoch of an RFC 3339 time; a date alone is midnight UTC. Raises ValueError otherwise."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()


def duration_of(value: Duration) -> float:
    """Return the seconds of a duration as people give it. Raises ValueError for anything else."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, str) and _TEXT.fullmatch(value):
        parts = _PART.findall(value) if value[-1].isalpha() else []
        found = sum(float(number) * _UNITS[unit] for number, unit in parts) if parts else float(value.lstrip("+-"))
        return -found if value.startswith("-") else found
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -math.inf < value < math.inf:
        raise ValueError(
            f"{value!r} is not a duration: use seconds, text such as '2h' or a timedelta; times go to set()"
        )
    return min(max(value, -_LONGEST), _LONGEST)  # Python's whole numbers may be larger than any float.


def any_seconds_of(at: Moment) -> float:
    """Return a moment, which a clock need not be able to show, as seconds since the epoch. Raises ValueError."""
    if isinstance(at, str):
        try:
            return parse_rfc3339(at)
        except ValueError:
            raise ValueError(f"{at!r} is not a time: write 2026-01-01T00:00:00Z") from None
    if isinstance(at, datetime):
        return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()
    if isinstance(at, date):
        return datetime(at.year, at.month, at.day, tzinfo=UTC).timestamp()
    if isinstance(at, bool) or not isinstance(at, (int, float)) or at != at:
        raise ValueError(f"{at!r} is not a time: use seconds since the epoch, RFC 3339 text or a datetime")
    return at


def seconds_of(at: Moment) -> float:
    """Return a moment as seconds since the epoch. Raises ValueError for anything else, or out of range."""
    found = any_seconds_of(at)
    if not in_range(found):
        raise ValueError(f"{at!r} is out of range: use the years 1970 to 9999")
    return min(found, LAST)


def in_range(seconds: float) -> bool:
    """Return whether a clock may be moved to a moment; in the last second of 9999 too."""
    return FIRST <= seconds <= LAST + 1
