"""The view of a request for the fault rules: what it says, and what the world knows of its mount, key and token.

The latter is looked up only if a rule needs it. In proxy mode and replays ``proxy/upstream_view.py`` makes the views.
"""

from __future__ import annotations

from mockkms.faults import View
from mockkms.faults.request_view import Facts, named_in
from mockkms.rustfs import ADMIN_PREFIXES
from mockkms.server.gateway import codec
from mockkms.server.gateway.exchange import HttpRequest, RequestRefused
from mockkms.vault.framework.engine import Match
from mockkms.vault.framework.message import Operation, Request, operation_of_method
from mockkms.vault.kernel.core import Core
from mockkms.vault.kernel.node import node_status
from mockkms.vault.mounts import matching
from mockkms.world.journal.entry import admin_key, short_path
from mockkms.world.world import World


def unasked(view: View) -> Request | None:
    """Return a request that did not reach the core, with its known properties, for the journal."""
    if view.service != "vault":
        return None
    facts = view.facts
    request = Request(Operation(view.operation), view.path, token=facts.token, namespace=facts.namespace)
    trace = request.trace
    trace.mount, trace.namespace, trace.accessor = facts.mount, facts.namespace, facts.accessor
    trace.policies, trace.endpoint = [*facts.policies], facts.endpoint
    return request


def service_of(http: HttpRequest) -> str:
    """Return ``rustfs`` for the admin API, ``vault`` for everything else."""
    return "rustfs" if http.target.startswith(ADMIN_PREFIXES) else "vault"


def wire_target(http: HttpRequest) -> str:
    """Return path and query as received."""
    return f"{http.target}?{http.query}" if http.query or http.bare_mark else http.target


def view_of(world: World, http: HttpRequest) -> View:
    """Return the view of a request for the rules; expensive properties are computed on demand."""
    service, target = service_of(http), wire_target(http)
    core = world.core

    def facts() -> Facts:
        asked = _decoded(core, http, service)
        if asked is None:
            key = admin_key(target, http.body) if service == "rustfs" else ""
            return Facts(key=key, token=http.header_facts.token)
        return facts_of(core, asked)

    def operation() -> str:
        asked = _decoded(core, http, service)
        if asked is None:
            return str(operation_of_method(http.method))
        return matching.operation_sent(core, asked, _match(core, asked)[1])

    return View(
        service, http.method, short_path(service, target), target, http.headers, http.body,
        operation=operation, facts=facts, server=lambda: node_status(core),
    )  # fmt: skip


def _decoded(core: Core, http: HttpRequest, service: str) -> Request | None:
    """Return the Vault request, decoded once for rules and server; None for other services and invalid requests."""
    if service != "vault":
        return None
    try:
        return codec.request_of(core, http)
    except RequestRefused:
        return None


def _match(core: Core, request: Request) -> tuple[str, Match]:
    namespace, path = core.namespaces.locate(request.namespace, request.path)
    return namespace or "", matching.match(core, namespace or "", path)


def facts_of(core: Core, request: Request) -> Facts:
    """Return mount, key, namespace and token of a request, without side effects."""
    namespace, found = _match(core, request)
    token = core.tokens.lookup(request.token) if request.token else None
    facts = Facts(
        mount=found.mount.path if found.mount is not None else "",
        mount_type=found.mount.type if found.mount is not None else "",
        namespace=namespace,
        token=request.token,
        accessor=token.accessor if token is not None else "",
        policies=tuple(token.policies) if token is not None else (),
    )
    if found.endpoint is not None:
        facts.endpoint = found.endpoint.template
        facts.key = named_in(found.endpoint.template, found.below)
    return facts
