"""One connection of raw bytes to a server, for what no HTTP client would send."""

from __future__ import annotations

import socket

from mockkms import MockKMS


class Wire:
    """One connection, byte by byte."""

    def __init__(self, kms: MockKMS) -> None:
        self.socket = socket.create_connection(("127.0.0.1", int(kms.url.rpartition(":")[2])), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.held = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def _take(self, size: int) -> bytes:
        while len(self.held) < size:
            self._more()
        taken, self.held = self.held[:size], self.held[size:]
        return taken

    def _more(self) -> None:
        got = self.socket.recv(65536)
        assert got, "the server closed the connection"
        self.held += got

    def answer(self, head_only: bool = False) -> tuple[int, bytes]:
        """The next answer on this connection: status and body."""
        while b"\r\n\r\n" not in self.held:
            self._more()
        head = self._take(self.held.index(b"\r\n\r\n") + 4).decode()
        length = next((int(line[15:]) for line in head.lower().split("\r\n") if line.startswith("content-length:")), 0)
        return int(head.split()[1]), b"" if head_only else self._take(length)

    def closed(self) -> bool:
        """Whether the server closes this connection."""
        return self.socket.recv(1) == b""

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()
