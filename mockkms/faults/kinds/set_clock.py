"""``set_clock``: the (virtual) clock jumps to a moment: tokens, leases and everything with a lifetime with it."""

from __future__ import annotations

from typing import Any

from mockkms.faults.kinds import ServerKind
from mockkms.faults.parsing import instant


class SetClock(ServerKind):
    """A frozen clock stays frozen there."""

    word = "set_clock"
    help = "a time (RFC 3339) | {epoch: seconds}"
    example = "2030-01-01T00:00:00Z"
    needs_state = True

    def __init__(self, value: Any) -> None:
        self.value = instant(value)
