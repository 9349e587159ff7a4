"""Inline authentication: a request that carries its login in headers, for a token that ends with the request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mockkms.crypto.encoding import b64
from mockkms.error_context import error_context
from mockkms.json_reading import read_json
from mockkms.vault.framework.message import (
    ErrorResponse,
    NotFound,
    Operation,
    PermissionDenied,
    Request,
    Response,
    VaultError,
)
from mockkms.vault.mounts import matching
from mockkms.vault.tokens.token import Token

if TYPE_CHECKING:
    from typing import Protocol

    from mockkms.vault.framework.context import Environment, Pipeline, WithNamespaces, WithSecondFactors, WithTokens

    class InlineServices(Environment, Pipeline, WithNamespaces, WithSecondFactors, WithTokens, Protocol):
        """What logging in within a request needs of the server."""


PATH = "X-Vault-Inline-Auth-Path"
FAILED = "X-Vault-Inline-Auth-Failed"
_OPERATION = "X-Vault-Inline-Auth-Operation"
_NAMESPACE = "X-Vault-Inline-Auth-Namespace"
_PARAMETER = "x-vault-inline-auth-parameter-"
_LOGINS = (Operation.CREATE, Operation.UPDATE, Operation.READ)


def log_in(core: InlineServices, request: Request) -> Token | Response:
    """Perform the login, set the token of ``request`` and return it, or return the login's answer if it has no token.

    Raises VaultError: the login's own error, marked by a header, or the fault in the headers.
    """
    with error_context(raised=_failed):
        inner = _login(core, request)
    request.mfa = {}
    try:
        response = core.pass_on(inner)
    except VaultError as error:
        raise _login_error(error, login=matching.match(core, inner.namespace, inner.path).login) from None
    auth = response.auth
    if auth is None:
        response.headers[FAILED] = "true"
        return response
    if auth.mfa_requirement:
        core.mfa.take_login(str(auth.mfa_requirement["mfa_request_id"]))
        raise _failed(
            "unable to perform inline authentication with login MFA; use the X-Vault-MFA header to specify MFA "
            "information on the inline auth request"
        )
    request.token = auth.client_token
    token = core.tokens.lookup(auth.client_token)
    assert token is not None
    return token


def refuse_lease(response: Response) -> None:
    """Raise VaultError for an answer that would outlive its token."""
    if response.lease is not None and response.lease.registered:
        raise VaultError("requests with inline authentication cannot generate leases", status=500)


def _login_error(error: VaultError, *, login: bool) -> VaultError:
    """Return what answers the request for an error of its login, which is sent to a path for logins or another one."""
    if isinstance(error, NotFound):
        return _failed("specified authentication path was not found", 404)
    if isinstance(error, ErrorResponse) and not (login and isinstance(error, PermissionDenied)):
        error.headers[FAILED] = "true"
        return error
    return _failed("; ".join(error.errors), error.status)


def _failed(text: str, status: int = 500) -> VaultError:
    return VaultError(f"failed to perform inline authentication: {text}", status=status)


def _login(core: InlineServices, request: Request) -> Request:
    """Return the login that the headers describe. Raises ValueError."""
    headers = request.headers
    paths = _values(headers, PATH)
    if len(paths) != 1:
        raise ValueError(f"expected exactly one value for {PATH}")
    if request.token:
        raise ValueError("cannot layer inline authentication with token authentication")
    operations = _values(headers, _OPERATION) or ["update"]
    if len(operations) != 1:
        raise ValueError(f"expected exactly one value for {_OPERATION}")
    if operations[0] not in _LOGINS:
        raise ValueError(f"expected a valid login operation in {_OPERATION}")
    namespaces = _values(headers, _NAMESPACE) or [headers.get("X-Vault-Namespace", "")]
    if len(namespaces) > 1:
        raise ValueError(f"expected at most one value for {_NAMESPACE}")
    if core.namespaces.locate(namespaces[0], paths[0])[0] is None:
        raise ValueError("inline auth namespace was not found")
    return Request(
        Operation(operations[0]),
        paths[0],
        data=dict(_parameters(headers)),
        namespace=namespaces[0],
        headers={name: value for name, value in headers.items() if not name.lower().startswith("x-vault-inline-auth-")},
        remote_address=request.remote_address,
        remote_port=request.remote_port,
        mfa=request.mfa,
    )


def _values(headers: Mapping[str, str], name: str) -> list[str]:
    wanted = name.lower()
    return [value for known, value in headers.items() if known.lower() == wanted]


def _parameters(headers: Mapping[str, str]) -> Iterator[tuple[str, object]]:
    seen: set[str] = set()
    for name, value in headers.items():
        lowered = name.lower()
        if not lowered.startswith(_PARAMETER):
            continue
        if lowered in seen:
            raise ValueError("expected exactly one value for each auth header parameter")
        seen.add(lowered)
        yield _parameter(value)


def _parameter(value: str) -> tuple[str, object]:
    with error_context(text="failed raw url-safe base64 decoding header value"):
        text = b64.decode_raw_url(value)
    try:
        found = read_json(text)
    except ValueError:
        found = ""
    found = {} if found is None else found
    if not isinstance(found, dict):
        raise ValueError("failed json decoding header value")
    for word in ("key", "value"):
        if word not in found:
            raise ValueError(f"decoded header lacked `{word}` field")
    if not isinstance(found["key"], str):
        raise ValueError("decoded header had incorrect type for `key` field")
    if len(found) != 2:
        raise ValueError("unexpected field in decoded request parameter")
    return found["key"], found["value"]
