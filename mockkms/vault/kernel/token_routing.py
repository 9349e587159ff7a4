"""Requests about a token or a lease: the form of the ids they name, and the namespaces in which they are answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockkms.vault.framework.message import ErrorResponse, Request
from mockkms.vault.products.features import Feature

if TYPE_CHECKING:
    from typing import Protocol

    from mockkms.vault.framework.context import Environment, WithNamespaces, WithTokens

    class RoutingServices(Environment, WithNamespaces, WithTokens, Protocol):
        """What finding the namespace of a token needs of the server."""


_OF_CALLER = frozenset(
    (
        "sys/wrapping/lookup", "sys/wrapping/rewrap", "sys/wrapping/unwrap",
        "auth/token/lookup-self", "auth/token/renew-self", "auth/token/revoke-self",
    )
)  # fmt: skip
"""Go to the namespace of the token that asks."""
_OF_TOKEN = frozenset(("auth/token/lookup", "auth/token/renew", "auth/token/revoke", "auth/token/revoke-orphan"))
"""Go to the namespace of the token in the body."""
_TOKEN_PREFIXES = ("s.", "b.", "hvs.", "hvb.")
_LEASE_IDS = frozenset(("sys/leases/lookup", "sys/leases/renew", "sys/leases/revoke"))
_LEASES_BY_PATH = ("sys/leases/renew/", "sys/leases/revoke/")
"""Have the lease id in the path if the body has none."""
_PLAIN_FRONTS = ("", "s", "b", "hvs", "hvb")
"""Texts before the first dot of a token that does not name a namespace."""


def reroute(core: RoutingServices, request: Request) -> None:
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
    elif path in _LEASE_IDS or path.startswith(_LEASES_BY_PATH):
        lease_id = _lease(request)
        if not isinstance(lease_id, str):
            raise ErrorResponse("invalid lease ID")
        target = core.namespaces.by_id(ending(lease_id)) if ending(lease_id) else None
    if target is not None:
        request.namespace = request.trace.namespace = target


def _of_caller(core: RoutingServices, request: Request) -> str | None:
    token = core.tokens.lookup(request.token)
    return None if token is None else token.namespace


def _lease(request: Request) -> object:
    """Return the lease id in the body, of whatever type, else the one in the path; empty without one."""
    given = request.data.get("lease_id")
    if given is not None:
        return given
    folder = next((folder for folder in _LEASES_BY_PATH if request.path.startswith(folder)), request.path)
    return request.path.removeprefix(folder)


def ending(full_id: str) -> str:
    """Return the namespace's short id at the end of a token or lease id; empty for the root namespace."""
    prefix = next((p for p in _TOKEN_PREFIXES if full_id.startswith(p)), "")
    last = full_id[len(prefix) :] if prefix else full_id[full_id.rfind("/") + 1 :]
    return last[last.rfind(".") + 1 :] if "." in last else ""


def settle_namespace(core: RoutingServices, request: Request) -> None:
    """Move a request about a token or lease to that token's or lease's namespace, whichever it was sent to."""
    path = request.path
    if not core.product.has(Feature.NAMESPACES) or not path.startswith(("auth/token/", "sys/wrapping/", "sys/leases/")):
        return
    if path in _OF_CALLER or (path == "auth/token/lookup" and "token" not in request.data):
        token = core.tokens.lookup(request.token) if request.token else None
        if token is not None:
            request.namespace = token.namespace
        return
    named = ""
    if path in _OF_TOKEN:
        named = str(request.data.get("token", ""))
    elif path.startswith("sys/leases/"):
        named = str(_lease(request))
    front, _, suffix = named.rpartition(".")
    namespace = core.namespaces.by_id(suffix) if suffix and front not in _PLAIN_FRONTS else None
    if namespace is not None:
        request.namespace = namespace


def check_ids(request: Request) -> None:
    """Raise ErrorResponse for a token (403) or a lease id (400) that is not a string."""
    path = request.path
    if path in _OF_TOKEN:
        if "token" in request.data and not isinstance(request.data["token"], str):
            raise ErrorResponse("invalid token", status=403)
    elif path in _LEASE_IDS or path.startswith(_LEASES_BY_PATH):
        given = request.data.get("lease_id")
        if given is not None and not isinstance(given, str):
            raise ErrorResponse("invalid lease ID")
