"""The gateway of proxy mode: requests are forwarded to a real server, except those that rules answer."""

from __future__ import annotations

import asyncio
from time import perf_counter

from mockkms.faults import View
from mockkms.recording.writer import Recorder
from mockkms.server.gateway.exchange import HttpReply, HttpRequest
from mockkms.server.gateway.fault_layer import FaultLayer
from mockkms.server.gateway.gateway import Gateway
from mockkms.server.gateway.request_views import unasked, wire_target
from mockkms.server.proxy.learned import Learned
from mockkms.server.proxy.upstream import UPSTREAM_HEADER, Upstream
from mockkms.server.proxy.upstream_view import asks_for_a_token, namespace_of, view_from_outside
from mockkms.vault.framework.message import Request
from mockkms.world.journal.entry import Entry
from mockkms.world.world import World

DECIDED = "decided upstream"
"""The rule of the policy decision in the journal: the real server decides."""


class ProxyGateway(Gateway):
    """Forwards all requests, except those to the control API and those that rules answer."""

    forwards = True

    def __init__(
        self, world: World, upstream: Upstream, learned: Learned | None = None, recorder: Recorder | None = None
    ) -> None:
        super().__init__(world)
        self._recorder = recorder
        self.upstream = upstream
        self._learned = Learned() if learned is None else learned
        self.layer = FaultLayer(world, self.ask, self, self.look)

    def of(self, world: World) -> Gateway:
        """Return a gateway for another world in front of the same server."""
        return ProxyGateway(world, self.upstream, self._learned, self._recorder)

    async def close(self) -> None:
        """Close the connections to the server."""
        await self.upstream.close()

    async def ask(self, http: HttpRequest) -> HttpReply:
        """Return the real server's response, with the properties for the journal."""
        now, started = self.world.clock.now(), perf_counter()
        try:
            reply = await self.upstream.ask(http)
        except asyncio.CancelledError:
            if self._recorder is not None:
                self._recorder.skip("a request whose client left before the answer")
            raise
        seconds = perf_counter() - started
        view = self.look(self.world, http)
        if view.service == "vault":
            token = http.header_facts.token
            self._learned.learn(view, namespace_of(http), token, reply.status, reply.body)
        reply.request = self._recorded(view, reply)
        if self._recorder is not None:
            self._keep(self._recorder, http, view, reply, now, seconds)
        return reply

    def _keep(
        self, recorder: Recorder, http: HttpRequest, view: View, reply: HttpReply, now: float, seconds: float
    ) -> None:
        """Append the request and the server's own answer, before any rule changes it, to the recording."""
        if UPSTREAM_HEADER in reply.headers:
            recorder.skip(f"a request without an answer: {reply.headers[UPSTREAM_HEADER]}")
            return
        entry = Entry(
            now, view.service, http.method, wire_target(http), http.headers, http.body, reply.request, reply.status,
            reply.body, seconds,
        )  # fmt: skip
        recorder.add(entry, [*reply.headers.items(), *reply.repeated], streamed=reply.rest is not None)

    def look(self, world: World, http: HttpRequest) -> View:
        """Return the view of a request for the rules."""
        return view_from_outside(world, http, self._learned)

    def _recorded(self, view: View, reply: HttpReply) -> Request | None:
        request = unasked(view)
        if request is None or UPSTREAM_HEADER in reply.headers:
            return request
        trace = request.trace
        if view.token and view.target.startswith("/v1/") and asks_for_a_token(self.world, view.mount, view.path):
            trace.rule = DECIDED
            # An unknown token is refused with another message.
            trace.denied = reply.status == 403 and b"1 error occurred" in reply.body
        waits = [text for name, text in reply.headers.items() if name.lower() == "retry-after"]
        if waits:
            trace.headers = {"Retry-After": waits[0]}
        return request
