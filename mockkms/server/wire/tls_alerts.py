"""TLS contexts that tell clients why their handshake failed.

asyncio and uvloop close the connection when a handshake fails, with the alert still in memory: a client without the
certificate that it needs sees an empty response. Go's server sends the alert first.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import suppress
from contextvars import ContextVar

_ACCEPTED: ContextVar[socket.socket | None] = ContextVar("accepted", default=None)
"""The socket of the connection that is made in this task."""


def accepting(made: socket.socket) -> None:
    """Note the socket of the connection that this task makes; one task makes one connection."""
    _ACCEPTED.set(made)


class _Handshake(ssl.SSLObject):
    """A connection whose failed handshake goes on, for the loop, until the client has read the alert and left.

    The server's direction is closed after the alert: some clients, such as Node's, wait for that before they report
    it. A close of both with unread bytes would reset the connection, and the alert would be lost. The loop's time
    limit for handshakes ends it for clients that stay.
    """

    incoming: ssl.MemoryBIO
    outgoing: ssl.MemoryBIO
    accepted: socket.socket | None
    _failed = False

    def do_handshake(self) -> None:
        """Continue the handshake. Raises SSLWantReadError if there is more to send or to read, else SSLError."""
        if not self._failed:
            try:
                super().do_handshake()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise
            except ssl.SSLError:
                if not self.outgoing.pending:
                    raise
                self._failed = True
                if self.accepted is not None:
                    # The loop sends the alert next; uvloop does so after the callbacks that are ready now.
                    loop = asyncio.get_running_loop()
                    loop.call_soon(loop.call_soon, self._end)
            else:
                return
        self.incoming.read()
        # The loop then sends what is in `outgoing`, which is the alert.
        raise ssl.SSLWantReadError(ssl.SSL_ERROR_WANT_READ, "waiting for the client to leave")

    def _end(self) -> None:
        """Tell the client that nothing follows."""
        if self.accepted is not None:
            with suppress(OSError):  # The client may have left.
                self.accepted.shutdown(socket.SHUT_WR)


class AlertingContext(ssl.SSLContext):
    """A server's context whose connections send the alert of a failed handshake."""

    sslobject_class = _Handshake

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """Return a connection over two buffers."""
        made = super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)
        assert isinstance(made, _Handshake)
        made.incoming, made.outgoing, made.accepted = incoming, outgoing, _ACCEPTED.get()
        return made


def alerting_context() -> AlertingContext:
    """Return a context with Python's defaults for servers."""
    usual = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context = AlertingContext(usual.protocol)
    context.verify_flags = usual.verify_flags
    if usual.keylog_filename:  # The variable SSLKEYLOGFILE.
        context.keylog_filename = usual.keylog_filename
    return context
