"""``tls``: fail the handshake of a new connection. No request has been read yet, so nothing can be matched."""

from __future__ import annotations

from typing import Any, ClassVar

from mockkms.faults.kinds import FaultKind
from mockkms.faults.parsing import normal, unknown
from mockkms.faults.plan import Plan, Turn

UNTRUSTED, EXPIRED, WRONG_HOST, CLIENT_CERT = "untrusted", "expired", "wrong-host", "client-cert"
RESET, CLOSE, HANG = "reset", "close", "hang"
FAULTS = (UNTRUSTED, EXPIRED, WRONG_HOST, CLIENT_CERT, RESET, CLOSE, HANG)


class Tls(FaultKind):
    """An invalid server certificate, a required client certificate, or a handshake that is not completed."""

    word = "tls"
    help = " | ".join(FAULTS) + " (for new connections; cannot be combined)"
    example = EXPIRED
    final = True
    of_connections: ClassVar[bool] = True

    def __init__(self, value: Any) -> None:
        self.fault = normal(value).replace("_", "-")
        if self.fault not in FAULTS:
            raise unknown(str(value), FAULTS, "TLS fault")

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.tls = self.fault
