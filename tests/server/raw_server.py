"""A server of raw bytes: it answers what it is told to, byte for byte, and keeps what it got."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

Answer = bytes | Callable[[socket.socket], object]
"""Bytes, then on with the connection; or what to do with it, after which it is closed."""
PATIENCE = 10.0
"""Seconds after which something that does not happen counts as broken."""


class RawServer:
    """One thread for each connection; answers are given in the order of the requests."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self.requests: list[bytes] = []
        self.connections = 0
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def will(self, *answers: Answer) -> None:
        """Answer so to the next requests."""
        for answer in answers:
            self._answers.put(answer)

    @property
    def heads(self) -> list[list[str]]:
        """The lines of each request's head."""
        return [request.partition(b"\r\n\r\n")[0].decode().split("\r\n") for request in self.requests]

    def header(self, name: str) -> list[str]:
        """The texts of a header of the last request."""
        pairs = [line.partition(": ") for line in self.heads[-1][1:]]
        return [text for given, _, text in pairs if given.lower() == name.lower()]

    def close(self) -> None:
        """Close everything."""
        self._listening.close()
        for made in self._open:
            with suppress(OSError):
                made.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                made, _ = self._listening.accept()
                self.connections += 1
                self._open.append(made)
                threading.Thread(target=self._serve, args=(made,), daemon=True).start()

    def _serve(self, made: socket.socket) -> None:
        with made, suppress(OSError, ValueError), made.makefile("rb") as file:
            while request := _request(file):
                self.requests.append(request)
                answer = self._answers.get(timeout=PATIENCE)
                if not isinstance(answer, bytes):
                    answer(made)
                    break
                made.sendall(answer)
            made.shutdown(socket.SHUT_RDWR)


def _request(file: object) -> bytes:
    head, length = b"", 0
    while line := file.readline():  # type: ignore[attr-defined]
        head += line
        if line.lower().startswith(b"content-length:"):
            length = int(line[15:])
        if line == b"\r\n":
            return head + file.read(length)  # type: ignore[attr-defined]
    return b""


def answer(*lines: str, body: bytes = b"", length: int | None = None, status: str = "200 OK") -> bytes:
    """An answer with these header lines."""
    declared = [f"Content-Length: {len(body) if length is None else length}"]
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, *declared, "", ""]).encode() + body
