"""``garbage``: random bytes in the place of the body, or of the whole HTTP answer."""

from __future__ import annotations

from typing import Any

from mockkms.faults.kinds import Kind
from mockkms.faults.parsing import whole
from mockkms.faults.plan import Plan, Turn
from mockkms.faults.request_view import Reply

_SIZE = 256


class Garbage(Kind):
    """``true`` or a number of bytes replaces the body; ``wire`` sends bytes that are no HTTP, then closes."""

    word = "garbage"
    help = "true | bytes of it in the body | wire (no HTTP at all)"
    example = 64

    def __init__(self, value: Any) -> None:
        self.wire = value == "wire"
        self.size = _SIZE if self.wire or value is True else min(whole(value), 1 << 20)

    def plan(self, plan: Plan, turn: Turn) -> None:
        noise = turn.luck.bytes(self.size, "garbage")
        if self.wire:
            plan.raw = noise
        else:
            plan.edits.append(lambda reply: Reply(reply.status, noise, reply.headers))
