"""The plan for one request: data that the server's fault layer carries out.

Steps, in order: ``server`` actions with ``before`` set; ``delay``; ``answer``, else the world of ``snapshot``, else the
core, which with ``applied`` always runs; ``late``; the ``edits``; ``server`` actions without ``before``; and finally
the transport: ``cut``, ``drip``, ``framing``, ``raw``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from mockkms.faults.request_view import Reply, View
from mockkms.faults.schedule import Luck

Edit = Callable[[Reply], Reply]
How = Literal["close", "reset", "hang"]
Question = tuple[str, str, bytes, str]
"""Method, target, body and token of a request: what makes two requests equal."""

BEFORE_ANY_BYTE = -1
AFTER_HEADERS = 0


@dataclass(frozen=True, slots=True)
class Cut:
    """An interruption of the connection."""

    how: How
    """``close`` sends FIN, ``reset`` sends RST, ``hang`` sends nothing more and keeps the connection open."""
    after: int = BEFORE_ANY_BYTE
    """Bytes of the body to send first; 0 sends the headers only, -1 nothing."""
    limit: float = 0
    """Seconds after which a hang ends with a close; 0 never ends it."""


@dataclass(frozen=True, slots=True)
class ServerAction:
    """An action on the server itself, such as ``seal`` or ``restart``, with its value."""

    word: str
    value: object
    before: bool


@dataclass(slots=True)
class BodyFraming:
    """An incorrect framing of the body."""

    content_length: int | None = None
    """The declared length in bytes, regardless of the body."""
    bad_chunk: bool = False
    """Send a chunked body with an invalid chunk size line."""


@dataclass(slots=True)
class Plan:
    """Everything that was decided for one request."""

    view: View
    rules: list[str] = field(default_factory=list)
    """Ids of the rules that fired, in order."""
    words: list[str] = field(default_factory=list)
    """The fault kinds of these rules, for the journal."""
    delay: float = 0.0
    late: float = 0.0
    answer: Reply | None = None
    snapshot: str = ""
    """Name of the snapshot whose world answers, unless ``answer`` is set."""
    applied: bool = False
    cut: Cut | None = None
    edits: list[Edit] = field(default_factory=list)
    drip: tuple[int, float] | None = None
    """Bytes per write, and seconds between writes."""
    framing: BodyFraming | None = None
    raw: bytes | None = None
    """Bytes to send instead of an HTTP response; the connection is closed afterwards."""
    tls: str = ""
    """How the handshake of a new connection fails."""
    server: list[ServerAction] = field(default_factory=list)
    set_state: str | None = None
    unexpected: str = ""
    """A script's complaint: the expected and the actual request."""

    @property
    def asks_core(self) -> bool:
        """Whether the request reaches the core and takes effect."""
        if self.applied:
            return True
        early = self.cut is not None and self.cut.after == BEFORE_ANY_BYTE
        return self.answer is None and not self.snapshot and not early and self.raw is None

    @property
    def on_wire(self) -> bool:
        """Whether the response must be written to the transport directly, bypassing aiohttp."""
        return any(part is not None for part in (self.cut, self.drip, self.framing, self.raw))


@dataclass(frozen=True, slots=True)
class Turn:
    """What a fault kind knows when it adds to a plan."""

    view: View
    luck: Luck
    applied: bool
    """Whether the rule has ``applied: true``: the request takes effect first."""
    memory: dict[Question, Reply]
    """What the rule remembers between requests, such as a stale response; emptied by ``clear`` and ``reset``."""
