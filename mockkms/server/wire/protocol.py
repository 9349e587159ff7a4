"""aiohttp's protocol for one connection, behind ``Framing``: the only module that uses aiohttp's private names.

``pyproject.toml`` has the range of versions of aiohttp with these names; ``tests/server/wire/test_aiohttp.py`` fails
for others.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler

from mockkms.server import web
from mockkms.server.gateway.exchange import HttpReply
from mockkms.server.wire.framing import UNEXPECTED_EOF, Framing, Note, Whole
from mockkms.server.wire.heads import MAX_HEAD
from mockkms.server.wire.responses import PlainResponse, plain_bytes

HEAD_SECONDS = 10.0
"""Seconds for a head, as the real server's ``http_read_header_timeout``; a slower connection is closed."""
REQUEST_SECONDS = 30.0
"""Seconds for head and body together, as its ``http_read_timeout``."""
IDLE_SECONDS = 300.0
"""Seconds between two requests, as its ``http_idle_timeout``."""
HALF_CLOSED_SECONDS = 0.05
"""Seconds between checks whether a client that closed its side still receives responses."""
PRIVATE = ("_loop", "_reading_paused", "_handle_request", "_waiter")
"""Private names of aiohttp's protocol that are used here."""
REQUEST_CODE = getattr(getattr(RequestHandler, "_handle_request", None), "__code__", None)
"""The coroutine of aiohttp's task for each request; None if a later version renames it."""
_NEVER = 365 * 86400.0
"""Seconds until aiohttp closes an idle connection: it does not see requests that are answered without it."""
Later = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
"""Answers a request that cannot be answered at once."""
Start = Callable[["Protocol", Whole], HttpReply | Later]
"""Answers a request at once, or returns a function that does."""
_LOG = logging.getLogger("mockkms.server")


