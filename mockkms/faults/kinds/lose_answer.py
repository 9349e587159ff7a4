"""``lose_answer``: the request takes effect, and the client never learns of it."""

from __future__ import annotations

from typing import Any, Literal, cast

from mockkms.faults.kinds import Kind
from mockkms.faults.parsing import unknown
from mockkms.faults.plan import Cut, Plan, Turn

_HOW = ("close", "reset", "hang")


def read_how(value: Any) -> Literal["close", "reset", "hang"]:
    """The way an answer is lost; ``true`` is a close."""
    if value is True:
        return "close"
    if value not in _HOW:
        raise unknown(str(value), _HOW, "way to lose an answer")
    return cast(Literal["close", "reset", "hang"], value)


class LoseAnswer(Kind):
    """The test of double writes. Its twin is ``lose_request``."""

    word = "lose_answer"
    help = "true (close) | close | reset | hang"
    example = True
    final = True

    def __init__(self, value: Any) -> None:
        self.how = read_how(value)

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.applied = True
        plan.cut = Cut(self.how)
