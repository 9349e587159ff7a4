"""``login``: refused, as no connection to this server shows a client certificate."""

from __future__ import annotations

from mockkms.vault.auth.cert.model import Cert, engine
from mockkms.vault.endpoint import Call, Field
from mockkms.vault.fields import Kind
from mockkms.vault.message import ErrorResponse, Operation

login = engine.path(
    "login",
    fields={"name": Field(Kind.STRING, help="Trusted certificate to log in against; any if absent.")},
    login=True,
    help="Log in with the connection's certificate.",
)


@login.on(Operation.UPDATE)
def log_in(state: Cert, call: Call) -> None:
    """Raises ErrorResponse."""
    raise ErrorResponse("no client certificate found")
