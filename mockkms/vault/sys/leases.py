"""``sys/leases``: looking up, listing, renewing and revoking leases."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.folders import children
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response, refusing
from mockkms.vault.framework.storage_keys import refuse_relative
from mockkms.vault.golang.integers import parse_int
from mockkms.vault.products.features import Feature
from mockkms.vault.sys.engine import engine
from mockkms.vault.tokens.lease import LeaseEntry
from mockkms.world.clock import rfc3339

_MOST = 10_000
"""Irrevocable leases in one response by default."""
_LEASE_ID = Field(Kind.STRING, help="Id of the lease.")
_SYNC = Field(Kind.BOOL, default=True, help="Respond when the revocation is complete.")
_URL_ID = {"url_lease_id": Field(Kind.STRING, help="Id of the lease, in the path.")}
_INCREMENT = Field(Kind.SECONDS, help="Requested lifetime in seconds, from now.")
_PREFIX = {"prefix": Field(Kind.STRING, help="Path prefix of the lease ids.")}
_IRREVOCABLE = {
    "type": Field(Kind.STRING, query=True, help="Type of the leases: `irrevocable`."),
    "include_child_namespaces": Field(Kind.BOOL, query=True, help="Include child namespaces."),
}

listing = engine.path("leases/lookup/{prefix:all}", _PREFIX, sudo=True, help="Lease ids below a path.")
lookup = engine.path("leases/lookup", {"lease_id": _LEASE_ID}, help="When a lease was issued and when it expires.")
_RENEW = {**_URL_ID, "lease_id": _LEASE_ID, "increment": _INCREMENT}
_REVOKE = {**_URL_ID, "lease_id": _LEASE_ID, "sync": _SYNC}
_BELOW = {**_PREFIX, "sync": _SYNC}

renew = engine.path("leases/renew[/{url_lease_id:some}]", _RENEW, help="Renew a lease.")
revoke = engine.path("leases/revoke[/{url_lease_id:some}]", _REVOKE, help="Revoke a lease.")
revoke_force = engine.path(
    "leases/revoke-force/{prefix:some}",
    _PREFIX,
    sudo=True,
    help="Revoke all leases below a path, ignoring errors of engines.",
)
revoke_prefix = engine.path(
    "leases/revoke-prefix/{prefix:some}", _BELOW, sudo=True, help="Revoke all leases below a path."
)
_OLD = Feature.OLD_LEASE_PATHS
_OLD_HELP = "Former path of the endpoint below leases/."
old_renew = engine.path("renew[/{url_lease_id:some}]", _RENEW, help=_OLD_HELP, needs=_OLD)
old_revoke = engine.path("revoke[/{url_lease_id:some}]", _REVOKE, help=_OLD_HELP, needs=_OLD)
old_force = engine.path("revoke-force/{prefix:some}", _PREFIX, sudo=True, help=_OLD_HELP, needs=_OLD)
old_prefix = engine.path("revoke-prefix/{prefix:some}", _BELOW, sudo=True, help=_OLD_HELP, needs=_OLD)
tidy = engine.path("leases/tidy", help="Clean up after expired leases.")
count = engine.path("leases/count", _IRREVOCABLE, help="Number of leases that could not be revoked, by mount.")
irrevocable = engine.path(
    "leases",
    {
        **_IRREVOCABLE,
        "limit": Field(Kind.STRING, query=True, help="Largest number of leases to show; `none` shows all."),
    },
    sudo=True,
    help="The leases that could not be revoked.",
    go_errors=True,
)


def _id(call: Call) -> str:
    lease_id: str = call["lease_id"] or call["url_lease_id"]
    if not lease_id:
        raise ErrorResponse("lease_id must be specified")
    _check(call, lease_id)
    return lease_id


def _check(call: Call, lease_id: str) -> None:
    with refusing(of=BackendError):
        refuse_relative(call.core.product, lease_id, f"failed to read lease entry {lease_id}: ")


@listing.on(Operation.LIST)
def list_leases(_state: object, call: Call) -> dict[str, object]:
    """Return the ids of leases directly below a prefix, and the folders there."""
    prefix: str = call["prefix"]
    if prefix and not prefix.endswith("/"):
        prefix += "/"
    namespace = call.request.namespace
    return {"keys": children((entry.id for entry in call.core.leases.below(prefix, namespace)), prefix)}


@lookup.on(Operation.UPDATE)
def lookup_lease(_state: object, call: Call, *, lease_id: str) -> dict[str, object]:
    """Return the properties of a lease. Raises ErrorResponse."""
    leases = call.core.leases
    if not lease_id:
        raise ErrorResponse("lease_id must be specified")
    _check(call, lease_id)
    entry = leases.get(lease_id, call.request.namespace)
    if entry is None:
        raise ErrorResponse("invalid lease")
    data: dict[str, object] = {
        "id": entry.id,
        "issue_time": rfc3339(entry.issued),
        "expire_time": rfc3339(entry.expires) if entry.expires else None,
        "last_renewal": rfc3339(entry.last_renewal) if entry.last_renewal else None,
        "ttl": leases.ttl_left(entry),
        "renewable": leases.renewable(entry),
    }
    if call.core.product.has(Feature.LEASE_DETAILS):
        data["path"] = entry.path
        if entry.namespace:
            data["namespace_path"] = entry.namespace
        if entry.revoke_error:
            data["revoke_error"] = entry.revoke_error
    return data


@old_renew.on(Operation.UPDATE)
@renew.on(Operation.UPDATE)
def renew_lease(_state: object, call: Call, *, increment: int) -> Response | None:
    """Renew the lease of a secret, and return its new lifetime. Raises ErrorResponse."""
    leases = call.core.leases
    entry = leases.get(_id(call), call.request.namespace)
    refusal = leases.refusal(entry)
    if refusal:
        raise ErrorResponse(refusal)
    assert entry is not None
    if entry.auth is not None:
        raise ErrorResponse("tokens cannot be renewed through this endpoint")
    with refusing(of=BackendError):
        return leases.renew(entry, increment)


def _done(call: Call) -> Response | None:
    return None if call["sync"] else Response(raw=b"", status=202)


@old_revoke.on(Operation.UPDATE)
@revoke.on(Operation.UPDATE)
def revoke_lease(_state: object, call: Call, *, sync: bool) -> Response | None:
    """Revoke a lease; succeed if it does not exist. Raises ErrorResponse if its engine fails, with ``sync``."""
    leases = call.core.leases
    entry = leases.get(_id(call), call.request.namespace)
    if entry is not None and not sync:
        leases.revoke_quietly(entry)
    elif entry is not None:
        with refusing(of=BackendError):
            leases.revoke(entry)
    return _done(call)


@old_prefix.on(Operation.UPDATE)
@revoke_prefix.on(Operation.UPDATE)
def revoke_below(_state: object, call: Call, *, prefix: str, sync: bool) -> Response | None:
    """Revoke all leases below a prefix. Raises ErrorResponse if an engine fails, with ``sync``."""
    call.core.leases.revoke_prefix(call.request.namespace, prefix, wait=sync)
    return _done(call)


@old_force.on(Operation.UPDATE)
@revoke_force.on(Operation.UPDATE)
def force_below(_state: object, call: Call, *, prefix: str) -> None:
    """Revoke all leases below a prefix, also those whose engine fails."""
    call.core.leases.revoke_prefix(call.request.namespace, prefix, force=True)


@tidy.on(Operation.UPDATE)
def tidy_leases(_state: object, call: Call) -> Response:
    """Change nothing, as no lease is left behind here; 202 with a warning that points to the logs."""
    return Response(status=202, warnings=[call.core.product.texts.tidy_started])


def _irrevocable(call: Call) -> list[tuple[str, LeaseEntry]] | None:
    if str(call["type"]).lower() != "irrevocable":
        return None
    core, own = call.core, call.request.namespace
    spaces = [own]
    if call["include_child_namespaces"]:
        spaces += [child.path for child in core.namespaces.children(own, recursive=True)]
    found = []
    for entry in (entry for space in spaces for entry in core.leases.irrevocable(space)):
        mount = core.state.mounts.match(entry.namespace, entry.path)
        found.append((mount.accessor if mount is not None else "mount-accessor-not-found", entry))
    return found


@count.on(Operation.READ)
def count_irrevocable(_state: object, call: Call) -> dict[str, object] | None:
    """Return the number of irrevocable leases, and that of each mount by its accessor."""
    found = _irrevocable(call)
    if found is None:
        return None
    counts: dict[str, int] = {}
    for accessor, _ in found:
        counts[accessor] = counts.get(accessor, 0) + 1
    return {"lease_count": len(found), "counts": counts}


@irrevocable.on(Operation.READ)
def list_irrevocable(_state: object, call: Call, *, limit: str) -> Response | None:
    """Return the irrevocable leases, at most ``limit``, with the errors of their engines. Raises ErrorResponse."""
    found = _irrevocable(call)
    if found is None:
        return None
    most = _limit(str(limit), len(found))
    shown = [{"lease_id": e.id, "mount_id": accessor, "error": e.revoke_error} for accessor, e in found[:most]]
    warnings = []
    if most < len(found):
        warnings = ["Command halted because many irrevocable leases were found. To emit the entire list, re-run the "
                    "command with force set true."]  # fmt: skip
    return Response(data={"lease_count": len(shown), "leases": shown}, warnings=warnings)


def _limit(text: str, everything: int) -> int:
    if not text:
        return _MOST
    if text.lower() == "none":
        return everything
    with refusing("invalid 'limit' provided: ", BackendError):
        most = parse_int(text, "Atoi")
    if most < 1:
        raise BackendError("limit must be 'none' or a positive integer")
    return most
