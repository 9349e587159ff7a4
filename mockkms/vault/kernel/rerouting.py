"""Requests about a token or lease of another namespace: they are answered in that namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockkms.vault.framework.message import ErrorResponse, Request

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context

_OF_CALLER = frozenset(
    (
        "sys/wrapping/lookup", "sys/wrapping/rewrap", "sys/wrapping/unwrap",
        "auth/token/lookup-self", "auth/token/renew-self", "auth/token/revoke-self",
    )
)  # fmt: skip
"""Go to the namespace of the token that asks."""
_OF_TOKEN = frozenset(("auth/token/lookup", "auth/token/renew", "auth/token/revoke", "auth/token/revoke-orphan"))
"""Go to the namespace of the token in the body."""
_OF_LEASE = ("sys/leases/lookup", "sys/leases/renew", "sys/leases/revoke")
_TOKEN_PREFIXES = ("s.", "b.", "hvs.", "hvb.")


def reroute(core: Context, request: Request) -> None:
    """Set ``request.namespace`` to the one of the token or lease.

    Raises ErrorResponse for an id that is not a string.
    """
    if not core.state.namespaces.items:
        return
    path = request.path
    target: str | None = None
    if path in _OF_CALLER:
        target = _of_caller(core, request)
    elif path in _OF_TOKEN:
        token = request.data.get("token")
        if token is None:
            target = _of_caller(core, request) if path == "auth/token/lookup" else None
        elif not isinstance(token, str):
            raise ErrorResponse("invalid token", status=403)
        else:
            target = core.namespaces.by_id(ending(token)) if ending(token) else None
    elif path.startswith(_OF_LEASE):
        lease_id = _lease(request)
        target = core.namespaces.by_id(ending(lease_id)) if ending(lease_id) else None
    if target is not None:
        request.namespace = request.trace.namespace = target


def _of_caller(core: Context, request: Request) -> str | None:
    token = core.tokens.lookup(request.token)
    return None if token is None else token.namespace


def _lease(request: Request) -> str:
    given = request.data.get("lease_id")
    if given is None:
        parts = request.path.split("/", 3)
        return parts[3] if len(parts) == 4 else ""
    if not isinstance(given, str):
        raise ErrorResponse("invalid lease ID")
    return given


def ending(full_id: str) -> str:
    """Return the namespace's short id at the end of a token or lease id; empty for the root namespace."""
    prefix = next((p for p in _TOKEN_PREFIXES if full_id.startswith(p)), "")
    last = full_id[len(prefix) :] if prefix else full_id[full_id.rfind("/") + 1 :]
    return last[last.rfind(".") + 1 :] if "." in last else ""
