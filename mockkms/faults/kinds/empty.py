"""``empty``: the core's status and headers without a body."""

from __future__ import annotations

from typing import Any

from mockkms.faults.kinds import Kind
from mockkms.faults.parsing import FaultError, flag
from mockkms.faults.plan import Plan, Turn
from mockkms.faults.request_view import Reply


class Empty(Kind):
    """The request takes effect; its answer says nothing."""

    word = "empty"
    help = "true"
    example = True

    def __init__(self, value: Any) -> None:
        if not flag(value):
            raise FaultError("expected true; leave the word out otherwise")

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.edits.append(lambda reply: Reply(reply.status, b"", reply.headers))
