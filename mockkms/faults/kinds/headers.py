"""``headers``: headers of the answer set, replaced, or taken away (null)."""

from __future__ import annotations

from typing import Any, ClassVar

from mockkms.faults.answers import read_headers
from mockkms.faults.kinds import Kind
from mockkms.faults.plan import Plan, Turn
from mockkms.faults.request_view import Reply


class Headers(Kind):
    """A mapping of names to texts; null takes a header away."""

    word = "headers"
    help = "{name: text | null}"
    example: ClassVar[Any] = {"Retry-After": "3", "Cache-Control": None}

    def __init__(self, value: Any) -> None:
        self.changes = read_headers(value)

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.edits.append(self.edit)

    def edit(self, reply: Reply) -> Reply:
        """The answer with its headers changed."""
        changed = {name.lower() for name in self.changes}
        kept = {name: text for name, text in reply.headers.items() if name.lower() not in changed}
        return Reply(reply.status, reply.body, kept | {n: t for n, t in self.changes.items() if t is not None})
