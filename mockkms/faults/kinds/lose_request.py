"""``lose_request``: nothing takes effect, and the client sees the same as with ``lose_answer``."""

from __future__ import annotations

from typing import Any

from mockkms.faults.kinds import Kind
from mockkms.faults.kinds.lose_answer import read_how
from mockkms.faults.plan import Cut, Plan, Turn


class LoseRequest(Kind):
    """The twin of ``lose_answer``: a client that cannot tell them apart must survive both."""

    word = "lose_request"
    help = "true (close) | close | reset | hang"
    example = True
    final = True

    def __init__(self, value: Any) -> None:
        self.how = read_how(value)

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.cut = Cut(self.how)
