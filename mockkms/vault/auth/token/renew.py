"""Renewals of tokens: by token, of the requesting token, by accessor."""

from __future__ import annotations

from mockkms.vault.auth.token.lookup import by_accessor
from mockkms.vault.auth.token.model import TokenRoles, engine, show_policies
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response, refusing
from mockkms.vault.golang.fmt import error_list
from mockkms.vault.tokens.lease import LeaseEntry
from mockkms.vault.tokens.token import Token

_INCREMENT = {"increment": Field(Kind.SECONDS, default=0, help="Requested lifetime from now in seconds.")}

renew = engine.path(
    "renew",
    {"token": Field(Kind.STRING, help="The token to renew."), **_INCREMENT},
    help="Renew a token.",
    go_errors=True,
)
renew_accessor = engine.path(
    "renew-accessor",
    {"accessor": Field(Kind.STRING, help="Accessor of the token to renew."), **_INCREMENT},
    help="Renew the token of an accessor.",
)
renew_self = engine.path(
    "renew-self",
    {"token": Field(Kind.STRING, help="Ignored."), **_INCREMENT},
    help="Renew the requesting token.",
    go_errors=True,
)


@renew.on(Operation.UPDATE)
def renew_token(state: TokenRoles, call: Call, *, token: str, increment: int) -> Response | None:
    """Renew a token, and return it as a login does. Raises ErrorResponse and BackendError."""
    if not token:
        raise ErrorResponse("missing token ID")
    with refusing("error looking up token to renew: ", BackendError):
        return extend(call, call.core.tokens.checked(token), increment)


@renew_self.on(Operation.UPDATE)
def renew_own(state: TokenRoles, call: Call, *, increment: int) -> Response | None:
    """Renew the request's own token, and return it as a login does. Raises ErrorResponse and BackendError."""
    return extend(call, call.core.tokens.lookup(call.request.token), increment)


@renew_accessor.on(Operation.UPDATE)
def renew_by_accessor(state: TokenRoles, call: Call, *, accessor: str, increment: int) -> Response | None:
    """Renew the token with this accessor; the response has no id. Raises VaultError."""
    # The real server passes an error of its own on, and drops the response with the reason; refusals of auth methods
    # have no error.
    with refusing(of=ErrorResponse, text=error_list(["invalid request"])):
        token, entry = _renewable(call, call.core.tokens.lookup(by_accessor(call, accessor).id))
    response = _extended(call, token, entry, increment)
    if response is None:
        raise BackendError("failed to lookup the token")
    if response.auth is not None:
        response.auth.client_token = ""
    return response


def extend(call: Call, token: Token | None, increment: int) -> Response | None:
    """Renew ``token`` by ``increment`` seconds. Raises ErrorResponse and BackendError with the server's text."""
    return _extended(call, *_renewable(call, token), increment)


def _renewable(call: Call, token: Token | None) -> tuple[Token, LeaseEntry]:
    """Return a token and its lease, which may be renewed. Raises ErrorResponse and BackendError."""
    if token is None:
        raise ErrorResponse("token not found")
    if token.type == "batch":
        raise ErrorResponse("batch tokens cannot be renewed")
    if call.request.namespace and not token.namespace and not call.request.path.endswith("-self"):
        raise BackendError("cannot renew a token across namespaces")
    leases = call.core.leases
    entry = leases.of_token(token)
    if entry is None:
        raise ErrorResponse("invalid lease ID")
    refusal = leases.refusal(entry)
    if refusal:
        raise ErrorResponse(refusal)
    return token, entry


def _extended(call: Call, token: Token, entry: LeaseEntry, increment: int) -> Response | None:
    response = call.core.leases.renew_token(token, entry, increment, call.request)
    if response is not None and response.auth is not None:
        show_policies(call, response.auth)
    return response
