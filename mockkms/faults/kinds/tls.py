"""``tls``: the handshake of a new connection fails. It strikes before any request is read, so nothing is matched."""

from __future__ import annotations

from typing import Any, ClassVar

from mockkms.faults.kinds import Kind
from mockkms.faults.parsing import normal, unknown
from mockkms.faults.plan import Plan, Turn

UNTRUSTED, EXPIRED, WRONG_HOST, CLIENT_CERT = "untrusted", "expired", "wrong-host", "client-cert"
RESET, CLOSE, HANG = "reset", "close", "hang"
FAULTS = (UNTRUSTED, EXPIRED, WRONG_HOST, CLIENT_CERT, RESET, CLOSE, HANG)


class Tls(Kind):
    """Certificates that a client must refuse, a demand for its own one, or a handshake that is never completed."""

    word = "tls"
    help = " | ".join(FAULTS) + " (of the next connections; stands alone)"
    example = EXPIRED
    final = True
    of_connections: ClassVar[bool] = True

    def __init__(self, value: Any) -> None:
        self.fault = normal(value).replace("_", "-")
        if self.fault not in FAULTS:
            raise unknown(str(value), FAULTS, "TLS fault")

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.tls = self.fault
