"""``status``: the core's own answer under another status."""

from __future__ import annotations

from typing import Any

from mockkms.faults.answers import read_status
from mockkms.faults.kinds import Kind
from mockkms.faults.plan import Plan, Turn
from mockkms.faults.request_view import Reply


class Status(Kind):
    """The request takes effect and its body is sent; only the status lies."""

    word = "status"
    help = "200 … 599"
    example = 500

    def __init__(self, value: Any) -> None:
        self.status = read_status(value)

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.edits.append(lambda reply: Reply(self.status, reply.body, reply.headers))
