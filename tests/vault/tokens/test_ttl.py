"""Lifetimes: what is granted never passes a limit, and every cut is told."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockkms.vault.framework.message import BackendError
from mockkms.vault.tokens import ttl

LIMITS = ttl.Limits(default=100, max=1000)
seconds = st.integers(min_value=0, max_value=5000)
moments = st.floats(min_value=1e9, max_value=2e9)


@given(moments, seconds, seconds, seconds, seconds)
def test_a_new_lease_stays_within_every_limit(now: float, wish: int, own: int, most: int, explicit: int) -> None:
    granted, warnings = ttl.calculate(LIMITS, now, increment=wish, ttl=own, max_ttl=most, explicit_max_ttl=explicit)
    limit = min([LIMITS.max, *(value for value in (most, explicit) if value)])
    asked = wish or own or LIMITS.default
    assert granted == min(asked, limit)
    assert bool(warnings) == (asked > limit)


@given(moments, seconds, st.integers(min_value=0, max_value=999))
def test_renewals_never_pass_the_end_counted_from_the_issue(now: float, wish: int, age: int) -> None:
    granted, _ = ttl.calculate(LIMITS, now, increment=wish, start=now - age)
    assert math.floor(now) + granted <= math.floor(now - age) + LIMITS.max


@given(moments, seconds, st.integers(min_value=1, max_value=5000), st.integers(min_value=0, max_value=10**6))
def test_a_period_ignores_age_and_requested_ttl(now: float, wish: int, period: int, age: int) -> None:
    granted, warnings = ttl.calculate(LIMITS, now, increment=wish, period=period, start=now - age)
    assert granted == min(period, LIMITS.max)
    assert bool(warnings) == (period > LIMITS.max)


def test_without_a_requested_ttl_the_mounts_default_is_granted() -> None:
    assert ttl.calculate(LIMITS, 1000) == (100, [])
    assert ttl.calculate(LIMITS, 1000, increment=-1, ttl=-5) == (100, [])
    assert ttl.calculate(LIMITS, 1000, increment=-1, ttl=5) == (5, [])
    assert ttl.calculate(ttl.Limits(default=0, max=1), 1000, ttl=1) == (1, [])


@pytest.mark.parametrize("limit", ["max_ttl", "explicit_max_ttl"])
def test_the_shortest_limit_is_one_second(limit: str) -> None:
    assert ttl.calculate(LIMITS, 1000, **{limit: 1}) == (
        1,
        ['TTL of "1m40s" exceeded the effective max_ttl of "1s"; TTL value is capped accordingly'],
    )


def test_without_a_largest_lifetime_nothing_is_granted() -> None:
    for limits in (ttl.Limits(0, 0), ttl.Limits(10, -1)):
        with pytest.raises(BackendError, match=r"^max TTL must be greater than zero$"):
            ttl.calculate(limits, 1000, ttl=5, max_ttl=5)


def test_past_the_end_nothing_is_granted() -> None:
    with pytest.raises(BackendError, match=r"^past the max TTL, cannot renew$"):
        ttl.calculate(LIMITS, 5000, start=4000)
    with pytest.raises(BackendError, match=r"^past the max TTL, cannot renew$"):
        ttl.calculate(LIMITS, 1001, period=5, explicit_max_ttl=1, start=1000)


def test_a_period_is_capped_with_a_warning() -> None:
    assert ttl.calculate(LIMITS, 1000, period=1000) == (1000, [])
    assert ttl.calculate(LIMITS, 1000, period=1001) == (
        1000,
        ['period of "16m41s" exceeded the effective max_ttl of "16m40s"; period value is capped accordingly'],
    )


def test_an_explicit_maximum_ends_a_period_too() -> None:
    assert ttl.calculate(LIMITS, 1050, period=100, explicit_max_ttl=120, start=1000) == (
        70,
        ['TTL of "1m40s" exceeded the effective max_ttl of "1m10s"; TTL value is capped accordingly'],
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0s"), (59, "59s"), (60, "1m"), (90, "1m30s"), (3600, "1h"), (3660, "1h1m"), (36000, "10h"), (3605, "1h5s")],
)
def test_durations_are_shown_without_zero_parts(value: int, text: str) -> None:
    assert ttl.human(value) == text
