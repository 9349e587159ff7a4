"""``advance``: the (virtual) clock jumps forward: tokens, leases and everything with a lifetime with it."""

from __future__ import annotations

from typing import Any

from mockkms.faults.kinds import Kind
from mockkms.faults.plan import Act, Plan, Turn
from mockkms.faults.words import seconds


class Advance(Kind):
    """Done before the core is asked; with ``applied`` after it has answered."""

    word = "advance"
    help = "duration"
    example = "1h"
    needs_state = True

    def __init__(self, value: Any) -> None:
        self.value = seconds(value)

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.server.append(Act(self.word, self.value, not turn.applied))
