"""``answer``: an answer of our own in the place of the core's; nothing takes effect unless ``applied`` is said."""

from __future__ import annotations

from typing import Any

from mockkms.faults.answers import read_answer
from mockkms.faults.kinds import Kind
from mockkms.faults.plan import Plan, Turn


class Answer(Kind):
    """A status, a preset's name, or ``{status, body, errors, data, headers, …}``; ``pass`` lets the core answer."""

    word = "answer"
    help = "status | preset | {status, body | json | errors | data, headers, …} | pass"
    example = "sealed"
    final = True

    def __init__(self, value: Any) -> None:
        self.build = read_answer(value)

    def plan(self, plan: Plan, turn: Turn) -> None:
        reply = self.build(turn.view)
        if reply is not None:
            plan.answer = reply
