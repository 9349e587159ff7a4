"""Connections over HTTP whose responses end, whatever the server sends.

The timeout of a socket is for one read: a server that sends a byte, or a line of a head, now and then would hold its
client for good, and one that never ends its response would fill the memory.
"""

from __future__ import annotations

import io
import socket
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection, IncompleteRead
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

PATIENCE = 6.0
"""How many times its timeout a connection waits for a whole response."""
LARGEST = 256 * 1024 * 1024
"""Bytes of the largest body that is read."""


class _Timed(io.RawIOBase):
    """Reads from a socket until a moment of ``monotonic``, then raises TimeoutError."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock, self._file = sock, sock.makefile("rb", buffering=0)
        self._timeout = sock.gettimeout()
        self._until = monotonic() + PATIENCE * (self._timeout or 0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        if self._timeout is not None:
            left = self._until - monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            self._sock.settimeout(min(left, self._timeout))
        try:
            return self._file.readinto(buffer)
        finally:
            self._sock.settimeout(self._timeout)

    def close(self) -> None:
        self._file.close()
        super().close()


class BoundedResponse(HTTPResponse):
    """A response that ends in time. Its methods raise TimeoutError otherwise."""

    def __init__(
        self, sock: socket.socket, debuglevel: int = 0, method: str | None = None, url: str | None = None
    ) -> None:
        super().__init__(sock, debuglevel, method, url)
        self.fp.close()
        self.fp = io.BufferedReader(_Timed(sock))

    def whole(self) -> bytes:
        """Return the body. Raises IncompleteRead for one that is cut, and OSError for one of more than ``LARGEST``."""
        body = self.read(LARGEST + 1)
        if len(body) > LARGEST:
            raise OSError(f"its response has more than {LARGEST // 1024 // 1024} MiB")
        if self.length:
            raise IncompleteRead(body, self.length)
        return body


class BoundedConnection(HTTPConnection):
    """A connection that reads bounded responses."""

    response_class = BoundedResponse


class BoundedTlsConnection(HTTPSConnection):
    """The same over TLS."""

    response_class = BoundedResponse
