"""Plain HTTP sent to a port that speaks TLS: recognized before the handshake, and answered as Go answers it."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from mockkms.server.wire.tls_faults import until_it_leaves

_BEGINNINGS = (b"GET /", b"HEAD ", b"POST ", b"PUT /", b"OPTIO")
"""First bytes that Go recognizes as HTTP instead of a TLS record."""
_HANDSHAKE = 0x16
_ANSWER = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
_LINGER_SECONDS = 0.5
_RETRY_SECONDS = 0.01


async def speaks_http(made: socket.socket, seconds: float) -> bool:
    """Return whether a new client sends plain HTTP. The bytes stay in the socket.

    Raises TimeoutError for a client that sends nothing for ``seconds``.
    """
    async with asyncio.timeout(seconds):
        await _readable(made)
        while True:
            first = made.recv(5, socket.MSG_PEEK)
            if not first or first[0] == _HANDSHAKE or not any(known.startswith(first) for known in _BEGINNINGS):
                return False
            if len(first) == 5:
                return True
            await asyncio.sleep(_RETRY_SECONDS)


async def refuse_http(made: socket.socket) -> None:
    """Answer a client that does not speak TLS, and close the socket."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError, TimeoutError), contextlib.closing(made):
        await loop.sock_sendall(made, _ANSWER)
        made.shutdown(socket.SHUT_WR)
        # A close with unread bytes would reset the connection, and the response would be lost.
        await asyncio.wait_for(until_it_leaves(made), _LINGER_SECONDS)


async def _readable(made: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_reader(made, _settle, ready)
    try:
        await ready
    finally:
        loop.remove_reader(made)


def _settle(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
