"""``deaf``: for so many seconds connections are accepted and never read from; then they are cut."""

from __future__ import annotations

from typing import Any

from mockkms.faults.kinds import ServerKind
from mockkms.faults.parsing import seconds
from mockkms.faults.plan import Cut


class Deaf(ServerKind):
    """The request that meets it gets no answer either; with ``applied`` it has taken effect."""

    word = "deaf"
    help = "seconds"
    final = True
    example = 0.2

    def __init__(self, value: Any) -> None:
        self.value = seconds(value)

    def cut(self) -> Cut:
        return Cut("hang", limit=self.value)
