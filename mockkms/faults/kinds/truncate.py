"""``truncate``: the whole length is declared, n bytes of the body are sent, then the connection is closed."""

from __future__ import annotations

from typing import Any

from mockkms.faults.kinds import Kind
from mockkms.faults.parsing import whole
from mockkms.faults.plan import Cut, Plan, Turn


class Truncate(Kind):
    """The core has answered: a write took effect."""

    word = "truncate"
    help = "bytes of the body that are sent"
    example = 5

    def __init__(self, value: Any) -> None:
        self.size = whole(value)

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.cut = Cut("close", self.size)
