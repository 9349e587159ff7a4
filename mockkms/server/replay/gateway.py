"""The gateway of replays: requests are answered from a recording, others by the emulated server or with an error."""

from __future__ import annotations

import base64
from collections.abc import Awaitable
from dataclasses import replace

from multidict import CIMultiDict

from mockkms.faults import View
from mockkms.faults.script import UNEXPECTED_STATUS
from mockkms.recording.exchange import Body, Exchange
from mockkms.recording.player import Player
from mockkms.recording.reader import Recording, section_of
from mockkms.recording.redacting import json_bytes, request_of
from mockkms.recording.unify import filled
from mockkms.server.gateway.exchange import HttpReply, HttpRequest, error_reply
from mockkms.server.gateway.fault_layer import FaultLayer
from mockkms.server.gateway.gateway import Gateway
from mockkms.server.gateway.request_views import service_of, unasked, view_of, wire_target
from mockkms.server.proxy.learned import Learned
from mockkms.server.proxy.upstream_view import namespace_of, view_from_outside
from mockkms.vault.framework.message import Operation, Request
from mockkms.world.journal.entry import Entry
from mockkms.world.world import World

REPLAY_HEADER = "X-Mockkms-Replay"
"""Header of answers by mockkms itself: ``unrecorded``, or ``left-out`` where the recording lacks the body."""
REPLAYED = "recorded"
"""The rule of the policy decision in the journal: the recorded server decided."""

_TOKEN_HEADERS = ("x-vault-token", "authorization")


class ReplayGateway(Gateway):
    """Answers from a recording. A reset of the world starts it from its beginning."""

    def __init__(self, world: World, recording: Recording, *, fallback: bool) -> None:
        super().__init__(world)
        self.recording, self.fallback = recording, fallback
        # The recorded server has decided which pages may use it.
        self.forwards = not fallback
        self._player = Player(recording, "" if recording.sections.keys() - {""} else None)
        self._resets = world.resets
        self._learned = Learned()
        self.layer = FaultLayer(world, self.answer, self, view_of if fallback else self._look)

    def of(self, world: World) -> Gateway:
        """Return a gateway for another world, which plays the recording from its beginning."""
        return ReplayGateway(world, self.recording, fallback=self.fallback)

    def play(self, section: str) -> None:
        """Answer from a section of the recording, from its beginning; from the whole if it has no sections."""
        if self.recording.sections.keys() - {""}:
            self._player = Player(self.recording, section_of(self.recording, section))

    def answer(self, http: HttpRequest) -> HttpReply | Awaitable[HttpReply]:
        """Return the recorded answer; without one that of the emulated server, or an error."""
        if self._resets != self.world.resets:
            self._resets = self.world.resets
            self._player.restart()
        # Only what ``request_of`` reads: the operation does not matter.
        sent = Request(Operation.READ, "", token=http.header_facts.token)
        entry = Entry(
            0.0, service_of(http), http.method, wire_target(http), http.headers, http.body, sent, 0, b"", 0.0
        )  # fmt: skip
        try:
            question = request_of(entry)
            found = self._player.play(question)
        except RecursionError:
            found, question = None, None
        if found is not None:
            return self._played(http, found)
        if self.fallback:
            return super().answer(self._with_own_token(http))
        why = self._player.why_not(question) if question is not None else "mockkms: the body is nested too deeply"
        return self._refused(http, why, "unrecorded")

    def _played(self, http: HttpRequest, exchange: Exchange) -> HttpReply:
        answer = exchange.answer
        if answer.body.kind == "left out":
            why = "; ".join(exchange.left_out)
            text = f"mockkms: {exchange.request.line} was recorded without its answer: {why}"
            return self._refused(http, text, "left-out")
        headers: dict[str, str] = {}
        repeated: list[tuple[str, str]] = []
        for name, text in answer.headers:
            shown = str(filled(text, self._player.secrets.value))
            if name in headers:
                repeated.append((name, shown))
            else:
                headers[name] = shown
        reply = HttpReply(answer.status, self._body(answer.body), headers, repeated=tuple(repeated))
        view = view_from_outside(self.world, http, self._learned)
        if view.service == "vault":
            token = http.header_facts.token
            self._learned.learn(view, namespace_of(http), token, reply.status, reply.body)
        reply.request = self._recorded(view, exchange)
        return reply

    def _body(self, body: Body) -> bytes:
        if body.kind == "base64":
            return base64.b64decode(str(body.value))
        value = filled(body.value, self._player.secrets.value)
        if body.kind == "json":
            return json_bytes(value, body.end)
        return str(value).encode("utf-8", "replace") if body.kind == "text" else b""

    def _recorded(self, view: View, exchange: Exchange) -> Request | None:
        request = unasked(view)
        if request is not None and view.token:
            request.trace.rule = REPLAYED
            request.trace.denied = exchange.answer.status == 403
        return request

    def _refused(self, http: HttpRequest, why: str, kind: str) -> HttpReply:
        reply = error_reply(UNEXPECTED_STATUS, why)
        reply.headers[REPLAY_HEADER] = kind
        request = unasked(view_from_outside(self.world, http, self._learned))
        if request is not None:
            request.trace.unhandled, request.trace.hint = True, why
            reply.request = request
        return reply

    def _look(self, world: World, http: HttpRequest) -> View:
        return view_from_outside(world, http, self._learned)

    def _with_own_token(self, http: HttpRequest) -> HttpRequest:
        """Return a request with the root token in place of a token of the recording.

        A client that got its token from the recording could not do anything in the emulated server otherwise.
        """
        token = http.header_facts.token
        world = self.world
        if not token or not self._player.secrets.knows(token) or world.core.tokens.lookup(token) is not None:
            return http
        others = {name: text for name, text in http.headers.items() if name.lower() not in _TOKEN_HEADERS}
        headers = CIMultiDict({**others, "X-Vault-Token": world.root_token})
        return replace(http, headers=headers, memo=[], decoded=None)
