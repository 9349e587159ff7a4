"""``content_type``: the right body under a wrong name."""

from __future__ import annotations

from typing import Any

from mockkms.faults.answers import read_headers
from mockkms.faults.kinds import Kind
from mockkms.faults.plan import Plan, Turn
from mockkms.faults.request_view import Reply


class ContentType(Kind):
    """The ``Content-Type`` of the answer; null takes it away."""

    word = "content_type"
    help = "text | null"
    example = "text/html"

    def __init__(self, value: Any) -> None:
        self.value = read_headers({"Content-Type": value})["Content-Type"]

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.edits.append(self.edit)

    def edit(self, reply: Reply) -> Reply:
        """The answer with another content type."""
        kept = {name: text for name, text in reply.headers.items() if name.lower() != "content-type"}
        return Reply(reply.status, reply.body, kept | ({"Content-Type": self.value} if self.value is not None else {}))
