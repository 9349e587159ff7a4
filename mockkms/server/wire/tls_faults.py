"""TLS handshakes that fail: cut, not continued, or with a required client certificate."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl

from mockkms.faults.kinds.connections import CLIENT_CERT, CLOSE, RESET
from mockkms.server.wire.raw import LINGER_ZERO
from mockkms.server.wire.tls import ServerTls

_PIECE = 65536
_PATIENCE = 10.0
"""Seconds for a client to continue its handshake, and to read the alert."""


async def meet(fault: str, made: socket.socket, tls: ServerTls) -> None:
    """Carry out a fault on an accepted socket, and close it. Errors of the client are ignored."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError, asyncio.TimeoutError), contextlib.closing(made):
        if fault == CLIENT_CERT:
            await asyncio.wait_for(_demand(made, tls.context_for(fault)), _PATIENCE)
            return
        # After the client's first message it sees a cut handshake, not a refused connection.
        await loop.sock_recv(made, _PIECE)
        if fault == RESET:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
        elif fault != CLOSE:
            await until_it_leaves(made)


async def _demand(made: socket.socket, context: ssl.SSLContext) -> None:
    """Do the handshake without asyncio, which does not send the alert about the missing certificate."""
    loop = asyncio.get_running_loop()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    engine = context.wrap_bio(incoming, outgoing, server_side=True)
    done = False
    while not done:
        try:
            engine.do_handshake()
            done = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            done = True
        await loop.sock_sendall(made, outgoing.read())
        if not done:
            received = await loop.sock_recv(made, _PIECE)
            if not received:
                return
            incoming.write(received)
    # A close with unread bytes would reset the connection, and the alert would be lost.
    made.shutdown(socket.SHUT_WR)
    await until_it_leaves(made)


async def until_it_leaves(made: socket.socket) -> None:
    """Read and drop what a client sends until it closes its side."""
    loop = asyncio.get_running_loop()
    while await loop.sock_recv(made, _PIECE):
        pass
