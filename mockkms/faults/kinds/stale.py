"""``stale``: the answer that the same question got when this rule first saw it, whatever has changed since."""

from __future__ import annotations

from typing import Any

from mockkms.faults.kinds import Kind
from mockkms.faults.plan import Plan, Turn
from mockkms.faults.view import Reply
from mockkms.faults.words import FaultError, flag

_REMEMBERED = 1000


class Stale(Kind):
    """A replica that lags: the first good answer to a method, target and body is kept and given again and again."""

    word = "stale"
    help = "true"
    example = True

    def __init__(self, value: Any) -> None:
        if not flag(value):
            raise FaultError("expected true; leave the word out otherwise")

    def plan(self, plan: Plan, turn: Turn) -> None:
        view, memory = turn.view, turn.memory
        question = (view.method, view.target, view.body, view.token)
        known = memory.get(question)
        if known is not None:
            plan.answer = Reply(known.status, known.body, dict(known.headers))
            return

        def remember(reply: Reply) -> Reply:
            if reply.status < 300 and len(memory) < _REMEMBERED:
                memory[question] = Reply(reply.status, reply.body, dict(reply.headers))
            return reply

        plan.edits.append(remember)
