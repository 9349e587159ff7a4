"""What is to be done with one request: data that the HTTP room carries out. Nothing here acts.

The way of a planned request: ``server`` acts with ``before`` set, ``delay``, then ``answer``, a ``snapshot``'s world or
(``applied``, or none of these and no early cut) the core, then ``late``, the ``edits`` in order, ``server`` acts
without ``before``, and at last the wire: ``cut``, ``drip``, ``framing``, ``raw``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from mockkms.faults.request_view import Reply, View
from mockkms.faults.schedule import Luck

Edit = Callable[[Reply], Reply]
How = Literal["close", "reset", "hang"]

BEFORE_ANY_BYTE = -1
AFTER_HEADERS = 0


@dataclass(frozen=True, slots=True)
class Cut:
    """The end of a connection in the middle of things."""

    how: How
    """``close`` sends FIN, ``reset`` RST, ``hang`` goes silent and keeps the connection open."""
    after: int = BEFORE_ANY_BYTE
    """Bytes of the body sent first; 0 is the headers alone, -1 not one byte."""
    limit: float = 0
    """Seconds after which a hang ends with a close; 0 is never."""


@dataclass(frozen=True, slots=True)
class ServerAction:
    """Something done to the server itself: ``seal``, ``restart``, …, with the value given."""

    word: str
    value: Any
    before: bool


@dataclass(slots=True)
class Framing:
    """How the body is framed on the wire where it is framed wrongly."""

    content_length: int | None = None
    """Declared length, whatever is sent."""
    bad_chunk: bool = False
    """Chunked, with a chunk whose size line is nonsense."""


@dataclass(slots=True)
class Plan:
    """Everything decided about one request."""

    view: View
    rules: list[str] = field(default_factory=list)
    """Ids of the rules that fired, in order."""
    words: list[str] = field(default_factory=list)
    """Their words, for the journal."""
    delay: float = 0.0
    late: float = 0.0
    answer: Reply | None = None
    snapshot: str = ""
    """Name of the snapshot whose world answers, unless ``answer`` is there."""
    applied: bool = False
    cut: Cut | None = None
    edits: list[Edit] = field(default_factory=list)
    drip: tuple[int, float] | None = None
    """Bytes at a time, and seconds between."""
    framing: Framing | None = None
    raw: bytes | None = None
    """Bytes sent instead of an HTTP answer; then the connection is closed."""
    tls: str = ""
    """How the handshake of a new connection fails."""
    server: list[ServerAction] = field(default_factory=list)
    set_state: str | None = None
    unexpected: str = ""
    """A script's complaint: what was expected and what came."""

    @property
    def asks_core(self) -> bool:
        """Whether the request reaches the core: whether it takes effect."""
        if self.applied:
            return True
        early = self.cut is not None and self.cut.after == BEFORE_ANY_BYTE
        return self.answer is None and not self.snapshot and not early and self.raw is None

    @property
    def on_wire(self) -> bool:
        """Whether the answer must be written by hand, byte by byte."""
        return any(part is not None for part in (self.cut, self.drip, self.framing, self.raw))


@dataclass(frozen=True, slots=True)
class Turn:
    """What a kind knows when it writes into a plan."""

    view: View
    luck: Luck
    applied: bool
    """The rule says ``applied: true``: the request takes effect first."""
    memory: dict[Any, Any]
    """The rule's own notes (a stale answer); gone with ``clear`` and ``reset``."""
