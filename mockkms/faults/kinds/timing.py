"""Time: delays of a request or its answer, slow answers, and jumps of the world's clock."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import ClassVar

from mockkms.faults.kinds import FaultKind, ServerKind
from mockkms.faults.parsing import Errors, FaultError, instant, known_words, seconds, shown, span, unknown, whole
from mockkms.faults.plan import Plan, Turn
from mockkms.faults.schedule import Luck

_SHAPES = ("uniform", "normal", "lognormal")
_LONGEST = 3600.0
_TICK = 0.05
_LONGEST_STEP = 60.0
"""Maximum number of seconds between two pieces of an answer; ``hang`` is for longer pauses."""


class Delay(FaultKind):
    """Delay the request before it takes effect; with ``applied``, delay the answer.

    The value is in seconds, a duration, or a random distribution; no delay is longer than an hour.
    """

    word = "delay"
    help = "seconds | '500ms' | {uniform: [a, b]} | {normal: [mean, sd]} | {lognormal: [median, sigma]}"
    example = 0.05

    def __init__(self, value: object) -> None:
        self.shape = "fixed"
        if not isinstance(value, Mapping):
            self.first, self.second = seconds(value), 0.0
            return
        if len(value) != 1:
            raise FaultError(f"expected one of {', '.join(_SHAPES)}, got {shown(dict(value))}")
        ((shape, pair),) = value.items()
        if shape not in _SHAPES:
            raise unknown(str(shape), _SHAPES, "distribution")
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise FaultError(f"expected a list of two numbers, got {shown(pair)}", str(shape))
        self.shape = str(shape)
        errors = Errors()
        self.first = self.second = 0.0
        with errors.at(self.shape, 0):
            self.first = seconds(pair[0])
        with errors.at(self.shape, 1):
            self.second = seconds(pair[1])
        errors.raise_all()

    def plan(self, plan: Plan, turn: Turn) -> None:
        wait = min(max(self.draw(turn.luck), 0.0), _LONGEST)
        if turn.applied:
            plan.late += wait
        else:
            plan.delay += wait

    def draw(self, luck: Luck) -> float:
        """Return the delay of one firing in seconds."""
        if self.shape == "fixed":
            return self.first
        unit = min(max(luck.unit("delay"), 1e-12), 1 - 1e-12)
        if self.shape == "uniform":
            return self.first + (self.second - self.first) * unit
        from statistics import NormalDist  # Imported on use: it adds 5 ms to the start of a server.

        if self.shape == "normal":
            return self.first + self.second * NormalDist().inv_cdf(unit)
        return self.first * math.exp(min(self.second, 50.0) * NormalDist().inv_cdf(unit))


class Drip(FaultKind):
    """Send the answer a few bytes at a time.

    The value is bytes per second, or ``{bytes: n, every: seconds}``.
    """

    word = "drip"
    of_response = True
    help = "bytes per second | {bytes: n, every: seconds}"
    example: ClassVar[object] = {"bytes": 40, "every": "5ms"}

    def __init__(self, value: object) -> None:
        if isinstance(value, Mapping):
            errors = Errors()
            given = known_words(value, ("bytes", "every"), errors)
            if "bytes" not in given and not errors.found:
                errors.add(FaultError("expected bytes, the size of each piece, as in {bytes: 40, every: 5ms}"))
            self.size = errors.read("bytes", partial(whole, least=1), given.get("bytes", 1), 1)
            self.every = errors.read("every", _pause, given.get("every", 1), 1.0)
            errors.raise_all()
            return
        rate = whole(value, least=1)
        self.size = max(1, int(rate * _TICK))
        self.every = self.size / rate

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.drip = (self.size, self.every)


def _pause(value: object) -> float:
    """Return the seconds between two pieces of an answer. Raises FaultError."""
    pause = seconds(value)
    if pause > _LONGEST_STEP:
        raise FaultError(f"expected at most {_LONGEST_STEP:g} seconds, got {shown(value)}")
    return pause


class Advance(ServerKind):
    """Move the (virtual) clock by a duration, and with it tokens, leases and everything that has a lifetime.

    A negative duration moves it back; ``set_clock`` moves it to a given time.
    """

    word = "advance"
    decides = "the time of the clock"
    help = "duration; a negative one sets the clock back"
    example = "1h"
    needs_state = True

    def __init__(self, value: object) -> None:
        self.value = span(value)


class SetClock(ServerKind):
    """Set the (virtual) clock to a time, and with it tokens, leases and everything that has a lifetime.

    A frozen clock stays frozen at that time.
    """

    word = "set_clock"
    decides = "the time of the clock"
    help = "a time (RFC 3339) | {epoch: seconds}"
    example = "2030-01-01T00:00:00Z"
    needs_state = True

    def __init__(self, value: object) -> None:
        self.value = instant(value)
