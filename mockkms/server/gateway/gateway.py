"""The handler of all ports: it chooses the service of a request and returns its response."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Protocol
from urllib.parse import unquote
from uuid import uuid4

from mockkms.outside.turn import Abandoned, keeping_turns, taking_turns
from mockkms.rustfs import ADMIN_PREFIXES, AdminRequest
from mockkms.server import web
from mockkms.server.control.api import Control
from mockkms.server.control.routing import CONTROL_PREFIX
from mockkms.server.gateway import bodies, codec, ui
from mockkms.server.gateway.actions import Host, Ports
from mockkms.server.gateway.browsers import is_loopback, with_cors
from mockkms.server.gateway.exchange import (
    HttpReply,
    HttpRequest,
    RequestRefused,
    error_reply,
)
from mockkms.server.gateway.fault_layer import FaultLayer
from mockkms.server.gateway.own_connection import own_connection
from mockkms.server.gateway.target import SNAPSHOT
from mockkms.server.gateway.threads import LARGE, Threads
from mockkms.server.tenants.gateway import TENANT_PREFIX, TenantGateways
from mockkms.server.tenants.tenants import Tenants
from mockkms.server.wire.responses import plain
from mockkms.vault.framework.message import Request, Response
from mockkms.vault.kernel.core import Core
from mockkms.vault.mounts.matching import may_wait
from mockkms.vault.products.features import Feature
from mockkms.world.world import World


class WorldLock(Protocol):
    """The world's lock, or what stands for it."""

    def acquire(self, blocking: bool = True) -> bool:
        """Acquire the lock; return whether it is held now."""

    def release(self) -> None:
        """Release the lock."""


Later = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
"""Answers a request that could not be answered at once."""
_HEALTH = "/v1/sys/health"
TENANTS_OF_A_TENANT = 16
"""Maximum number of tenants that a tenant has."""


async def _awaited(remainder: Callable[[], Awaitable[web.StreamResponse]], aio: web.BaseRequest) -> web.StreamResponse:
    return await remainder()


def may_take_long(core: Core, request: Request, size: int) -> bool:
    """Return whether a request may wait for another server, or compute for long."""
    policies = core.policies
    if request.path.startswith(SNAPSHOT):
        return True
    return may_wait(core, request, size) or (policies.large and policies.takes_long(core.tokens.lookup(request.token)))


_ANSWERED_HERE = (
    "config/state/", "host-info", "init", "seal-status", "seal", "unseal", "leader", "health", "monitor", "metrics",
    "pprof/", "in-flight-req", "storage/raft/bootstrap", "storage/raft/join", "internal/ui/feature-flags",
)  # fmt: skip
"""Paths below ``sys/`` that every node answers itself, also where forwarding is asked for."""


def _not_forwarded(core: Core, http: HttpRequest) -> HttpReply | None:
    """Return the refusal of a request that asks to be forwarded to the active node; None where it is ignored."""
    if not core.product.has(Feature.FORWARDING_REFUSED):
        return None
    path = http.target[len("/v1/sys/") :] if http.target.startswith("/v1/sys/") else ""
    if path in _ANSWERED_HERE or path.startswith(tuple(name for name in _ANSWERED_HERE if name.endswith("/"))):
        return None
    reply = error_reply(400, f"forwarding via header {http.header_facts.forwarding} disabled in configuration")
    if http.header_facts.namespace:
        reply.headers["X-Vault-Namespace"] = http.header_facts.namespace
    return reply


def abandoned_reply() -> HttpReply:
    """Return the response to a request that came before the world was replaced, and would change the new one."""
    return error_reply(503, "mockkms: the world was reset or restored while this request waited")


