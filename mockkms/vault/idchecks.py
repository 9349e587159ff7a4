"""Token and lease ids in bodies that the real server looks at before it knows who asks."""

from __future__ import annotations

from mockkms.vault.message import ErrorResponse, Request

_TOKENS = frozenset(("auth/token/lookup", "auth/token/renew", "auth/token/revoke", "auth/token/revoke-orphan"))
_LEASES = frozenset(("sys/leases/lookup", "sys/leases/renew", "sys/leases/revoke"))


def check_ids(request: Request) -> None:
    """Raises ErrorResponse for a token (403) or a lease id (400) that is no text."""
    path = request.path
    if path in _TOKENS:
        if "token" in request.data and not isinstance(request.data["token"], str):
            raise ErrorResponse("invalid token", status=403)
    elif path in _LEASES or path.startswith(("sys/leases/renew/", "sys/leases/revoke/")):
        given = request.data.get("lease_id")
        if given is not None and not isinstance(given, str):
            raise ErrorResponse("invalid lease ID")
