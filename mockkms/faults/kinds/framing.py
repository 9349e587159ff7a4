"""Bodies that are framed wrongly on the wire: cut, declared with a wrong length, or with a broken chunk."""

from __future__ import annotations

from mockkms.faults.kinds import FaultKind
from mockkms.faults.parsing import only_true, whole
from mockkms.faults.plan import BodyFraming, Cut, Plan, Turn


class Truncate(FaultKind):
    """Declare the whole length, send n bytes of the body, then close the connection.

    The core has answered: a write took effect.
    """

    word = "truncate"
    help = "number of bytes of the body to send"
    example = 5

    def __init__(self, value: object) -> None:
        self.size = whole(value)

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.cut = Cut("close", self.size)


class ContentLength(FaultKind):
    """Declare a length that is not the body's, then close the connection.

    With a larger length the client waits in vain; with a smaller one it reads a cut body.
    """

    word = "content_length"
    help = "declared length in bytes"
    example = 10000

    def __init__(self, value: object) -> None:
        self.length = whole(value)

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.framing = BodyFraming(content_length=self.length)


class BadChunk(FaultKind):
    """Send the answer in chunks, with a chunk whose size line is invalid.

    The core has answered: a write took effect.
    """

    word = "bad_chunk"
    help = "true"
    example = True

    def __init__(self, value: object) -> None:
        only_true(value)

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.framing = BodyFraming(bad_chunk=True)
