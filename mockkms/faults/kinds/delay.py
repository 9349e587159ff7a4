"""``delay``: the request waits before the core is asked; with ``applied`` the answer waits after it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import NormalDist
from typing import Any

from mockkms.faults.kinds import Kind
from mockkms.faults.parsing import FaultError, seconds, shown, unknown
from mockkms.faults.plan import Plan, Turn
from mockkms.faults.schedule import Luck

_SHAPES = ("uniform", "normal", "lognormal")
_LONGEST = 3600.0


class Delay(Kind):
    """Seconds or a duration, or a random one; no delay is longer than an hour."""

    word = "delay"
    help = "seconds | '500ms' | {uniform: [a, b]} | {normal: [mean, sd]} | {lognormal: [median, sigma]}"
    example = 0.05

    def __init__(self, value: Any) -> None:
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
            raise FaultError(f"expected a pair, got {shown(pair)}", str(shape))
        self.shape, self.first, self.second = str(shape), seconds(pair[0]), seconds(pair[1])

    def plan(self, plan: Plan, turn: Turn) -> None:
        wait = min(max(self.draw(turn.luck), 0.0), _LONGEST)
        if turn.applied:
            plan.late += wait
        else:
            plan.delay += wait

    def draw(self, luck: Luck) -> float:
        """Seconds of this turn."""
        if self.shape == "fixed":
            return self.first
        unit = min(max(luck.unit("delay"), 1e-12), 1 - 1e-12)
        if self.shape == "uniform":
            return self.first + (self.second - self.first) * unit
        if self.shape == "normal":
            return self.first + self.second * NormalDist().inv_cdf(unit)
        return self.first * math.exp(min(self.second, 50.0) * NormalDist().inv_cdf(unit))
