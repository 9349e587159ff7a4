"""``stale``: an old answer, whatever has changed since: the first one to the same question, or a snapshot's."""

from __future__ import annotations

from typing import Any

from mockkms.faults.kinds import Kind
from mockkms.faults.parsing import given
from mockkms.faults.plan import Plan, Turn
from mockkms.faults.request_view import Reply

_REMEMBERED = 1000


class Stale(Kind):
    """A replica that lags. With true the first good answer to a method, target and body is given again and again; with
    a name the world of that snapshot answers, at the present time and without effect."""

    word = "stale"
    help = "true (the first answer to the same question) | name of a snapshot, or baseline: its world answers"
    example = True

    def __init__(self, value: Any) -> None:
        self.snapshot = value if isinstance(value, str) else ""
        self.needs_state = bool(self.snapshot)
        if not self.snapshot:
            given(value)

    def plan(self, plan: Plan, turn: Turn) -> None:
        if self.snapshot:
            plan.snapshot = self.snapshot
            return
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
