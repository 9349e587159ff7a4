"""Responses written directly to the connection: cut, reset, sent slowly, malformed, or not HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import http
import socket
import struct
from collections.abc import Iterable

from aiohttp.abc import AbstractStreamWriter

from mockkms.faults.plan import BEFORE_ANY_BYTE, BodyFraming, Cut, Plan
from mockkms.faults.request_view import Reply
from mockkms.server import web
from mockkms.server.gateway.sleepers import Sleepers

LINGER_ZERO = struct.pack("ii", 1, 0)
_FLUSH_TRIES = 200


class WireAnswer(web.StreamResponse):
    """A response that is written without aiohttp, which would complete or correct it."""

    def __init__(
        self, plan: Plan, reply: Reply, sleepers: Sleepers, resets: int, repeated: Iterable[tuple[str, str]] = ()
    ) -> None:
        """``resets``: the sleepers' count as the request was decided."""
        super().__init__(status=reply.status)
        self._resets = resets
        self._plan, self._reply, self._sleepers, self._repeated = plan, reply, sleepers, repeated
        self.force_close()

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Write everything, then close the connection."""
        transport = request.transport
        if transport is None or transport.is_closing():
            return None
        plan = self._plan
        if plan.raw is not None:
            transport.write(plan.raw)
            transport.close()
        elif plan.cut is not None and plan.cut.after == BEFORE_ANY_BYTE:
            await end(transport, plan.cut, self._sleepers, self._resets)
        else:
            await self._write(transport, bodiless=request.method == "HEAD")
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: ``prepare`` has written everything."""

    async def _write(self, transport: asyncio.Transport, *, bodiless: bool) -> None:
        plan, reply = self._plan, self._reply
        body = b"" if bodiless else reply.body
        start = head(reply, plan.framing, self._repeated)
        if plan.framing is not None and plan.framing.bad_chunk:
            # An empty chunk would end the body correctly.
            chunk = f"{len(body):x}\r\n".encode() + body + b"\r\n" if body else b""
            body = chunk + b"not a chunk size\r\n"
        if plan.cut is not None:
            body = body[: plan.cut.after]
        if plan.drip is not None:
            transport.write(start)
            await self._drip(transport, body, *plan.drip)
        else:
            transport.write(start + body)
        await end(transport, plan.cut or Cut("close"), self._sleepers, self._resets)

    async def _drip(self, transport: asyncio.Transport, body: bytes, size: int, every: float) -> None:
        for start in range(0, len(body), size):
            if start:
                await self._sleepers.sleep(every)
            if transport.is_closing():
                return
            transport.write(body[start : start + size])


def head(reply: Reply, framing: BodyFraming | None, repeated: Iterable[tuple[str, str]] = ()) -> bytes:
    """Return status line and headers, with ``Connection: close``."""
    known = http.HTTPStatus._value2member_map_
    phrase = http.HTTPStatus(reply.status).phrase if reply.status in known else "Unknown"
    lines = [f"HTTP/1.1 {reply.status} {phrase}"]
    lines += [f"{name}: {text}" for name, text in reply.headers.items() if name.lower() != "content-length"]
    lines += [f"{name}: {text}" for name, text in repeated]
    if framing is not None and framing.bad_chunk:
        lines.append("Transfer-Encoding: chunked")
    elif framing is not None and framing.content_length is not None:
        lines.append(f"Content-Length: {framing.content_length}")
    else:
        lines.append(f"Content-Length: {len(reply.body)}")
    lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


async def end(transport: asyncio.Transport, cut: Cut, sleepers: Sleepers, resets: int) -> None:
    """Close a connection as the fault demands, or leave it hanging first."""
    if cut.how == "hang":
        # The server cancels this when the client disconnects.
        await sleepers.hang(cut.limit, resets)
    if cut.how == "reset":
        await flushed(transport)
        reset(transport)
    else:
        transport.close()


async def flushed(transport: asyncio.Transport) -> None:
    """Wait up to a second until the written bytes are passed to the system."""
    for _ in range(_FLUSH_TRIES):
        if transport.is_closing() or not transport.get_write_buffer_size():
            return
        await asyncio.sleep(0.005)


def reset(transport: asyncio.Transport) -> None:
    """Reset the connection: the client sees ECONNRESET."""
    raw = transport.get_extra_info("socket")
    if raw is not None:
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
    transport.abort()
