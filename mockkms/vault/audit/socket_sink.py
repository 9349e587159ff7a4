"""Audit devices of type ``socket``: connections to a listener on this machine, such as that of a log shipper."""

from __future__ import annotations

import socket
import weakref
from contextlib import suppress

from mockkms import outside
from mockkms.vault.framework.message import ErrorResponse
from mockkms.vault.golang.fmt import error_list, quote

_LONGEST = 0.25
"""Seconds that a request waits for the listener: real ones are configured to wait longer, and hold up the others."""
_KINDS = {
    "tcp": (socket.AF_INET, socket.SOCK_STREAM),
    "udp": (socket.AF_INET, socket.SOCK_DGRAM),
    "unix": (socket.AF_UNIX, socket.SOCK_STREAM),
}


class SocketSink:
    """One connection, made when it is first needed."""

    def __init__(self, kind: str, address: str, seconds: float) -> None:
        self.key = (kind, address, seconds)
        self._kind, self._address, self._seconds = kind, address, min(seconds, _LONGEST)
        self._connection: socket.socket | None = None
        self._close: weakref.finalize[..., SocketSink] | None = None

    def open(self) -> None:
        """Do nothing: a connection is made by the first write."""

    def write(self, text: bytes) -> None:
        """Send ``text``; after a failure, reconnect and retry once. Raises ErrorResponse."""
        try:
            self._send(text)
            return
        except (OSError, ValueError) as error:
            faults = [str(error)]
        self.close()
        try:
            self._send(text)
            return
        except (OSError, ValueError) as error:
            faults.append(str(error))
        raise ErrorResponse(f"error writing to socket {quote(self._address)}: {error_list(faults)}")

    def _send(self, text: bytes) -> None:
        """Raise OSError or ValueError, in Go's words, if the text cannot be sent."""
        if self._connection is None:
            self._connection = self._connected()
            self._close = weakref.finalize(self, self._connection.close)
        try:
            self._connection.sendall(text)
        except OSError as error:
            raise OSError(f"unable to write to socket: {error.strerror or error}") from None

    def _connected(self) -> socket.socket:
        fault = f"error connecting to {quote(self._kind)} address {quote(self._address)}: dial {self._kind}"
        if self._kind not in _KINDS:
            raise ValueError(f"{fault}: unknown network {self._kind}")
        host, _, port = self._address.rpartition(":")
        target: str | tuple[str, int] = self._address
        if self._kind != "unix":
            if not port.isdigit() or not host:
                raise ValueError(f"{fault}: address {self._address}: missing port in address")
            target = (host, int(port))
            if not outside.is_here(f"http://{self._address}"):
                raise ValueError(fault.removesuffix(f"dial {self._kind}") + outside.refusal(host, port))
        made = socket.socket(*_KINDS[self._kind])
        made.settimeout(self._seconds)
        try:
            made.connect(target)
        except (OSError, OverflowError) as error:
            made.close()
            shown = str(getattr(error, "strerror", None) or error).lower()
            raise OSError(f"{fault} {self._address}: connect: {shown}") from None
        return made

    def close(self) -> None:
        """Close the connection; the next write makes another one."""
        with suppress(OSError):
            if self._close is not None:
                self._close()
        self._connection, self._close = None, None
