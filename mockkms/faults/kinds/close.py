"""``close``: the connection is closed in order (FIN), before any byte or in the middle of the answer."""

from __future__ import annotations

from typing import Any

from mockkms.faults.cuts import WHERE, read_place
from mockkms.faults.kinds import Kind
from mockkms.faults.plan import Cut, Plan, Turn


class Close(Kind):
    """Before any byte nothing takes effect, unless ``applied`` is said; later the core has answered."""

    word = "close"
    help = WHERE
    example = True
    final = True

    def __init__(self, value: Any) -> None:
        self.after = read_place(value)

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.cut = Cut("close", self.after)
