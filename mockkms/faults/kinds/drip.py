"""``drip``: the answer comes a few bytes at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from mockkms.faults.kinds import Kind
from mockkms.faults.parsing import FaultError, mapping, seconds, whole
from mockkms.faults.plan import Plan, Turn

_TICK = 0.05


class Drip(Kind):
    """Bytes a second, or ``{bytes: n, every: seconds}``."""

    word = "drip"
    help = "bytes a second | {bytes: n, every: seconds}"
    example: ClassVar[Any] = {"bytes": 40, "every": "5ms"}

    def __init__(self, value: Any) -> None:
        if isinstance(value, Mapping):
            given = mapping(value, ("bytes", "every"))
            if "bytes" not in given:
                raise FaultError("expected 'bytes'")
            self.size, self.every = whole(given["bytes"], least=1), seconds(given.get("every", 1))
            return
        rate = whole(value, least=1)
        self.size = max(1, int(rate * _TICK))
        self.every = self.size / rate

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.drip = (self.size, self.every)
