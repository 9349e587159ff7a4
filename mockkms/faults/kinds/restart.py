"""``restart``: every connection is cut and the server starts again, its state kept or lost."""

from __future__ import annotations

from typing import Any

from mockkms.faults.kinds import Kind
from mockkms.faults.plan import Act, Plan, Turn
from mockkms.faults.words import unknown


class Restart(Kind):
    """Done before the core is asked; with ``applied`` after it has answered."""

    word = "restart"
    help = "keep (state survives) | lose (back to the baseline)"
    example = "keep"

    def __init__(self, value: Any) -> None:
        self.value = "keep" if value is True else str(value)
        if self.value not in ("keep", "lose"):
            raise unknown(self.value, ("keep", "lose"), "way to restart")

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.server.append(Act(self.word, self.value, not turn.applied))
