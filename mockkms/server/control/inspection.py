"""Routes of the control API that show the contents of a world, for the inspector. They change nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from mockkms.faults.kinds import KINDS
from mockkms.server.control.routing import FLAG, ControlError, ControlRequest, route
from mockkms.vault.framework import registry
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.message import Operation, Request, VaultError
from mockkms.vault.kernel.core import Core
from mockkms.vault.mounts.matching import match
from mockkms.vault.mounts.table import Mount
from mockkms.vault.tokens.lease import LeaseEntry
from mockkms.vault.tokens.token import Token
from mockkms.world.clock import rfc3339
from mockkms.world.world import World

MINUTES = 60
"""Length of the overview's series of requests."""
MOST_SHOWN = 1000
"""Tokens, leases and keys of a list; the response says how many there are."""

_LISTED = re.compile(r"([\w/-]*)(?:\[/\]|\{path:.*\})?")
"""Templates of paths that list: with a folder's name before an optional slash or a path."""

Shown = dict[str, object]


@route("GET", "inspect", "Contents of the world: counts, requests per minute, seal, clock, next expiry")
def overview(request: ControlRequest) -> Shown:
    """Return the facts of the inspector's first page."""
    world = request.world
    with world.lock:
        world.overdue()
        core, now = world.core, world.clock.now()
        product, state = core.product, core.state
        mounts = [mount for mount in state.mounts.entries.values() if not mount.is_auth]
        expiries = [lease.expires for lease in state.leases.items.values() if lease.expires]
        return {
            "mode": world.mode,
            "upstream": world.upstream,
            "product": product.texts.product,
            "flavor": product.name,
            "version": product.version,
            "seal": world.mode if world.upstream else core.seal.status,
            "requests": world.journal.total,
            "per_minute": _per_minute(world, now),
            "counts": {
                "mounts": len(mounts),
                "auth methods": len(state.mounts.entries) - len(mounts),
                "tokens": len(state.tokens.by_id),
                "leases": sum(lease.auth is None for lease in state.leases.items.values()),
                "policies": len(state.policies.acl),
                "namespaces": len(state.namespaces.items),
                "fault rules": len(world.faults.list()),
                "snapshots": len(world.snapshots),
            },
            "clock": {"now": rfc3339(now), "seconds": now, "frozen": world.clock.frozen},
            "next_expiry": min(expiries, default=None),
            "redact": world.journal.redact,
            "chaos": world.faults.chaos.phase,
        }


