"""When a matching rule fires: skip, times, every, chance, a clock window, after another rule, in a state.

A schedule depends on counters alone, so a snapshot of the counters is a snapshot of the rule.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b

from mockkms.faults.parsing import Errors, FaultError, known_words, moment, seconds, shown, text, whole

WORDS = {
    "skip": "number of matching requests to let pass first",
    "times": "maximum number of times the rule fires",
    "every": "fire on every n-th matching request only",
    "chance": "probability of firing, 0 to 1, drawn from the rule's seed",
    "seed": "seed of the rule's random choices (chance, random delays, flipped bits); generated and listed by default",
    "between": "fire only within this window of the virtual clock: {from: …, until: …}; times, or durations from now",
    "lasts": "duration, on the virtual clock, after which the rule stops firing",
    "after": "fire only once another rule has fired: its id, or {rule: id, times: n}",
    "in_state": "fire only in this state of the rules (see set_state); the initial state is 'start'",
}


@dataclass(slots=True)
class Counters:
    """The counters of a rule."""

    matched: int = 0
    """Requests that matched while the rule was in force."""
    fired: int = 0


@dataclass(frozen=True, slots=True)
class Luck:
    """Repeatable random values, which depend on the seed, the turn and a label, never on earlier draws."""

    seed: int | str
    turn: int = 0

    def unit(self, label: str = "") -> float:
        """Return a float in [0, 1)."""
        return int.from_bytes(self.bytes(8, label)) / 2**64

    def bytes(self, size: int, label: str = "") -> bytes:
        """Return ``size`` random bytes."""
        out = b""
        while len(out) < size:
            block = f"{self.seed}\0{self.turn}\0{label}\0{len(out)}".encode(errors="surrogatepass")
            out += blake2b(block, person=b"mockkms-luck").digest()
        return out[:size]


@dataclass(frozen=True, slots=True)
class Schedule:
    """When to fire, parsed once."""

    skip: int = 0
    times: int | None = None
    every: int = 1
    chance: float | None = None
    start: float | None = None
    until: float | None = None
    after: str = ""
    after_times: int = 1
    in_state: str = ""

    def in_force(self, now: float, state: str, fired: Mapping[str, int]) -> bool:
        """Return whether requests count at ``now``. ``fired`` has the number of firings of each rule, by id."""
        if self.start is not None and now < self.start:
            return False
        if self.until is not None and now >= self.until:
            return False
        if self.in_state and state != self.in_state:
            return False
        return not self.after or fired.get(self.after, 0) >= self.after_times

    def due(self, counters: Counters, luck: Luck) -> bool:
        """Return whether to fire on the request that ``counters.matched`` has just counted."""
        turn = counters.matched - self.skip
        if turn <= 0 or turn % self.every:
            return False
        if self.times is not None and counters.fired >= self.times:
            return False
        return self.chance is None or luck.unit("chance") < self.chance


def read_schedule(words: Mapping[str, object], now: float) -> Schedule:
    """Parse a schedule from a rule's keys; durations count from ``now``, seconds since the epoch. Raises FaultError."""
    schedule = Schedule()
    errors = Errors()
    for word, value in words.items():
        with errors.at(word):
            schedule = _with(schedule, word, value, now)
    if "lasts" in words:
        end = (now if schedule.start is None else schedule.start) + errors.read("lasts", seconds, words["lasts"], 0.0)
        schedule = replace(schedule, until=end if schedule.until is None else min(end, schedule.until))
    errors.raise_all()
    return schedule


def _with(schedule: Schedule, word: str, value: object, now: float) -> Schedule:
    """Return the schedule with one key of a rule added. Raises FaultError."""
    if word == "skip":
        return replace(schedule, skip=whole(value))
    if word == "times":
        return replace(schedule, times=None if value is None else whole(value))
    if word == "every":
        return replace(schedule, every=whole(value, least=1))
    if word == "chance":
        return replace(schedule, chance=read_probability(value))
    if word == "between":
        start, until = _window(value, now)
        return replace(schedule, start=start, until=until)
    if word == "in_state":
        return replace(schedule, in_state=text(value))
    if word == "after":
        rule, times = _after(value)
        return replace(schedule, after=rule, after_times=times)
    return schedule


def read_probability(value: object) -> float:
    """Return a probability from a number, 0 to 1, or a percentage such as ``"2%"``. Raises FaultError."""
    if isinstance(value, str) and value.endswith("%"):
        with contextlib.suppress(ValueError):
            value = float(value[:-1]) / 100
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise FaultError(f"expected a probability from 0 to 1, got {shown(value)}")
    return float(value)


def _window(value: object, now: float) -> tuple[float | None, float | None]:
    """Return start and end of a window, in seconds since the epoch. Raises FaultError."""
    if isinstance(value, (list, tuple)) and len(value) == 2:
        value = {"from": value[0], "until": value[1]}
    errors = Errors()
    given = known_words(value, ("from", "until"), errors)
    start = until = None
    if given.get("from") is not None:
        with errors.at("from"):
            start = moment(given["from"], now)
    if given.get("until") is not None:
        with errors.at("until"):
            until = moment(given["until"], now)
    errors.raise_all()
    if start is not None and until is not None and until <= start:
        raise FaultError("the window ends before it starts: expected a later time, or a longer duration", "until")
    return start, until


def _after(value: object) -> tuple[str, int]:
    """Return the id of the rule to follow, and how often it must have fired. Raises FaultError."""
    if isinstance(value, Mapping):
        errors = Errors()
        given = known_words(value, ("rule", "times"), errors)
        if "rule" not in given and not errors.found:
            raise FaultError("expected the id of a rule under 'rule'")
        rule = errors.read("rule", text, given.get("rule", ""), "")
        times = errors.read("times", partial(whole, least=1), given.get("times", 1), 1)
        errors.raise_all()
        return rule, times
    return text(value), 1
