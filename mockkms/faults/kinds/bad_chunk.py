"""``bad_chunk``: the answer is chunked, and the line that gives a chunk's size is nonsense."""

from __future__ import annotations

from typing import Any

from mockkms.faults.kinds import Kind
from mockkms.faults.parsing import FaultError, flag
from mockkms.faults.plan import Framing, Plan, Turn


class BadChunk(Kind):
    """The core has answered: a write took effect."""

    word = "bad_chunk"
    help = "true"
    example = True

    def __init__(self, value: Any) -> None:
        if not flag(value):
            raise FaultError("expected true; leave the word out otherwise")

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.framing = Framing(bad_chunk=True)