def _per_minute(world: World, now: float) -> list[int]:
    """Return the number of requests of each minute up to ``now``, the latest last, by the world's clock."""
    counts = [0] * MINUTES
    for entry in world.journal.entries():
        ago = int((now - entry.time) // 60)
        if 0 <= ago < MINUTES:
            counts[MINUTES - 1 - ago] += 1
    return counts


@route("GET", "inspect/mounts", "Secrets engines and auth methods, with the folders that can be read")
def mounts(request: ControlRequest) -> Shown:
    """Return the mount table. The paths of auth methods start with ``auth/``."""
    with request.world.lock:
        core = request.world.core
        found = [_mount(core, mount) for mount in core.state.mounts.entries.values()]
    return {"mounts": sorted(found, key=lambda mount: (str(mount["namespace"]), str(mount["path"])))}


def _mount(core: Core, mount: Mount) -> Shown:
    return {
        "namespace": mount.namespace,
        "path": mount.path,
        "type": mount.type,
        "version": (mount.options or {}).get("version", ""),
        "accessor": mount.accessor,
        "description": mount.description,
        "default_lease_ttl": mount.config.default_lease_ttl,
        "max_lease_ttl": mount.config.max_lease_ttl,
        "folders": _folders(registry.engine(mount.engine or mount.type), core),
    }


def _folders(engine: Engine, core: Core) -> list[str]:
    """Return the folders below a mount that can be listed, and read without side effects."""
    if engine.kind == "system":
        return []
    found = dict.fromkeys(
        known[1].rstrip("/")
        for endpoint in engine.endpoints
        if Operation.LIST in endpoint.operations and endpoint.known_to(core.product)
        if (known := _LISTED.fullmatch(endpoint.template)) is not None
    )
    return list(found)


@route(
    "GET",
    "inspect/data",
    "Read or list (list=true) a path below a mount's folders: path, namespace",
    query={"path": (), "namespace": (), "list": FLAG},
)
def data(request: ControlRequest) -> Shown:
    """Return the data of the response, or null without any; policies do not apply. 400 for another path."""
    path, namespace = request.query.get("path", ""), request.query.get("namespace", "")
    listing = request.query.get("list") == "true"
    with request.world.lock:
        core = request.world.core
        if core.seal.status != "unsealed":
            raise ControlError(409, f"the server is {core.seal.status}")
        found = match(core, namespace, path)
        folders = _folders(found.engine, core) if found.engine is not None else []
        if found.mount is None or found.engine is None or not _may_browse(folders, found.below):
            raise ControlError(400, f"{path!r} cannot be read; GET inspect/mounts lists the folders of each mount")
        operation = Operation.LIST if listing else Operation.READ
        vault_request = Request(operation, path, namespace=namespace, client=Token("", "", ["root"]))
        try:
            response = found.engine.dispatch(core, vault_request, found)
        except VaultError as error:
            if error.status == 404:
                return {"data": error.data}
            raise ControlError(error.status, "; ".join(error.errors) or "the server refuses this path") from None
        return {"data": response.plain_data() if response is not None else None}


def _may_browse(folders: Iterable[str], below: str) -> bool:
    return any(not folder or below == folder or below.startswith(folder + "/") for folder in folders)


@route("GET", "inspect/kinds", "Fault kinds with their help texts and an example value each")
def kinds(request: ControlRequest) -> Shown:
    """Return the fault kinds that this server can produce, in alphabetical order."""
    denied = request.world.faults.denied
    found = [
        {"word": word, "help": kind.help, "example": kind.example} for word, kind in KINDS.items() if word not in denied
    ]
    return {"kinds": found}


@route("GET", "inspect/tokens", "Service tokens with their parents, without their ids")
def tokens(request: ControlRequest) -> Shown:
    """Return at most 1,000 tokens, the oldest first, and the number of all."""
    with request.world.lock:
        request.world.overdue()
        core = request.world.core
        state, now = core.state.tokens, core.clock.now()
        shown = [_token(core, token, now) for token in islice(state.by_id.values(), MOST_SHOWN)]
        return {"tokens": shown, "total": len(state.by_id)}


def _token(core: Core, token: Token, now: float) -> Shown:
    state = core.state
    lease = state.leases.items.get(token.lease_id)
    parent = state.tokens.by_id.get(token.parent)
    return {
        "accessor": token.accessor,
        "parent": parent.accessor if parent is not None else "",
        "display_name": token.display_name,
        "policies": token.policies,
        "path": token.path,
        "type": token.type,
        "role": token.role,
        "namespace": token.namespace,
        "entity_id": token.entity_id,
        "created": rfc3339(token.creation_time),
        "remaining": _remaining(lease, now),
        "uses_left": token.num_uses or None,
    }


def _remaining(lease: LeaseEntry | None, now: float) -> float | None:
    """Return the seconds until a lease ends; None: it never does."""
    return max(0.0, lease.expires - now) if lease is not None and lease.expires else None


@route("GET", "inspect/leases", "Leases of secrets with their remaining time, the next to end first")
def leases(request: ControlRequest) -> Shown:
    """Return at most 1,000 leases and the number of all."""
    with request.world.lock:
        request.world.overdue()
        core = request.world.core
        now = core.clock.now()
        found = [lease for lease in core.state.leases.items.values() if lease.auth is None]
        found.sort(key=lambda lease: (lease.expires or float("inf"), lease.id))
        return {"leases": list(_leases(core, found[:MOST_SHOWN], now)), "total": len(found)}


def _leases(core: Core, found: list[LeaseEntry], now: float) -> Iterator[Shown]:
    for lease in found:
        token = core.state.tokens.by_id.get(lease.token)
        yield {
            "lease_id": lease.id,
            "namespace": lease.namespace,
            "accessor": token.accessor if token is not None else "",
            "issued": rfc3339(lease.issued),
            "expires": lease.expires or None,
            "remaining": _remaining(lease, now),
            "renewable": lease.renewable,
        }


@route("GET", "inspect/policies", "ACL policies with their texts")
def policies(request: ControlRequest) -> Shown:
    """Return the policies of all namespaces."""
    with request.world.lock:
        acl = request.world.core.state.policies.acl
        return {
            "policies": [
                {"namespace": namespace, "name": name, "text": policy.text}
                for (namespace, name), policy in sorted(acl.items())
            ]
        }
