"""``drop``: fields of the JSON answer are missing."""

from __future__ import annotations

from typing import Any

from mockkms.faults.fields import GONE, change_field
from mockkms.faults.kinds import Kind
from mockkms.faults.parsing import text
from mockkms.faults.plan import Plan, Turn
from mockkms.faults.request_view import Reply


class Drop(Kind):
    """A dotted path, or a list of them."""

    word = "drop"
    help = "dotted path of a JSON field | list of them"
    example = "data.ciphertext"

    def __init__(self, value: Any) -> None:
        self.paths = [text(path) for path in value] if isinstance(value, (list, tuple)) else [text(value)]

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.edits.append(self.edit)

    def edit(self, reply: Reply) -> Reply:
        """The answer without the fields."""
        for path in self.paths:
            reply = change_field(reply, path, lambda _: GONE)
        return reply
