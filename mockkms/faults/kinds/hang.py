"""``hang``: the request is read and never answered; the connection stays open until the client gives up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockkms.faults.cuts import read_place
from mockkms.faults.kinds import Kind
from mockkms.faults.parsing import mapping, seconds
from mockkms.faults.plan import BEFORE_ANY_BYTE, Cut, Plan, Turn


class Hang(Kind):
    """``true`` without end, a duration after which the connection is closed, or ``{after: headers | n, for: …}``."""

    word = "hang"
    help = "true | seconds, then closed | {after: headers | n bytes of the body, for: seconds}"
    example = True
    final = True

    def __init__(self, value: Any) -> None:
        self.after, self.limit = BEFORE_ANY_BYTE, 0.0
        if isinstance(value, Mapping):
            given = mapping(value, ("after", "for"))
            self.after = read_place(given.get("after", True))
            self.limit = seconds(given.get("for", 0))
        elif value is not True:
            self.limit = seconds(value)

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.cut = Cut("hang", self.after, self.limit)
