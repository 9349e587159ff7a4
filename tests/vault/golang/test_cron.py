"""Schedules: the times that they name, and the refusals of what is none."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from mockkms.vault.golang import cron


def stamp(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        ("* * * * *", "2026-01-01T00:00:30", "2026-01-01T00:01:00"),
        ("0 0 * * SAT", "2026-11-28T00:00:00", "2026-12-05T00:00:00"),
        ("*/15 9-17 * * mon-fri", "2026-11-27T17:45:00", "2026-11-30T09:00:00"),
        ("30 2 1 jan,jul ?", "2026-02-01T00:00:00", "2026-07-01T02:30:00"),
        ("0 12 13 * FRI", "2026-11-10T00:00:00", "2026-11-13T12:00:00"),
        ("0 0 29 2 *", "2026-03-01T00:00:00", "2028-02-29T00:00:00"),
    ],
)
def test_the_next_time(schedule: str, after: str, expected: str) -> None:
    assert cron.parse(schedule).next(stamp(after)) == stamp(expected)


def test_a_schedule_that_never_occurs() -> None:
    assert cron.parse("0 0 30 2 *").next(stamp("2026-01-01T00:00:00")) is None


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        ("", "empty spec string"),
        ("bad", "expected exactly 5 fields, found 1: [bad]"),
        ("@daily", "expected exactly 5 fields, found 1: [@daily]"),
        ("x * * * *", 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'),
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
        ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
        ("1/2/3 * * * *", "too many slashes: 1/2/3"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("TZ=Nowhere * * * * *", "provided bad location Nowhere: unknown time zone Nowhere"),
    ],
)
def test_invalid_schedules(schedule: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        cron.parse(schedule)