class Gateway:
    """Serves one world."""

    forwards = False
    """Whether another server decides: requests are forwarded to it, or were recorded from it."""
    forwards_by_header = False
    """Whether a request may ask to be forwarded to the active node."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.threads: Threads | None = Threads()
        """Threads for requests that may wait; None: every request is answered on the calling thread."""
        self._brief = Threads()
        self.host: Ports | None = None
        """The server that owns the ports; None before it is made."""
        self.layer = FaultLayer(world, self.answer, self)
        self.tenants = Tenants(world)
        self.control = Control(world, self, self.tenants)
        self.control.threads = self.threads
        self.browsers = self.control.browsers
        self._tenant_gateways: TenantGateways | None = TenantGateways(self.tenants, self)
        self._of_a_tenant = False

    def of(self, world: World) -> Gateway:
        """Return a gateway of the same kind for another world."""
        return Gateway(world)

    def is_control(self, target: str) -> bool:
        """Return whether a target is one of the control API, a tenant's included."""
        while target.startswith(TENANT_PREFIX):
            target = "/" + target[len(TENANT_PREFIX) :].partition("/")[2]
        return target.startswith(CONTROL_PREFIX)

    async def close(self) -> None:
        """Close open connections when the server stops."""

    def host_of(self, tenant_id: str) -> tuple[World, Host]:
        """Return the world of a tenant, or this one for no id, and the server as its actions affect it."""
        if not tenant_id or self._tenant_gateways is None:
            return self.world, self
        return self._tenant_gateways.host_of(tenant_id)

    def for_tenant(self, world: World, ports: Ports) -> Gateway:
        """Return a gateway for a tenant's world, with the same access rules of the control API.

        A tenant of the server has a few tenants of its own, so that a test does not notice that its server is one.
        """
        gateway = self.of(world)
        gateway.host, gateway.tenants.limit = ports, TENANTS_OF_A_TENANT
        gateway._of_a_tenant = True
        if self._of_a_tenant:
            gateway._tenant_gateways = gateway.control.tenants = None
        gateway.control.token, gateway.control.anywhere = self.control.token, self.control.anywhere
        gateway.control.browsers = gateway.browsers = self.browsers
        return gateway

    def start(self, http: HttpRequest) -> HttpReply | Later:
        """Answer a request of any service, or return a function that answers it if that may take time."""
        target = http.target
        if target.startswith(TENANT_PREFIX) and self._tenant_gateways is not None:
            return partial(self._tenant_gateways.serve, http)
        if http.header_facts.of_a_browser and is_loopback(http.local_address):
            refused = self.browsers.refusal(self.world.core, target, http.headers, forwarded=self.forwards)
            if refused is not None:
                self.layer.record_refused(http, refused)
                return refused
        if target.startswith(CONTROL_PREFIX):
            return partial(self._controlled, http)
        found = self.layer.start(http)
        return found if isinstance(found, HttpReply) else partial(_awaited, found)

    async def serve(self, http: HttpRequest, aio: web.BaseRequest) -> web.StreamResponse:
        """Answer a request of any service."""
        found = self.start(http)
        if isinstance(found, HttpReply):
            return plain(found)
        return await found(aio)

    async def _controlled(self, http: HttpRequest, aio: web.BaseRequest) -> web.StreamResponse:
        with own_connection(aio.transport) as own:
            answer = await self.control.serve(http)
        if own.ends:
            answer.force_close()
        return answer

    def cut_all(self) -> None:
        """Abort every connection of the server, that of a request to the control API after its response."""
        if self.host is not None:
            self.host.cut_all()

    def refuse(self, seconds: float) -> None:
        """Close the ports for ``seconds``."""
        if self.host is not None:
            self.host.refuse(seconds)

    def deaf(self, seconds: float) -> None:
        """Do not read from new connections for ``seconds``."""
        if self.host is not None:
            self.host.deaf(seconds)

    def listen_again(self) -> None:
        """End ``refuse`` and ``deaf`` early."""
        if self.host is not None:
            self.host.listen_again()

    def step_down(self) -> None:
        """Do nothing: a single server refuses rules with this action."""

    def reset(self) -> None:
        """Return the state to the baseline; rules, counts and journal stay."""
        self.world.reset(keep_faults=True)

    def answer(self, http: HttpRequest) -> HttpReply | Awaitable[HttpReply]:
        """Return the response of the service, without faults; an awaitable if it may have to wait."""
        target = http.target
        if target.startswith("/v1/"):
            return with_cors(self.world.core, http, self.vault)
        if target.startswith(ADMIN_PREFIXES):
            return self.rustfs(http)
        reply = ui.pages(self.world.core, http)
        codec.echo_namespace(http, reply)
        return reply

    def earlier(self, http: HttpRequest, snapshot: str) -> HttpReply:
        """Return the response of the world at a snapshot, without changes. Raises FaultError for an unknown name."""
        with self.world.lock:
            world = self.world.earlier(snapshot)
            # Namespace, operation and match were resolved in this world: the other one must decode the request itself.
            past = self.of(world)
            past.threads = None
            reply = past.answer(replace(http, decoded=None))
            assert isinstance(reply, HttpReply)
            self.world.entropy.restore(world.entropy.state())
        return reply

    def vault(self, http: HttpRequest) -> HttpReply | Awaitable[HttpReply]:
        """Answer a request below ``/v1/``."""
        core = self.world.core
        if http.header_facts.forwarding and not self.forwards_by_header:
            refused = _not_forwarded(core, http)
            if refused is not None:
                return refused
        turn = self.turn()
        large = len(http.body) + len(http.target) + len(http.query) > LARGE
        if self.threads is None:
            turn.acquire()
        elif large or not turn.acquire(blocking=False):
            if http.target == _HEALTH and not large and not http.body:
                return self._health(http, turn)
            still = self.same_world()
            if large:
                return self.threads.run(lambda: self._slowly(http, turn, still))
            return self._after_others(self.threads, http, turn, still)
        try:
            self.admit(http, turn)
            request = codec.admitted(core, http)
            if self.threads is not None and may_take_long(core, request, len(http.body)):
                still = self.same_world()
                return self.threads.run(lambda: self._slowly(http, turn, still))
            response = self.handle(http, request)
        except RequestRefused as refused:
            return refused.reply
        finally:
            turn.release()
        return self._replied(http, request, response)

    def turn(self) -> WorldLock:
        """Return the lock that a request holds while it is answered, made for the request that arrived last."""
        return self.world.lock

    def admit(self, http: HttpRequest, turn: WorldLock) -> None:
        """Raise RequestRefused for a request that is not for this server's core. The lock is held."""

    def handle(self, http: HttpRequest, request: Request) -> Response:
        """Return the core's response. The lock is held."""
        return self.world.core.handle(request)

    def health(self, request: Request, turn: WorldLock) -> Response:
        """Return the response of ``sys/health`` while another thread holds the lock. It changes no state."""
        request.id = str(uuid4())  # The world's own source of ids is in use.
        return self.world.core.handle(request)

    def _health(self, http: HttpRequest, turn: WorldLock) -> HttpReply:
        """Answer the health check without the world's lock, which another thread holds."""
        try:
            request = codec.request_of(self.world.core, http)
        except RequestRefused as refused:
            return refused.reply
        return self._replied(http, request, self.health(request, turn))

    def same_world(self) -> Callable[[], bool]:
        """Return a function that returns whether the world was neither reset nor restored since now."""
        core, state = self.world.core, self.world.core.state
        return lambda: core.state is state

    async def _after_others(
        self, threads: Threads, http: HttpRequest, turn: WorldLock, still: Callable[[], bool]
    ) -> HttpReply:
        """Answer a request that found the world in use: on a thread that requests which may take long never have."""
        reply = await self._brief.run(lambda: self._shortly(http, turn, still))
        return reply if reply is not None else await threads.run(lambda: self._slowly(http, turn, still))

    def _shortly(self, http: HttpRequest, turn: WorldLock, still: Callable[[], bool]) -> HttpReply | None:
        """Answer a request once the world is free; None for one that may take long."""
        core = self.world.core
        try:
            with keeping_turns(turn, still):
                self.admit(http, turn)
                request = codec.admitted(core, http)
                if may_take_long(core, request, len(http.body)):
                    return None
                response = self.handle(http, request)
        except RequestRefused as refused:
            return refused.reply
        except Abandoned:
            return abandoned_reply()
        return self._replied(http, request, response)

    def _slowly(self, http: HttpRequest, turn: WorldLock, still: Callable[[], bool]) -> HttpReply:
        """Answer a request on its own thread, which releases the world while it waits."""
        core = self.world.core
        try:
            with taking_turns(turn, still):
                self.admit(http, turn)
                request = codec.admitted(core, http)
                request.apart = True
                response = self.handle(http, request)
        except RequestRefused as refused:
            return refused.reply
        except Abandoned:
            return abandoned_reply()
        return self._replied(http, request, response)

    def _replied(self, http: HttpRequest, request: Request, response: Response) -> HttpReply:
        if response.flat and (not http.target.startswith("/v1/sys/") or request.escaped):
            # The real server repeats the data at the top level only for URLs without a namespace before sys/.
            response.flat = not request.escaped and unquote(http.target).startswith("/v1/sys/")
        reply = codec.to_reply(self.world.core, request, response)
        if reply.rest is not None and (http.whole or self.threads is None):
            # A rule changes the whole response, or a snapshot answers: without the lines that follow.
            reply.rest.close()
            reply.rest = None
        return reply

    def too_large(self, target: str, beginning: bytes) -> HttpReply:
        """Return the response to a request whose body exceeds the limit, given the part that was read."""
        reply = bodies.beyond_limits(self.world.core, beginning, cut=True) if target.startswith("/v1/") else None
        if reply is None:
            reply = error_reply(413, bodies.TOO_LARGE)
            del reply.headers["Cache-Control"], reply.headers["Strict-Transport-Security"]
        return reply

    def rustfs(self, http: HttpRequest) -> HttpReply | Awaitable[HttpReply]:
        """Answer a request of the RustFS admin API."""
        lock = self.world.lock
        if self.threads is None:
            lock.acquire()
        elif len(http.body) > LARGE or not lock.acquire(blocking=False):
            still = self.same_world()
            return self.threads.run(lambda: self._rustfs_slowly(http, still))
        try:
            return self._rustfs(http)
        finally:
            lock.release()

    def _rustfs_slowly(self, http: HttpRequest, still: Callable[[], bool]) -> HttpReply:
        try:
            with keeping_turns(self.world.lock, still):
                return self._rustfs(http)
        except Abandoned:
            return abandoned_reply()

    def _rustfs(self, http: HttpRequest) -> HttpReply:
        asked = AdminRequest(http.method, http.target, http.query, http.headers, http.body, http.prefix)
        reply = self.world.rustfs.handle(asked)
        return HttpReply(reply.status, reply.body, dict(reply.headers))
