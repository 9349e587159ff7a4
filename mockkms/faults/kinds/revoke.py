"""``revoke``: a token is revoked."""

from __future__ import annotations

from typing import Any

from mockkms.faults.kinds import Kind
from mockkms.faults.plan import Act, Plan, Turn
from mockkms.faults.words import text


class Revoke(Kind):
    """Done before the core is asked; with ``applied`` after it has answered."""

    word = "revoke"
    help = "true (the token of the request) | an accessor | a token"
    example = True
    needs_state = True

    def __init__(self, value: Any) -> None:
        self.value = value if value is True else text(value)

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.server.append(Act(self.word, self.value, not turn.applied))
