"""Bodies with an incorrect framing: truncated, with a wrong declared length, or with an invalid chunk."""

from __future__ import annotations

from mockkms.faults.kinds import FaultKind
from mockkms.faults.parsing import only_true, whole
from mockkms.faults.plan import BodyFraming, Cut, Plan, Turn


class Truncate(FaultKind):
    """Declare the whole length, send n bytes of the body, then close the connection.

    The request takes effect.
    """

    word = "truncate"
    of_response = True
    decides = "how the connection ends"
    help = "number of bytes of the body to send"
    example = 5

    def __init__(self, value: object) -> None:
        self.size = whole(value)

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.cut = Cut("close", self.size)


class ContentLength(FaultKind):
    """Declare another length than that of the body, then close the connection.

    With a larger length the client misses bytes; with a smaller one it reads a part of the body.
    """

    word = "content_length"
    of_response = True
    decides = "how the body is framed"
    help = "declared length in bytes"
    example = 10000

    def __init__(self, value: object) -> None:
        self.length = whole(value)

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.framing = BodyFraming(content_length=self.length)


class BadChunk(FaultKind):
    """Send the answer in chunks, with a chunk whose size line is invalid.

    The request takes effect.
    """

    word = "bad_chunk"
    of_response = True
    decides = "how the body is framed"
    help = "true"
    example = True

    def __init__(self, value: object) -> None:
        only_true(value)

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.framing = BodyFraming(bad_chunk=True)
