"""``seal``: the server seals itself, as an operator would."""

from __future__ import annotations

from typing import Any

from mockkms.faults.kinds import ServerKind
from mockkms.faults.parsing import seconds


class Seal(ServerKind):
    """For good, or until so much of the clock has gone by."""

    word = "seal"
    help = "true | seconds of the (virtual) clock until it unseals by itself"
    example = True
    needs_state = True

    def __init__(self, value: Any) -> None:
        self.value = 0.0 if value is True else seconds(value)
