"""``restart``: every connection is cut and the server starts again, its state kept or lost."""

from __future__ import annotations

from typing import Any

from mockkms.faults.kinds import Kind
from mockkms.faults.plan import Act, Cut, Plan, Turn
from mockkms.faults.words import unknown


class Restart(Kind):
    """The request that meets it gets no answer; with ``applied`` it has taken effect."""

    word = "restart"
    help = "keep (state survives) | lose (back to the baseline)"
    final = True
    example = "keep"

    def __init__(self, value: Any) -> None:
        self.value = "keep" if value is True else str(value)
        if self.value not in ("keep", "lose"):
            raise unknown(self.value, ("keep", "lose"), "way to restart")
        self.needs_state = self.value == "lose"

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.server.append(Act(self.word, self.value, not turn.applied))
        plan.cut = plan.cut or Cut("reset")
