"""When rules fire: each key of a schedule alone, its forms and refusals, and random values that repeat."""

from __future__ import annotations

from itertools import product

import pytest

from mockkms.faults import FaultError, RuleBook, View
from mockkms.faults.schedule import Luck, read_probability
from mockkms.world.clock import Clock

NOW = 1_000_000.0
NOON = "1970-01-12T13:46:50Z"
"""Ten seconds after NOW."""


@pytest.fixture
def clock() -> Clock:
    made = Clock()
    made.freeze(NOW)
    return made


@pytest.fixture
def book(clock: Clock) -> RuleBook:
    return RuleBook(clock)


def fires(book: RuleBook, path: str = "a") -> bool:
    """Whether a rule fires on one request."""
    return book.before(View(path=path)) is not None


def seconds_of_firing(book: RuleBook, clock: Clock, **words: object) -> list[int]:
    """The seconds from NOW, up to 30, at which a rule fires."""
    book.add("a", close=True, **words)
    found = []
    for second in range(31):
        clock.freeze(NOW + second)
        if fires(book):
            found.append(second)
    return found


@pytest.mark.parametrize(
    ("words", "start", "end"),
    [
        ({"between": {"from": "10s", "until": "20s"}}, 10, 20),
        ({"between": ["10s", "20s"]}, 10, 20),
        ({"between": ("10s", 20)}, 10, 20),
        ({"between": {"from": "10s"}}, 10, 31),
        ({"between": {"from": "10s", "until": None}}, 10, 31),
        ({"between": [None, "20s"]}, 0, 20),
        ({"between": {"until": "20s"}}, 0, 20),
        ({"between": {"from": NOON}}, 10, 31),
        ({"lasts": "5s"}, 0, 5),
        ({"between": {"from": "10s"}, "lasts": "5s"}, 10, 15),
        ({"between": {"from": "10s", "until": "20s"}, "lasts": "5s"}, 10, 15),
        ({"between": {"from": "10s", "until": "20s"}, "lasts": "15s"}, 10, 20),
        ({"between": {"until": "20s"}, "lasts": "5s"}, 0, 5),
    ],
)
def test_windows(book: RuleBook, clock: Clock, words: dict[str, object], start: int, end: int) -> None:
    """The start belongs to a window, its end does not; ``lasts`` counts from the start and never extends it."""
    assert seconds_of_firing(book, clock, **words) == list(range(start, end))


@pytest.mark.parametrize(("times", "expected"), [(None, 5), (2, 2), ("3", 3), (0, 0)])
def test_times(book: RuleBook, times: object, expected: int) -> None:
    book.add("a", close=True, times=times)
    assert sum(fires(book) for _ in range(5)) == expected


def test_every_request_or_every_nth(book: RuleBook) -> None:
    book.add("a", close=True, every=1)
    assert [fires(book) for _ in range(3)] == [True] * 3
    book.clear()
    book.add("a", close=True, every=2, skip=1)
    assert [fires(book) for _ in range(6)] == [False, False, True, False, True, False]


def test_a_state_alone(book: RuleBook) -> None:
    book.add("down", set_state="down")
    book.add("a", close=True, in_state="down")
    assert not fires(book)
    fires(book, "down")
    assert fires(book)


@pytest.mark.parametrize(
    ("after", "needed"),
    [("first", 1), ({"rule": "first"}, 1), ({"rule": "first", "times": 3}, 3), ({"rule": "first", "times": "2"}, 2)],
)
def test_after_another_rule_alone(book: RuleBook, after: object, needed: int) -> None:
    book.add("b", delay=0, id="first")
    book.add("a", close=True, after=after)
    for _ in range(needed):
        assert not fires(book)
        fires(book, "b")
    assert fires(book)


def test_after_a_rule_that_does_not_exist(book: RuleBook) -> None:
    book.add("a", close=True, after="ghost")
    assert not fires(book)
    book.add("b", delay=0, id="ghost")
    fires(book, "b")
    assert fires(book)


