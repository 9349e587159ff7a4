"""``/t/<id>/…``: the gateways of tenants.

A fault that acts on the server affects its tenant only: connections are cut if they carry a request of the tenant, and
while the port is closed its requests are reset, because the port is shared.
"""

from __future__ import annotations

from time import monotonic
from typing import Protocol

from mockkms.faults.plan import Cut, Plan
from mockkms.faults.request_view import Reply, View
from mockkms.server import web
from mockkms.server.gateway.actions import Host, Ports
from mockkms.server.gateway.exchange import HttpRequest, error_reply
from mockkms.server.gateway.fault_layer import FaultLayer
from mockkms.server.gateway.own_connection import cut
from mockkms.server.gateway.sleepers import Sleepers
from mockkms.server.tenants.tenants import TenantError, Tenants
from mockkms.server.wire.raw import WireAnswer
from mockkms.server.wire.responses import plain
from mockkms.world.world import World

TENANT_PREFIX = "/t/"


class TenantGateway(Host, Protocol):
    """The gateway of a tenant's world."""

    @property
    def layer(self) -> FaultLayer: ...
    async def serve(self, http: HttpRequest, aio: web.BaseRequest) -> web.StreamResponse: ...


class Owner(Protocol):
    """The gateway of the server's own world, which makes those of tenants."""

    def for_tenant(self, world: World, ports: Ports) -> TenantGateway: ...


class _Ports:
    """The server's ports, as faults of a tenant affect them."""

    def __init__(self) -> None:
        self.carrying: dict[int, web.BaseRequest] = {}
        """Current requests by their ``id()``."""
        self.closed_until = self.deaf_until = 0.0

    def cut_all(self) -> None:
        """Abort the connections that carry requests of this tenant."""
        for aio in self.carrying.values():
            cut(aio.transport)

    def refuse(self, seconds: float) -> None:
        """Reset all requests for ``seconds``."""
        self.closed_until = monotonic() + seconds
        self.cut_all()

    def deaf(self, seconds: float) -> None:
        """Leave all requests without a response for ``seconds``."""
        self.deaf_until = monotonic() + seconds

    def listen_again(self) -> None:
        """End ``refuse`` and ``deaf`` early."""
        self.closed_until = self.deaf_until = 0.0

    @property
    def closed(self) -> bool:
        """Whether requests are reset now."""
        return monotonic() < self.closed_until


class TenantGateways:
    """Finds or makes the gateways of tenants. On the server's thread only."""

    def __init__(self, tenants: Tenants, owner: Owner) -> None:
        self.tenants = tenants
        self._owner = owner
        self._gateways: dict[str, tuple[World, TenantGateway, _Ports]] = {}

    async def serve(self, http: HttpRequest, aio: web.BaseRequest) -> web.StreamResponse:
        """Answer a request whose target starts with ``/t/``."""
        name, slash, rest = http.target[len(TENANT_PREFIX) :].partition("/")
        try:
            world = self.tenants.enter(name)
        except TenantError as error:
            return plain(error_reply(error.status, f"mockkms: {error}"))
        gateway, ports = self._gateway(name, world)
        http.prefix, http.target = http.prefix + TENANT_PREFIX + name, slash + rest or "/"
        if not http.sheltered:
            ports.carrying[id(aio)] = aio
        try:
            if ports.closed and not http.sheltered:
                return _unanswered(Cut("reset"), gateway.layer.sleepers)
            if monotonic() < ports.deaf_until and not http.sheltered:
                return _unanswered(Cut("hang", limit=ports.deaf_until - monotonic()), gateway.layer.sleepers)
            return await gateway.serve(http, aio)
        finally:
            ports.carrying.pop(id(aio), None)
            self.tenants.leave(name)

    def host_of(self, tenant_id: str) -> tuple[World, Host]:
        """Return the world of a tenant, and the server as its actions affect it. Raises TenantError."""
        world = self.tenants.world(tenant_id)
        return world, self._gateway(tenant_id, world)[0]

    def _gateway(self, tenant_id: str, world: World) -> tuple[TenantGateway, _Ports]:
        known = self._gateways.get(tenant_id)
        if known is None or known[0] is not world:
            # Worlds of tenants that were dropped are not kept in memory any longer.
            self._gateways = {name: kept for name, kept in self._gateways.items() if self.tenants.holds(name, kept[0])}
            ports = _Ports()
            known = self._gateways[tenant_id] = (world, self._owner.for_tenant(world, ports), ports)
        return known[1], known[2]


def _unanswered(cut: Cut, sleepers: Sleepers) -> web.StreamResponse:
    return WireAnswer(Plan(View(), cut=cut), Reply(0), sleepers, sleepers.resets)
