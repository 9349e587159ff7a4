"""``refuse``: the port stops listening and every connection is cut; it listens again after so many seconds."""

from __future__ import annotations

from typing import Any

from mockkms.faults.kinds import ServerKind
from mockkms.faults.parsing import seconds
from mockkms.faults.plan import Cut


class Refuse(ServerKind):
    """The request that meets it gets no answer; with ``applied`` it has taken effect."""

    word = "refuse"
    help = "seconds"
    final = True
    example = 0.2

    def __init__(self, value: Any) -> None:
        self.value = seconds(value)

    def cut(self) -> Cut:
        return Cut("reset")
