"""``unseal``: the server unseals itself."""

from __future__ import annotations

from typing import Any

from mockkms.faults.kinds import Kind
from mockkms.faults.plan import Act, Plan, Turn
from mockkms.faults.words import FaultError, flag


class Unseal(Kind):
    """Done before the core is asked; with ``applied`` after it has answered."""

    word = "unseal"
    help = "true"
    example = True
    needs_state = True

    def __init__(self, value: Any) -> None:
        self.value = flag(value)
        if not self.value:
            raise FaultError("expected true; leave the word out otherwise")

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.server.append(Act(self.word, self.value, not turn.applied))
