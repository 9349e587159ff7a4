"""Random delays are what they say they are: drawn many times from a seed, never waited for."""

from __future__ import annotations

import math
from statistics import fmean, median, quantiles, stdev
from typing import Any

import pytest

from mockkms.faults import FaultError, RuleBook, View
from mockkms.world.clock import Clock
from mockkms.world.entropy import Entropy

DRAWS = 4000


def drawn(seed: int | str, count: int = DRAWS, **words: Any) -> list[float]:
    """The delays that a rule plans for so many requests."""
    book = RuleBook(Clock(), Entropy(1))
    book.add("*", seed=seed, **words)
    plans = [book.before(View()) for _ in range(count)]
    return [plan.late if words.get("applied") else plan.delay for plan in plans if plan is not None]


def near(value: float, wanted: float, share: float = 0.06) -> bool:
    return math.isclose(value, wanted, rel_tol=share)


def test_fixed() -> None:
    assert {*drawn(1, 20, delay="1m30s")} == {90.0}


def test_uniform() -> None:
    found = drawn(1, delay={"uniform": [0.5, 1.5]})
    assert 0.5 <= min(found) < 0.51
    assert 1.49 < max(found) <= 1.5
    assert near(fmean(found), 1.0)
    assert all(near(cut, wanted) for cut, wanted in zip(quantiles(found), (0.75, 1.0, 1.25), strict=True))


def test_normal() -> None:
    found = drawn(2, delay={"normal": [10, 2]})
    assert near(fmean(found), 10)
    assert near(stdev(found), 2)
    inside = sum(8 <= one <= 12 for one in found) / DRAWS
    assert near(inside, 0.6827)


def test_lognormal() -> None:
    found = drawn(3, delay={"lognormal": [0.2, 0.5]})
    logs = [math.log(one) for one in found]
    assert min(found) > 0
    assert near(median(found), 0.2)
    assert near(fmean(found), 0.2 * math.exp(0.5**2 / 2)), "a long tail lifts the mean over the median"
    assert near(stdev(logs), 0.5)
    assert near(sum(one > 0.2 * math.exp(0.5) for one in found) / DRAWS, 0.1587, 0.15)


def test_normal_is_never_negative_and_nothing_takes_more_than_an_hour() -> None:
    assert min(drawn(4, delay={"normal": [0.1, 5]})) == 0.0
    assert max(drawn(4, delay={"lognormal": ["1m", 9]})) == 3600.0


@pytest.mark.parametrize("words", [{"uniform": [0, 9]}, {"normal": [9, 1]}, {"lognormal": [1, 1]}], ids=str)
def test_the_seed_decides(words: dict[str, Any]) -> None:
    first = drawn("a", 50, delay=words)
    assert drawn("a", 50, delay=words) == drawn("a", 50, delay=words, applied=True) == first
    assert drawn("b", 50, delay=words) != first
    assert len({*first}) == 50


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"gauss": [1, 2]}, "delay: unknown distribution 'gauss'; expected one of: lognormal, normal, uniform"),
        ({"lognormal": 5}, "delay.lognormal: expected a list of two numbers, got 5 (int)"),
        ({"normal": [1]}, "delay.normal: expected a list of two numbers"),
        ({"normal": [1, -2]}, "delay.normal[1]: expected seconds from 0 to 1e9, got -2"),
        ({"uniform": [1, 2], "normal": [1, 2]}, "delay: expected one of uniform, normal, lognormal"),
        ("-1s", "delay: expected a duration such as 0.5 or '1m30s', got '-1s'"),
    ],
)
def test_invalid_distributions(value: Any, message: str) -> None:
    with pytest.raises(FaultError) as caught:
        RuleBook().add("*", delay=value)
    assert str(caught.value).startswith(message)
