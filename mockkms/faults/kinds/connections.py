"""Connections that are closed, reset or left hanging, servers that accept none, and TLS handshakes that fail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, cast

from mockkms.faults.kinds import FaultKind, ServerKind
from mockkms.faults.parsing import Errors, FaultError, known_words, normal, seconds, shown, unknown, whole
from mockkms.faults.plan import AFTER_HEADERS, BEFORE_ANY_BYTE, Cut, Plan, Turn

WHERE = "true (before any byte) | headers (after the headers) | n (after n bytes of the body)"

UNTRUSTED, EXPIRED, WRONG_HOST, CLIENT_CERT = "untrusted", "expired", "wrong-host", "client-cert"
RESET, CLOSE, HANG = "reset", "close", "hang"
TLS_FAULTS = (UNTRUSTED, EXPIRED, WRONG_HOST, CLIENT_CERT, RESET, CLOSE, HANG)
NO_TLS: Mapping[str, str] = dict.fromkeys(
    TLS_FAULTS, "this server speaks no TLS; start it with tls=True (mockkms serve --tls)"
)
"""TLS faults that a server without TLS cannot produce, with the reason."""
_HOW = (CLOSE, RESET, HANG)


def read_place(value: object) -> int:
    """Return how many bytes of the body precede the cut; -1 is before the status line. Raises FaultError."""
    if value is True or value == "before":
        return BEFORE_ANY_BYTE
    if value == "headers":
        return AFTER_HEADERS
    if isinstance(value, bool) or not isinstance(value, int):
        raise FaultError(f"expected {WHERE}, got {shown(value)}")
    return whole(value)


class _Ending(FaultKind):
    """Interrupts the request's own connection, before any byte of the answer or in the middle of it."""

    example = True
    final = True
    decides = "how the connection ends"
    cut: Cut

    @property
    def silent(self) -> bool:
        """Whether the kind ends the connection before any byte of a response."""
        return self.cut.after == BEFORE_ANY_BYTE

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.cut = self.cut


class Close(_Ending):
    """Close the connection in order (FIN), before any byte or in the middle of the answer.

    Before any byte nothing takes effect, unless ``applied`` is given; later the core has answered.
    """

    word = "close"
    help = WHERE

    def __init__(self, value: object) -> None:
        self.cut = Cut("close", read_place(value))


class Reset(_Ending):
    """Reset the connection (RST; clients see ECONNRESET), before any byte or in the middle of the answer.

    Before any byte nothing takes effect, unless ``applied`` is given; later the core has answered.
    """

    word = "reset"
    help = WHERE

    def __init__(self, value: object) -> None:
        self.cut = Cut("reset", read_place(value))


class Hang(_Ending):
    """Read the request and never answer it; the connection stays open until the client gives up.

    ``true`` never ends; a duration ends with a close; ``{after: headers | n, for: …}`` sends a part of the answer
    first.
    """

    word = "hang"
    help = "true | seconds until the close | {after: headers | n bytes of the body, for: seconds}"

    def __init__(self, value: object) -> None:
        after, limit = BEFORE_ANY_BYTE, 0.0
        if isinstance(value, Mapping):
            errors = Errors()
            given = known_words(value, ("after", "for"), errors)
            after = errors.read("after", read_place, given.get("after", True), after)
            limit = errors.read("for", seconds, given.get("for", 0), 0.0)
            errors.raise_all()
        elif value is not True:
            limit = seconds(value)
        self.cut = Cut("hang", after, limit)


def read_how(value: object) -> Literal["close", "reset", "hang"]:
    """Return how the connection is interrupted; ``true`` is a close. Raises FaultError."""
    if value is True:
        return "close"
    if value not in _HOW:
        raise unknown(str(value), _HOW, "way to lose an answer")
    return cast(Literal["close", "reset", "hang"], value)


class LoseAnswer(_Ending):
    """Let the request take effect, and close the connection without an answer.

    For tests of double writes. Its counterpart is ``lose_request``.
    """

    word = "lose_answer"
    help = "true (close) | close | reset | hang"

    def __init__(self, value: object) -> None:
        self.cut = Cut(read_how(value))

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.applied = True
        super().plan(plan, turn)


class LoseRequest(_Ending):
    """Close the connection before the request takes effect.

    A client cannot distinguish this from ``lose_answer`` and must handle both.
    """

    word = "lose_request"
    help = "true (close) | close | reset | hang"

    def __init__(self, value: object) -> None:
        self.cut = Cut(read_how(value))


class Refuse(ServerKind):
    """Stop listening and cut every connection; listen again after a number of seconds.

    The request that triggers it gets no answer; with ``applied`` it has taken effect.
    """

    word = "refuse"
    help = "seconds"
    final = True
    decides = "how the connection ends"
    example = 0.2

    def __init__(self, value: object) -> None:
        self.value = seconds(value)

    def cut(self) -> Cut:
        return Cut("reset")


class Deaf(ServerKind):
    """Accept connections for a number of seconds without reading from them, then cut them.

    The request that triggers it gets no answer either; with ``applied`` it has taken effect.
    """

    word = "deaf"
    help = "seconds"
    final = True
    decides = "how the connection ends"
    example = 0.2

    def __init__(self, value: object) -> None:
        self.value = self.seconds = seconds(value)

    def cut(self) -> Cut:
        return Cut("hang", limit=self.seconds)


class Restart(ServerKind):
    """Cut every connection and start the server again, with its state kept or lost.

    The request that triggers it gets no answer; with ``applied`` it has taken effect.
    """

    word = "restart"
    help = "keep (the state survives) | lose (back to the baseline)"
    final = True
    decides = "how the connection ends"
    example = "keep"

    def __init__(self, value: object) -> None:
        way = "keep" if value is True else str(value)
        if way not in ("keep", "lose"):
            raise unknown(way, ("keep", "lose"), "way to restart")
        self.value, self.needs_state = way, way == "lose"

    def cut(self) -> Cut:
        return Cut("reset")


class Tls(FaultKind):
    """An invalid server certificate, a required client certificate, or a handshake that is not completed."""

    word = "tls"
    help = " | ".join(TLS_FAULTS) + " (for new connections; cannot be combined)"
    example = EXPIRED
    final = True
    of_connections: ClassVar[bool] = True

    def __init__(self, value: object) -> None:
        self.fault = normal(value).replace("_", "-")
        if self.fault not in TLS_FAULTS:
            raise unknown(str(value), TLS_FAULTS, "TLS fault")

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.tls = self.fault