class Protocol(RequestHandler):
    """Reads requests as Go does, within Go's time limits."""

    __slots__ = (
        "_began",
        "_deadline",
        "_encrypted",
        "_idle",
        "_last",
        "_starter",
        "_watch",
        "answered",
        "bypassed",
        "framing",
        "local",
        "peer",
        "reading",
        "started",
        "taken",
    )  # fmt: skip

    def __init__(self, manager: web.Server, start: Start | None = None, **options: Any) -> None:
        super().__init__(manager, **options)
        self._starter = start
        """Answers whole requests without aiohttp; None: aiohttp receives all requests."""
        self.started: Later | None = None
        """Answers the request that aiohttp receives now; None: the request is not started yet."""
        self.bypassed = 0
        """Number of requests answered without aiohttp."""
        self.local = ""
        """The address of this machine that the connection was made to; empty if it has no such address."""
        self.peer: tuple[str, int] = ("", 0)
        """Address and port of the client."""
        self.framing = Framing()
        self.taken = 0
        """Number of requests whose processing has started, refused ones included."""
        self.answered = 0
        """Number of requests with a response."""
        self.reading: StreamReader | None = None
        """The body that the current request waits for."""
        self._encrypted = False
        """Whether the connection uses TLS."""
        self._began = self._deadline = 0.0
        """Start of the current request, and the time by which it must be complete; 0: it is complete."""
        self._watch: asyncio.TimerHandle | None = None
        self._last = 0.0
        """Time of the last response."""
        self._idle: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start reading."""
        super().connection_made(transport)
        here, there = (transport.get_extra_info(name) for name in ("sockname", "peername"))
        self._encrypted = transport.get_extra_info("sslcontext") is not None
        if isinstance(here, tuple):
            self.local = str(here[0])
        if isinstance(there, tuple):
            self.peer = there[0], there[1]
        self._more_to_come()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Cancel timers and requests."""
        if self._watch is not None:
            self._watch.cancel()
        if self._idle is not None:
            self._idle.cancel()
        if self.reading is not None:
            # Who waits for the body is cancelled: the error that aiohttp would hand over would be reported as lost.
            self.reading.feed_eof()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Process received bytes; aiohttp calls this without bytes to continue with its buffer."""
        if data:
            framing = self.framing
            if self._starter is not None and framing.between and not framing.closed and self._waits():
                whole = framing.whole(data)
                if whole is not None:
                    self._deadline = 0.0
                    if not self._start(self._starter, whole):
                        super().data_received(whole.shown)
                    return
            data = framing.feed(data)
            if framing.closed or framing.between:
                self._deadline = 0.0
            else:
                self._more_to_come()
            if not data:
                return
        super().data_received(data)

    def _waits(self) -> bool:
        """Return whether aiohttp waits for a request, and the client reads what is written."""
        waiter = self._waiter
        if waiter is None:
            # Before its first request aiohttp may not have come to wait yet.
            return self.bypassed == self.framing.heads and not self.writing_paused
        return not waiter.done() and not self.writing_paused

    def _start(self, start: Start, whole: Whole) -> bool:
        """Answer a request without aiohttp; return False, with ``started`` set, if it cannot be answered at once."""
        try:
            found = start(self, whole)
        except Exception as error:  # noqa: BLE001 - answered by aiohttp, as what any handler raises
            self.started = _raising(error)
            return False
        if not isinstance(found, HttpReply):
            self.started = found
            return False
        self.taken += 1
        self.bypassed += 1
        if self.transport is not None:
            self.transport.write(plain_bytes(whole.method, found.status, found.body, found.headers, found.repeated))
        self.release()
        return True

    def eof_received(self) -> bool | None:  # type: ignore[override]  # asyncio lets a protocol keep the transport
        """Answer the requests that were complete when the client closed its side, then close the transport."""
        if self.transport is None or self._encrypted:
            return None
        self._stop_reading(UNEXPECTED_EOF)
        if self.answered == self.framing.heads:
            return None
        self._loop.call_later(HALF_CLOSED_SECONDS, self._half_closed, self.answered)
        return True

    def _half_closed(self, answered: int) -> None:
        if self.transport is None:
            return
        if self.answered in (answered, self.framing.heads):
            self.transport.close()
        else:
            self._loop.call_later(HALF_CLOSED_SECONDS, self._half_closed, self.answered)

    def resume_reading(self, *options: bool, **named: bool) -> None:
        """Continue after a body was read."""
        # After each body, aiohttp 3.14 has its parser look for buffered messages. If the parser has returned as many
        # messages as were sent there are none, and the look would cost a twentieth of a short request.
        given_out = getattr(self, "_request_count", -1) + self.bypassed
        if self._reading_paused or not self.framing.between or given_out != self.framing.heads:
            super().resume_reading(*options, **named)

    def take(self) -> Note | None:
        """Count a request whose processing starts; return the properties that aiohttp does not see."""
        self.taken += 1
        notes = self.framing.notes
        return notes.pop(self.taken, None) if notes else None

    def release(self) -> None:
        """Count a request with a response. The time limit of the next one starts now, when Go would read it."""
        self.answered += 1
        self._last = self._loop.time()
        if self._idle is None:
            self._idle = self._loop.call_at(self._last + IDLE_SECONDS, self._look_whether_idle)
        if self._deadline:
            self._deadline = 0.0
            self._more_to_come()

    @property
    def body_fault(self) -> str:
        """The error in the body of the current request; empty for a valid one."""
        return self.framing.fault if self.taken == self.framing.heads else ""

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Answer a request that aiohttp's parser refuses with Go's refusal, without a traceback in the log."""
        if status != 400:
            return super().handle_error(request, status, exc, message)
        _LOG.debug("refused by aiohttp's parser: %s", exc)
        refusal = PlainResponse(
            status=400, body=b"400 Bad Request", headers={"Content-Type": "text/plain; charset=utf-8"}
        )
        refusal.force_close()
        return refusal

    def _more_to_come(self) -> None:
        """Start the time limit of an incomplete request."""
        if not self._deadline:
            self._began = self._loop.time()
        self._deadline = self._began + (REQUEST_SECONDS if self.framing.in_body else HEAD_SECONDS)
        if self._watch is not None and self._watch.when() > self._deadline:
            self._watch.cancel()
            self._watch = None
        if self._watch is None:
            self._watch = self._loop.call_at(self._deadline, self._look)

    def _look(self) -> None:
        self._watch = None
        if not self._deadline or self.transport is None:
            return
        if self.answered < self.framing.heads - self.framing.in_body:
            # Go reads a request only after the earlier ones are answered.
            self._deadline = 0.0
            self._more_to_come()
        elif self._loop.time() < self._deadline:
            self._more_to_come()
        elif self.framing.in_body:
            ends = [self.transport.get_extra_info(name) for name in ("sockname", "peername")]
            here, there = (f"{end[0]}:{end[1]}" if isinstance(end, tuple) else "" for end in ends)
            self._stop_reading(f"read tcp {here}->{there}: i/o timeout")
        else:
            self.transport.close()

    def _look_whether_idle(self) -> None:
        if self.transport is None:
            return
        now = self._loop.time()
        ends = self._last + IDLE_SECONDS
        if self.answered == self.framing.heads and self.framing.between and now >= ends:
            self.transport.close()
            return
        self._idle = self._loop.call_at(ends if ends > now else now + IDLE_SECONDS, self._look_whether_idle)

    def _stop_reading(self, fault: str) -> None:
        """Stop reading; ``fault`` is the error of the current body if it is incomplete."""
        self._deadline = 0.0
        ending = self.framing.end(fault)
        if ending:
            super().data_received(ending)
        elif self.body_fault and self.reading is not None:
            self.reading.feed_eof()


def _raising(error: Exception) -> Later:
    async def fail(aio: web.BaseRequest) -> web.StreamResponse:
        raise error

    return fail


class Manager(web.Server):
    """Makes a protocol for each connection. ``start`` answers whole requests without aiohttp, if given."""

    def __init__(self, handler: Any, start: Start | None = None) -> None:
        super().__init__(
            handler,
            handler_cancellation=True,
            access_log=None,
            auto_decompress=False,
            max_line_size=MAX_HEAD,
            max_field_size=MAX_HEAD,
            max_headers=MAX_HEAD,
            keepalive_timeout=_NEVER,
            lingering_time=0.5,
            logger=_LOG,
        )
        self._starter = start

    def __call__(self) -> RequestHandler:
        """Return the protocol for a new connection."""
        return Protocol(self, self._starter, loop=self._loop, **self._kwargs)
