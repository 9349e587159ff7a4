"""Token and lease ids in the body that the real server examines before authentication: form and namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockkms.vault.framework.message import ErrorResponse, Request
from mockkms.vault.products.features import Feature

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context

_TOKENS = frozenset(("auth/token/lookup", "auth/token/renew", "auth/token/revoke", "auth/token/revoke-orphan"))
_LEASES = frozenset(("sys/leases/lookup", "sys/leases/renew", "sys/leases/revoke"))

_OWN = frozenset(("auth/token/lookup-self", "auth/token/renew-self", "auth/token/revoke-self"))
_WRAPPING = frozenset(("sys/wrapping/lookup", "sys/wrapping/unwrap", "sys/wrapping/rewrap"))

_PREFIXES = ("", "s", "b", "hvs", "hvb")
"""Texts before the first dot of a token that does not name a namespace."""


def settle_namespace(core: Context, request: Request) -> None:
    """Move a request about a token or lease to that token's or lease's namespace, whichever it was sent to."""
    path = request.path
    if not core.product.has(Feature.NAMESPACES) or not path.startswith(("auth/token/", "sys/wrapping/", "sys/leases/")):
        return
    if path in _OWN or path in _WRAPPING or (path == "auth/token/lookup" and "token" not in request.data):
        token = core.tokens.lookup(request.token) if request.token else None
        if token is not None:
            request.namespace = token.namespace
        return
    named = ""
    if path in _TOKENS:
        named = str(request.data.get("token", ""))
    elif path.startswith("sys/leases/"):
        named = _lease_id(request)
    front, _, suffix = named.rpartition(".")
    namespace = core.namespaces.by_id(suffix) if suffix and front not in _PREFIXES else None
    if namespace is not None:
        request.namespace = namespace


def _lease_id(request: Request) -> str:
    given = request.data.get("lease_id")
    if given is not None:
        return str(given)
    for prefix in ("sys/leases/renew/", "sys/leases/revoke/"):
        if request.path.startswith(prefix):
            return request.path.removeprefix(prefix)
    return ""


def check_ids(request: Request) -> None:
    """Raise ErrorResponse for a token (403) or a lease id (400) that is not a string."""
    path = request.path
    if path in _TOKENS:
        if "token" in request.data and not isinstance(request.data["token"], str):
            raise ErrorResponse("invalid token", status=403)
    elif path in _LEASES or path.startswith(("sys/leases/renew/", "sys/leases/revoke/")):
        given = request.data.get("lease_id")
        if given is not None and not isinstance(given, str):
            raise ErrorResponse("invalid lease ID")
