"""``set_state``: the rules' state becomes another, so that rules with ``in_state`` take turns."""

from __future__ import annotations

from typing import Any

from mockkms.faults.kinds import Kind
from mockkms.faults.parsing import text
from mockkms.faults.plan import Plan, Turn


class SetState(Kind):
    """A text; the state begins as ``start``."""

    word = "set_state"
    help = "name of the new state; it begins as start"
    example = "down"

    def __init__(self, value: Any) -> None:
        self.state = text(value)

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.set_state = self.state
