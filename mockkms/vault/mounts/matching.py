"""Routing: the endpoint of a request, found once and read by the pipeline, the fault rules and the journal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from mockkms.vault.framework import registry
from mockkms.vault.framework.cache_bounds import LONGEST_CACHED, MOST_CACHED
from mockkms.vault.framework.engine import Match, Prepared
from mockkms.vault.framework.message import ErrorResponse, Operation, Request
from mockkms.vault.mounts.table import Mount

if TYPE_CHECKING:
    from typing import Protocol

    from mockkms.vault.framework.context import Context, Environment, WithNamespaces

    class RoutedServices(Environment, WithNamespaces, Protocol):
        """What routing a request of any namespace needs of the server."""


_REVOKING = ("sys/leases/", "sys/mounts/", "auth/token/revoke")
"""Beginnings of paths that may revoke leases of any mount."""


def match(core: Environment, namespace: str, path: str) -> Match:
    """Return which endpoint answers ``path`` of ``namespace``; cached until a mount changes."""
    matches = core.state.mounts.matches
    key = (namespace, path, core.product.name)
    known: Match | None = matches.get(key)
    if known is None:
        known = _match(core, path, core.state.mounts.match(namespace, path))
        if len(matches) >= MOST_CACHED:
            matches.clear()
        if len(namespace) + len(path) <= LONGEST_CACHED:
            matches[key] = known
    return known


def match_system(core: Environment, path: str) -> Match:
    """Return which endpoint of the system backend answers ``path``, also where nothing is mounted yet."""
    found = match(core, "", path)
    return found if found.mount is not None else _match(core, path, Mount("sys/", "system", "", "", None))


def _match(core: Environment, path: str, mount: Mount | None) -> Match:
    if mount is None:
        return Match(None, None, "", None, {}, False, False, sys.maxsize)
    product, engine, below = core.product, registry.engine(mount.engine or mount.type), path[len(mount.path) :]
    endpoint, captures = engine.route(below, product) or (None, {})
    # Below the path of a namespace, endpoints outside the core are routed here; they require no token there either.
    login = endpoint is not None and (endpoint.outside or endpoint.is_login(product))
    sudo = engine.needs_sudo(below, endpoint, product)
    return Match(mount, engine, below, endpoint, captures, login, sudo, engine.slow_from(below))


def outside(core: Environment, path: str) -> Match | None:
    """Return the match of an endpoint that the real server answers before its core; None for every other path."""
    if not path.startswith("sys/"):
        return None
    found = match_system(core, path)
    return found if found.endpoint is not None and found.endpoint.outside else None


def may_wait(core: RoutedServices, request: Request, size: int) -> bool:
    """Return whether a request may have to wait for another server, or takes long to compute.

    ``size``: bytes of its body.
    """
    state, namespace, path = core.state, request.namespace, request.path
    mounts = state.mounts
    if namespace or state.namespaces.items:
        located, path = core.namespaces.locate(namespace, path)
        namespace = located or ""
    found = mounts.matches.get((namespace, path, core.product.name)) or match(core, namespace, path)
    if size >= found.slow_from:
        return True
    engine = found.engine
    if engine is not None and engine.takes_long is not None:
        assert found.mount is not None
        if engine.takes_long(found.mount.state, request, found.captures, core.clock.now):
            return True
    if mounts.waits is None:
        mounts.waits = any(registry.bare_engine(name).waits for name in mounts.index.engines)
    if not mounts.waits:
        return False
    # Due leases are revoked before the request is answered. Revoking one of a database runs statements there.
    due = state.leases.due
    return (bool(due) and due[0][0] <= core.clock.now()) or path.startswith(_REVOKING)


def exists(core: Context, request: Request, found: Match) -> bool | None:
    """Return whether the target of a write exists, by its endpoint's existence check; None without such a check.

    Raises ErrorResponse, with the existence check's text, for a parameter that cannot be converted.
    """
    endpoint, mount = found.endpoint, found.mount
    if endpoint is None or mount is None or endpoint.exists is None:
        return None
    prepared = request.prepared
    if not isinstance(prepared, Prepared) or prepared.match is not found:
        request.prepared = prepared = Prepared(found, *endpoint.call(core, mount, request, found.captures, ""))
    return endpoint.exists(mount.state, prepared.call)


def operation_sent(core: Context, request: Request, found: Match) -> str:
    """Return the operation by its capability's name, before any decision; ``create`` if the target does not exist.

    Nothing is changed or counted. A write whose parameters cannot be converted is an ``update``.
    """
    if request.operation is not Operation.UPDATE:
        return str(request.operation)
    try:
        return "create" if exists(core, request, found) is False else "update"
    except ErrorResponse:
        return "update"
