"""Cron schedules of five fields, with the error texts of the parser that the real server uses.

Source: ``github.com/robfig/cron/v3``, set to parse minute, hour, day of month, month and day of week.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from mockkms.error_context import error_context
from mockkms.vault.golang.integers import parse_int

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_BOUNDS: tuple[tuple[int, int, dict[str, int]], ...] = (
    (0, 59, {}),
    (0, 23, {}),
    (1, 31, {}),
    (1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    (0, 6, {name: number for number, name in enumerate(_DAYS)}),
)
_YEARS = 5
"""How far the next time is looked for; a schedule such as 30 February has none."""


@dataclass(frozen=True)
class CronSchedule:
    """A parsed schedule: the allowed values of each field."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    """The day of the month or of the week is a star: both have to fit, otherwise one of them."""
    zone: str = "UTC"

    def next(self, after: float) -> float | None:
        """Return the first time after ``after``, both in seconds since the epoch; None if there is none."""
        zone = ZoneInfo(self.zone) if self.zone != "UTC" else UTC
        moment = datetime.fromtimestamp(after, zone).replace(second=0, microsecond=0) + timedelta(minutes=1)
        last = moment.year + _YEARS
        while moment.year <= last:
            if moment.month not in self.months or not self._day(moment):
                moment = (moment + timedelta(days=1)).replace(hour=0, minute=0)
            elif moment.hour not in self.hours:
                moment = (moment + timedelta(hours=1)).replace(minute=0)
            elif moment.minute not in self.minutes:
                moment += timedelta(minutes=1)
            else:
                return moment.timestamp()
        return None

    def _day(self, moment: datetime) -> bool:
        in_month, in_week = moment.day in self.days, moment.isoweekday() % 7 in self.weekdays
        return in_month and in_week if self.any_day else in_month or in_week


def parse(text: str) -> CronSchedule:
    """Read a schedule. Raises ValueError with the parser's text."""
    if not text:
        raise ValueError("empty spec string")
    zone, text = _zone(text)
    words = text.split()
    if len(words) != len(_BOUNDS):
        raise ValueError(f"expected exactly 5 fields, found {len(words)}: [{' '.join(words)}]")
    minutes, hours, days, months, weekdays = (
        _field(word, *bounds) for word, bounds in zip(words, _BOUNDS, strict=True)
    )
    stars = any(re.match(r"[*?](/1$|$)", part) for word in (words[2], words[4]) for part in word.split(","))
    return CronSchedule(minutes, hours, days, months, weekdays, stars, zone)


def _zone(text: str) -> tuple[str, str]:
    match = re.match(r"(?:CRON_TZ|TZ)=(\S*)\s*(.*)", text, re.DOTALL)
    if match is None:
        return "UTC", text
    unknown = f"provided bad location {match[1]}: unknown time zone {match[1]}"
    with error_context(of=(ValueError, OSError, LookupError), text=unknown):
        ZoneInfo(match[1] or "UTC")
    return match[1] or "UTC", match[2]


def _field(word: str, low: int, high: int, names: dict[str, int]) -> frozenset[int]:
    found: set[int] = set()
    for part in filter(None, word.split(",")):
        found |= _range(part, low, high, names)
    return frozenset(found)


def _range(part: str, low: int, high: int, names: dict[str, int]) -> set[int]:
    spans, *steps = part.split("/")
    ends = spans.split("-")
    single = len(ends) == 1
    if ends[0] in ("*", "?"):
        start, end = low, high
    else:
        start = end = _number(ends[0], names)
        if len(ends) == 2:
            end = _number(ends[1], names)
        elif not single:
            raise ValueError(f"too many hyphens: {part}")
    step = 1
    if steps:
        if len(steps) > 1:
            raise ValueError(f"too many slashes: {part}")
        step = _number(steps[0], {})
        if single:
            end = high
    if start < low:
        raise ValueError(f"beginning of range ({start}) below minimum ({low}): {part}")
    if end > high:
        raise ValueError(f"end of range ({end}) above maximum ({high}): {part}")
    if start > end:
        raise ValueError(f"beginning of range ({start}) beyond end of range ({end}): {part}")
    if step == 0:
        raise ValueError(f"step of range should be a positive number: {part}")
    return set(range(start, end + 1, step))


def _number(text: str, names: dict[str, int]) -> int:
    if text.lower() in names:
        return names[text.lower()]
    with error_context(f"failed to parse int from {text}: "):
        number = parse_int(text, "Atoi")
    if number < 0:
        raise ValueError(f"negative number ({number}) not allowed: {text}")
    return number
