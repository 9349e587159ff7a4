"""``restart``: every connection is cut and the server starts again, its state kept or lost."""

from __future__ import annotations

from typing import Any

from mockkms.faults.kinds import ServerKind
from mockkms.faults.parsing import unknown
from mockkms.faults.plan import Cut


class Restart(ServerKind):
    """The request that meets it gets no answer; with ``applied`` it has taken effect."""

    word = "restart"
    help = "keep (state survives) | lose (back to the baseline)"
    final = True
    example = "keep"

    def __init__(self, value: Any) -> None:
        self.value = "keep" if value is True else str(value)
        if self.value not in ("keep", "lose"):
            raise unknown(self.value, ("keep", "lose"), "way to restart")
        self.needs_state = self.value == "lose"

    def cut(self) -> Cut:
        return Cut("reset")
