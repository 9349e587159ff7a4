"""Responses that are forwarded while they are received: chunked, long or endless ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp.abc import AbstractStreamWriter

from mockkms.server import web
from mockkms.server.gateway.exchange import HttpReply, Rest
from mockkms.server.wire.responses import PlainResponse

KEPT = 64 * 1024
"""Bytes of the body that are kept for the journal and for ``Learned``."""
_UNREAD = 300.0
"""Seconds after which a client that reads nothing is given up."""
Ended = Callable[[bytes, str, str], None]
"""Called with the start of the body, how the connection was cut (``left``, ``close``, or empty), and the reason."""


class PassedOn(PlainResponse):
    """Writes each piece as it is received. ``ended`` is called once in any case."""

    def __init__(self, reply: HttpReply, rest: Rest, ended: Ended) -> None:
        super().__init__(status=reply.status, body=b"", headers=reply.headers, repeated=reply.repeated)
        self._rest, self._ended = rest, ended

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Write head and body. Raises ConnectionResetError if the client has disconnected."""
        kept, cut, why = bytearray(), "left", ""
        try:
            await self._write(request, kept)
            cut = ""
        except EOFError as error:
            # The client must see that the response is incomplete, as without a proxy.
            cut, why = "close", str(error)
            if request.transport is not None:
                request.transport.close()
        except TimeoutError:
            cut, why = "close", f"the client read nothing for {_UNREAD:g} s"
            if request.transport is not None:
                request.transport.abort()  # What is not read would keep a closed connection open.
        finally:
            self._rest.close()
            self._ended(bytes(kept), cut, why)
        return None

    async def _write(self, request: web.BaseRequest, kept: bytearray) -> None:
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client has disconnected")
        head, declared = self._head()
        chunked = not declared and request.version.minor > 0
        self._open = self._open and request.keep_alive and bool(declared or chunked)
        if declared or chunked:
            head += f"Content-Length: {declared}\r\n" if declared else "Transfer-Encoding: chunked\r\n"
        transport.write(self._end(head, request))
        async for piece in self._rest:
            if len(kept) < KEPT:
                kept += piece[: KEPT - len(kept)]
            transport.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            async with asyncio.timeout(_UNREAD):
                await request.writer.drain()
        if chunked:
            transport.write(b"0\r\n\r\n")
