"""Cutting connections, except the one whose request asks for it: it is closed after its response.

A rule that cuts connections cuts that of its own request too, as a server that ends does. A request to the control API
is an instruction to the server, and its client waits for the answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass
class OwnConnection:
    """The connection of a request to the control API."""

    transport: asyncio.BaseTransport | None
    ends: bool = False
    """Whether it must be closed after the response."""


_OWN: ContextVar[OwnConnection | None] = ContextVar("own", default=None)


@contextmanager
def own_connection(transport: asyncio.BaseTransport | None) -> Iterator[OwnConnection]:
    """Let ``cut`` spare this connection while the block runs."""
    own = OwnConnection(transport)
    before = _OWN.set(own)
    try:
        yield own
    finally:
        _OWN.reset(before)
        own.transport = None  # Tasks that were started meanwhile, such as one that opens the port again, keep the rest.


def cut(transport: asyncio.Transport | None) -> None:
    """Abort a connection, if it is still open; note that it must end if it is spared."""
    own = _OWN.get()
    if transport is None:
        return
    if own is not None and own.transport is transport:
        own.ends = True
    else:
        transport.abort()


def is_spared(descriptor: int) -> bool:
    """Return whether an accepted socket, by its file descriptor, is that of the connection that ``cut`` spares.

    With TLS its first request may be here before the task that makes the connection goes on.
    """
    own = _OWN.get()
    made = own.transport.get_extra_info("socket") if own is not None and own.transport is not None else None
    return made is not None and made.fileno() == descriptor