@pytest.mark.parametrize(
    ("value", "probability"), [(0, 0.0), (1, 1.0), (0.25, 0.25), ("25%", 0.25), ("0.5%", 0.005), ("100%", 1.0)]
)
def test_probabilities(value: object, probability: float) -> None:
    assert read_probability(value) == probability


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ({"chance": True}, "chance: expected a probability from 0 to 1, got True (bool)"),
        ({"chance": -0.1}, "chance: expected a probability from 0 to 1, got -0.1 (float)"),
        ({"chance": "0.5"}, "chance: expected a probability from 0 to 1, got '0.5' (str)"),
        ({"chance": "x%"}, "chance: expected a probability from 0 to 1, got 'x%' (str)"),
        ({"chance": "101%"}, "chance: expected a probability from 0 to 1, got 1.01 (float)"),
        ({"every": 0}, "every: expected at least 1, got 0 (int)"),
        ({"skip": -1}, "skip: expected at least 0, got -1 (int)"),
        ({"in_state": 5}, "in_state: expected a string, got 5 (int)"),
        ({"after": 5}, "after: expected a string, got 5 (int)"),
        ({"after": {"times": 2}}, "after: expected the id of a rule under 'rule'"),
        ({"after": {"rule": 5}}, "after.rule: expected a string, got 5 (int)"),
        ({"after": {"rule": "x", "times": 0}}, "after.times: expected at least 1, got 0 (int)"),
        ({"after": {"rul": "x"}}, "after: unknown key 'rul'; did you mean 'rule'?"),
        ({"after": {"rule": "x", "time": 2}}, "after: unknown key 'time'; did you mean 'times'?"),
        ({"between": ["10s"]}, "between: expected a mapping, got ['10s'] (list)"),
        ({"between": {"form": "10s"}}, "between: unknown key 'form'; did you mean 'from'?"),
        ({"between": {"from": 0, "untl": 1}}, "between: unknown key 'untl'; did you mean 'until'?"),
        (
            {"between": ["10s", "10s"]},
            "between.until: the window ends before it starts: expected a later time, or a longer duration",
        ),
        ({"between": [None, "x"]}, "between.until: expected a duration such as 0.5 or '1m30s', got 'x' (str)"),
        ({"lasts": "x"}, "lasts: expected a duration such as 0.5 or '1m30s', got 'x' (str)"),
    ],
)
def test_what_is_refused(book: RuleBook, words: dict[str, object], complaint: str) -> None:
    with pytest.raises(FaultError) as caught:
        book.add("a", close=True, **words)
    assert str(caught.value) == complaint


def test_random_values_are_the_same_in_every_release() -> None:
    """A seed that was noted from a failed run has to choose the same requests and the same bytes later."""
    assert Luck(3, 1).bytes(8, "chance").hex() == "1ae23bdbc3634675"
    assert Luck("a seed", 2).bytes(8).hex() == "cf6bee12a04e69b1"
    assert Luck(3, 1).unit("chance") == int("1ae23bdbc3634675", 16) / 2**64
    assert Luck(3).unit() == Luck(3).unit("") == int.from_bytes(Luck(3).bytes(8), "big") / 2**64
    assert len(Luck("\ud800").bytes(3)) == 3, "a seed of any characters"


def test_random_values_depend_on_seed_turn_and_label() -> None:
    drawn = [
        Luck(seed, turn).bytes(16, label) for seed, turn, label in product((1, 2, "1x"), (0, 1, 10), ("", "a", "b"))
    ]
    assert len({*drawn}) == len(drawn)
    assert all(0 <= Luck(1, turn).unit("x") < 1 for turn in range(100))


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 128, 200])
def test_as_many_random_bytes_as_wanted(size: int) -> None:
    longest = Luck(1).bytes(1000)
    assert Luck(1).bytes(size) == longest[:size]
    assert len({longest[at : at + 64] for at in range(0, 960, 64)}) == 15, "blocks differ"


@pytest.mark.parametrize(("seed", "pattern"), [(3, "xx.x.xx..xxx.xxx.x.x")])
def test_the_requests_that_a_seed_chooses(book: RuleBook, seed: int, pattern: str) -> None:
    book.add("a", close=True, chance=0.5, seed=seed)
    assert "".join("x" if fires(book) else "." for _ in range(20)) == pattern
