"""Answering the requests of one connection after the other: by the gateway, within the limits of bodies."""

from __future__ import annotations

import asyncio
import logging
from typing import NamedTuple

from aiohttp.streams import StreamReader

from mockkms.server import web
from mockkms.server.gateway.bodies import MAX_BODY
from mockkms.server.gateway.exchange import HttpReply, HttpRequest, error_reply
from mockkms.server.gateway.gateway import Gateway
from mockkms.server.wire.client_certificates import shown
from mockkms.server.wire.framing import UNEXPECTED_EOF, Whole, method_of
from mockkms.server.wire.protocol import Later, Protocol
from mockkms.server.wire.responses import PlainResponse, RefusalResponse, plain

_LOG = logging.getLogger("mockkms.server")
_EXPECTED = (web.HTTPException, web.RequestPayloadError, web.PayloadAccessError, TimeoutError, ConnectionError)
"""What aiohttp raises or handles itself, such as for a client that leaves before its request is complete."""
_PIPELINED = 16
"""Requests of one connection that are answered in a row."""
_MAX_DROPPED = 2 * MAX_BODY
"""Bytes of an oversized body that are read, so that its client sees the response."""


class _Body(NamedTuple):
    """The body of a request, as far as it was read."""

    content: bytes
    too_large: bool = False
    """It is over the limit: ``content`` is its beginning."""


class Answering:
    """Answers the requests of all connections of a server."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.busy: set[Protocol] = set()
        """Connections with an unanswered request."""

    def start(self, connection: Protocol, whole: Whole) -> HttpReply | Later:
        """Answer a usual request that was received in one piece, or return a function that does."""
        target, mark, query = whole.target.partition("?")
        return self._gateway.start(HttpRequest(
            whole.method, target, query, whole.headers, whole.body, *connection.peer, connection.local,
            shown(connection.transport), bare_mark=bool(mark) and not query, memo=whole.memo,
        ))  # fmt: skip

    async def handle(self, aio: web.BaseRequest, *, sheltered: bool = False) -> web.StreamResponse:
        """Answer any other request; ``sheltered``: one that no fault touches."""
        connection = aio.protocol
        assert isinstance(connection, Protocol)
        self.busy.add(connection)
        try:
            return await self._answer(aio, connection, sheltered=sheltered)
        except _EXPECTED:
            raise
        except Exception as error:  # A fault of mockkms: the client is told so, and the log has where.
            if aio.writer.output_size > 0:
                raise  # A part of the response was sent; aiohttp ends the connection.
            where = f"{method_of(aio.method)} {aio.path}"
            _LOG.exception("%s failed by a fault of mockkms; please report it with this traceback", where)
            text = f"mockkms: internal error: {type(error).__name__}: {error}; please report it with the server's log"
            return plain(error_reply(500, text))
        finally:
            self.busy.discard(connection)
            connection.release()

    async def _answer(self, aio: web.BaseRequest, connection: Protocol, *, sheltered: bool) -> web.StreamResponse:
        note = connection.take()
        if note is not None and note.refusal:
            return RefusalResponse(note.refusal)
        if connection.taken % _PIPELINED == 0 and connection.framing.heads > connection.taken:
            await asyncio.sleep(0)  # Other connections are served between the requests that this one sent at once.
        started, connection.started = connection.started, None
        if started is not None:
            return await started(aio)
        method, wanted = (note.method, note.target) if note is not None else (method_of(aio.method), aio.raw_path)
        target, mark, query = wanted.partition("?")
        if target == "*" and method == "OPTIONS":
            return PlainResponse(status=200, body=b"", headers={})
        body = _Body(b"")
        if aio.can_read_body:
            if note is not None and note.wants_continue and aio.transport is not None:
                aio.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = await _read(aio, connection)
            if body.too_large:
                refusal = _to_aiohttp(self._gateway.too_large(target, body.content))
                refusal.force_close()
                return refusal
        fault = connection.body_fault
        http = HttpRequest(
            method=method,
            target=target,
            query=query,
            headers=aio.headers,
            body=body.content,
            remote_address=connection.peer[0],
            remote_port=connection.peer[1],
            local_address=connection.local,
            client_certificates=shown(aio.transport),
            bare_mark=bool(mark) and not query,
            body_fault=fault,
            sheltered=sheltered,
        )
        found = self._gateway.start(http)
        answer = plain(found) if isinstance(found, HttpReply) else await found(aio)
        if fault and (fault != UNEXPECTED_EOF or aio.content_length is None):
            answer.force_close()
        return answer

    async def handle_control(self, aio: web.BaseRequest) -> web.StreamResponse:
        """Answer a request to the port that the control API has for itself."""
        if self._gateway.is_control(aio.raw_path):
            return await self.handle(aio, sheltered=True)
        text = "mockkms: this port answers the control API below /_mockkms/ only"
        return web.json_response({"errors": [text]}, status=404)


def _to_aiohttp(reply: HttpReply) -> web.Response:
    """Return a reply as aiohttp's response."""
    return web.Response(status=reply.status, body=reply.body, headers=reply.headers)


async def _read(aio: web.BaseRequest, connection: Protocol) -> _Body:
    """Return the body; empty if it cannot be read, then ``connection.body_fault`` says why.

    What a client sends beyond the limit is dropped, within a bound.
    """
    length, content = aio.content_length, aio.content
    if content.is_eof() and length is not None and length <= MAX_BODY:
        return _Body(content.read_nowait())
    if connection.body_fault:
        return _Body(b"")
    connection.reading = content
    try:
        if length is not None and length <= MAX_BODY:
            return _Body(await content.readexactly(length) if length else b"")
        return await _read_within_limit(content)
    except asyncio.IncompleteReadError:
        return _Body(b"")
    finally:
        connection.reading = None


async def _read_within_limit(content: StreamReader) -> _Body:
    chunks = bytearray()
    size = 0
    async for chunk in content.iter_any():
        size += len(chunk)
        if size > _MAX_DROPPED:
            break
        chunks += chunk[: max(0, MAX_BODY - len(chunks))]
    if size > MAX_BODY:
        # Go's decoder needs the byte after a value to find its end, so the last byte is not decoded.
        return _Body(bytes(chunks[:-1]), too_large=True)
    return _Body(bytes(chunks))
