"""Applies fault plans to the server's responses and writes the journal.

Without rules, this layer costs one check of a flag and one journal entry per request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from time import perf_counter
from urllib.parse import quote

from mockkms.faults import FaultError, Plan, Reply, View
from mockkms.faults.plan import BEFORE_ANY_BYTE
from mockkms.faults.script import UNEXPECTED_STATUS
from mockkms.server import web
from mockkms.server.gateway.actions import Host, carry_out
from mockkms.server.gateway.exchange import HttpReply, HttpRequest, error_reply
from mockkms.server.gateway.request_views import service_of, unasked, view_of, wire_target
from mockkms.server.gateway.sleepers import Sleepers
from mockkms.server.proxy.streaming import PassedOn
from mockkms.server.wire.raw import WireAnswer
from mockkms.server.wire.responses import PlainResponse, plain
from mockkms.vault.framework.message import Request
from mockkms.world.journal.entry import Entry
from mockkms.world.world import World

Answer = Callable[[HttpRequest], HttpReply | Awaitable[HttpReply]]
Remainder = Callable[[], Awaitable[web.StreamResponse]]
"""The rest of a request that could not be answered at once."""
Look = Callable[[World, HttpRequest], View]
FAULT_HEADER = "X-Mockkms-Fault"
_PLAIN = " !#$&'()*+-./:;<=>?@[]^_`{|}~"
"""Characters besides letters and digits that are not escaped in the names of rules; a comma separates names."""


class FaultLayer:
    """Applies the fault rules of one world to every request and records it in the journal.

    ``look`` returns the view of a request for the rules; the default derives it from the world.
    """

    def __init__(self, world: World, answer: Answer, host: Host, look: Look | None = None) -> None:
        self.world = world
        self.sleepers = Sleepers(world.clock, lambda: world.resets)
        self._answer = answer
        self._host = host
        self._look = look or view_of
        world.overdue = self._overdue

    def start(self, http: HttpRequest) -> HttpReply | Remainder:
        """Answer a request, with the faults of matching rules; return the remaining work if it may take time."""
        world = self.world
        started = perf_counter()
        if world.faults.active and not world.faults.ignores(service_of(http), http.target):
            view = self._look(world, http)
            self._due(view)
            # Before the decision: what moves the clock, or resets the world, after it ends the waits that it starts.
            now, resets = world.clock.now(), self.sleepers.resets
            plan = world.faults.before(view)
            http.phase = world.faults.chaos.phase
            if plan is not None:
                return partial(self._around, http, plan, started, now, resets)
        now = world.clock.now()
        asked = self._answer(http)
        if isinstance(asked, HttpReply) and asked.rest is None:
            self._passed(http, asked, asked.body, "", now, started)
            return asked
        return partial(self._finish, asked, http, now, started)

    async def _finish(
        self, asked: HttpReply | Awaitable[HttpReply], http: HttpRequest, now: float, started: float
    ) -> web.StreamResponse:
        reply = asked if isinstance(asked, HttpReply) else await self._waited(asked, http, now, started)
        if reply.rest is not None:
            return PassedOn(reply, reply.rest, partial(self._streamed, http, reply, now, started))
        self._passed(http, reply, reply.body, "", now, started)
        return plain(reply)

    def record_refused(self, http: HttpRequest, reply: HttpReply) -> None:
        """Record a request that was refused before any rule or service saw it."""
        self.world.journal.record(Entry(
            self.world.clock.now(), service_of(http), http.method, wire_target(http), http.headers, http.body, None,
            reply.status, reply.body, 0.0,
        ))  # fmt: skip

    def _streamed(
        self, http: HttpRequest, reply: HttpReply, now: float, started: float, body: bytes, cut: str, why: str
    ) -> None:
        """Record a response that was streamed, and why it is incomplete."""
        reply.body = body
        if why and reply.request is not None:
            reply.request.trace.hint = f"the response was cut: {why}"
        self._passed(http, reply, body, cut, now, started)

    def _passed(self, http: HttpRequest, reply: HttpReply, body: bytes, cut: str, now: float, started: float) -> None:
        """Record a response that no rule changed."""
        entry = self.world.journal.record(Entry(
            now, service_of(http), http.method, wire_target(http), http.headers, http.body, reply.request,
            reply.status, body, self._since(now, started), cut=cut, phase=http.phase,
        ))  # fmt: skip
        if http.phase:
            self._count(entry)

    def _count(self, entry: Entry) -> None:
        self.world.faults.chaos.count(entry.phase, entry.rules, entry.status)

    async def _waited(self, asked: Awaitable[HttpReply], http: HttpRequest, now: float, started: float) -> HttpReply:
        """Wait for a response; a client that disconnects before it is recorded too."""
        try:
            return await asked
        except asyncio.CancelledError:
            plan = Plan(self._look(self.world, http))
            self._record(now, http, plan, None, None, started, "left")
            raise

    def _since(self, now: float, started: float) -> float:
        """Return the seconds a request took, by the world's clock if frozen, so that the journal is repeatable."""
        clock = self.world.clock
        return clock.now() - now if clock.frozen else perf_counter() - started

    def _due(self, view: View) -> None:
        for action in self.world.faults.due(self.world.clock.now()):
            carry_out(action, self.world, self._host, view)

    def _overdue(self) -> None:
        self._due(View())

    async def _around(
        self, http: HttpRequest, plan: Plan, started: float, now: float, resets: int
    ) -> web.StreamResponse:
        reply = HttpReply(0)
        try:
            for action in plan.server:
                if action.before:
                    carry_out(action, self.world, self._host, plan.view)
            await self.sleepers.sleep(plan.delay, now)
            reply = await self._reply(http, plan)
            await self.sleepers.sleep(plan.late)
            answer = Reply(reply.status, reply.body, dict(reply.headers))
            for edit in plan.edits:
                answer = edit(answer)
            repeated = _still_there(reply, answer.headers)
            if self.world.faults.header:
                answer.headers[FAULT_HEADER] = ", ".join(quote(rule, safe=_PLAIN) for rule in plan.rules)
        except asyncio.CancelledError:
            self._record(now, http, plan, reply.request, None, started, "left")
            raise
        sent = None if plan.raw is not None or (plan.cut and plan.cut.after == BEFORE_ANY_BYTE) else answer
        self._record(now, http, plan, reply.request, sent, started, plan.cut.how if plan.cut else "")
        for action in plan.server:
            if not action.before:
                carry_out(action, self.world, self._host, plan.view)
        if plan.on_wire:
            return WireAnswer(plan, answer, self.sleepers, resets, repeated)
        return PlainResponse(status=answer.status, body=answer.body, headers=answer.headers, repeated=repeated)

    async def _reply(self, http: HttpRequest, plan: Plan) -> HttpReply:
        """Return the response of the core or of the rule, with the Vault request if the core handled it."""
        http.whole = True
        asked = self._answer(http) if plan.asks_core else HttpReply(0)
        came = asked if isinstance(asked, HttpReply) else await asked
        if plan.answer is None and plan.snapshot:
            return self._earlier(http, plan, came)
        if plan.answer is None:
            return came
        return HttpReply(plan.answer.status, plan.answer.body, dict(plan.answer.headers), came.request)

    def _earlier(self, http: HttpRequest, plan: Plan, came: HttpReply) -> HttpReply:
        """Return the response of a snapshot, or an unmistakable error if the snapshot does not exist."""
        try:
            reply = self._host.earlier(http, plan.snapshot)
        except FaultError as error:
            plan.unexpected = f"mockkms: stale: {error}"
            reply = error_reply(UNEXPECTED_STATUS, plan.unexpected)
        reply.request = came.request or reply.request
        return reply

    def _record(
        self, now: float, http: HttpRequest, plan: Plan, request: Request | None, sent: Reply | None,
        started: float, cut: str,
    ) -> None:  # fmt: skip
        entry = self.world.journal.record(Entry(
            now, plan.view.service, http.method, wire_target(http), http.headers, http.body,
            request or unasked(plan.view), sent.status if sent else 0, sent.body if sent else b"",
            self._since(now, started), plan.rules, plan.words, cut, plan.unexpected,
            sent.headers.get("Retry-After", "") if sent else "", phase=http.phase,
        ))  # fmt: skip
        if http.phase:
            self._count(entry)


def _still_there(reply: HttpReply, headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the repeated header lines that no edit has changed or removed."""
    return tuple((name, text) for name, text in reply.repeated if headers.get(name) == reply.headers[name])
