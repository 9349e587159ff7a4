"""``content_length``: a declared length that is not the body's, then the connection is closed."""

from __future__ import annotations

from typing import Any

from mockkms.faults.kinds import Kind
from mockkms.faults.parsing import whole
from mockkms.faults.plan import Framing, Plan, Turn


class ContentLength(Kind):
    """More than is sent: the client waits in vain; less: it reads a cut body."""

    word = "content_length"
    help = "bytes declared, whatever is sent"
    example = 10000

    def __init__(self, value: Any) -> None:
        self.length = whole(value)

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.framing = Framing(content_length=self.length)
