"""``seal``: the server seals itself, as an operator would."""

from __future__ import annotations

from typing import Any

from mockkms.faults.kinds import Kind
from mockkms.faults.plan import Act, Plan, Turn
from mockkms.faults.words import seconds


class Seal(Kind):
    """Done before the core is asked; with ``applied`` after it has answered."""

    word = "seal"
    help = "true | seconds of the (virtual) clock until it unseals by itself"
    example = True
    needs_state = True

    def __init__(self, value: Any) -> None:
        self.value = 0.0 if value is True else seconds(value)

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.server.append(Act(self.word, self.value, not turn.applied))
