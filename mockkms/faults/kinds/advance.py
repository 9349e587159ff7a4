"""``advance``: the (virtual) clock jumps: tokens, leases and everything with a lifetime with it."""

from __future__ import annotations

from typing import Any

from mockkms.faults.kinds import ServerKind
from mockkms.faults.parsing import span


class Advance(ServerKind):
    """Forward or back; to a moment goes ``set_clock``."""

    word = "advance"
    help = "duration; negative: back"
    example = "1h"
    needs_state = True

    def __init__(self, value: Any) -> None:
        self.value = span(value)
