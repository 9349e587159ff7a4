"""TLS handshakes that are cut or not continued."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from mockkms.faults.kinds.connections import CLOSE, RESET
from mockkms.server.wire.raw import LINGER_ZERO

_PIECE = 65536


async def meet(fault: str, made: socket.socket) -> None:
    """Carry out a fault on an accepted socket, and close it. Errors of the client are ignored."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError), contextlib.closing(made):
        # After the client's first message it sees a cut handshake, not a refused connection.
        await loop.sock_recv(made, _PIECE)
        if fault == RESET:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
        elif fault != CLOSE:
            await until_it_leaves(made)


async def until_it_leaves(made: socket.socket) -> None:
    """Read and drop what a client sends until it closes its side."""
    loop = asyncio.get_running_loop()
    while await loop.sock_recv(made, _PIECE):
        pass
