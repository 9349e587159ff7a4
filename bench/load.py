"""The load generator: one prepared request in closed loops over raw sockets, so that the server is the limit."""

from __future__ import annotations

import select
import socket
from collections.abc import Mapping
from time import perf_counter


class BadAnswer(RuntimeError):
    """A server under load sent an unexpected answer."""


def request(method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
    """Return the bytes of one HTTP request, as an ordinary client would send it."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "User-Agent: bench", "Accept: */*"]
    lines += [f"{name}: {text}" for name, text in {"X-Vault-Token": "root", **(headers or {})}.items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def connect(port: int) -> socket.socket:
    """Return a connection without Nagle's delay."""
    made = socket.create_connection(("127.0.0.1", port), 10)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def ended(data: bytes) -> bool:
    """Return whether ``data`` is one whole answer, of any status."""
    end = data.find(b"\r\n\r\n")
    place = data[:end].lower().find(b"content-length:") if end > 0 else -1
    length = int(data[place + 15 : data.index(b"\r", place)]) if place >= 0 else 0
    return end > 0 and len(data) >= end + 4 + length


def complete(data: bytes) -> bool:
    """Return whether ``data`` is one whole answer. Raises BadAnswer for one without success."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return False
    if data[9:10] != b"2":
        raise BadAnswer(data[:400].decode("utf-8", "replace"))
    head = data[:end].lower()
    place = head.find(b"content-length:")
    if place < 0 and b"transfer-encoding: chunked" in head:  # How Go's servers send what is longer than 2 KiB.
        return data.endswith(b"\r\n0\r\n\r\n")
    length = int(data[place + 15 : data.index(b"\r", place)]) if place >= 0 else 0
    return len(data) >= end + 4 + length


def exchange(connection: socket.socket, sent: bytes) -> bytes:
    """Send a request and return its whole answer."""
    connection.sendall(sent)
    data = _more(connection)
    while not complete(data):
        data += _more(connection)
    return data


def once(port: int, sent: bytes) -> bytes:
    """Send a request on a connection of its own and return the body of the answer."""
    with connect(port) as connection:
        return exchange(connection, sent).partition(b"\r\n\r\n")[2]


def rate(port: int, sent: bytes, connections: int, seconds: float) -> float:
    """Return the answers per second; each connection sends its next request when the last one is answered."""
    opened = [connect(port) for _ in range(connections)]
    try:
        for one in opened:
            exchange(one, sent)
        return _one(opened[0], sent, seconds) if connections == 1 else _many(opened, sent, seconds)
    finally:
        for one in opened:
            one.close()


def _one(connection: socket.socket, sent: bytes, seconds: float) -> float:
    started = now = perf_counter()
    answered = 0
    while now - started < seconds:
        exchange(connection, sent)
        answered += 1
        now = perf_counter()
    return answered / (now - started)


def _many(opened: list[socket.socket], sent: bytes, seconds: float) -> float:
    poll = select.epoll()
    by_number = {one.fileno(): one for one in opened}
    partial = dict.fromkeys(by_number, b"")
    for number in by_number:
        poll.register(number, select.EPOLLIN)
    started = now = perf_counter()
    for one in opened:
        one.sendall(sent)
    answered = 0
    while now - started < seconds:
        for number, _ in poll.poll(5):
            data = partial[number] + _more(by_number[number])
            if complete(data):
                answered += 1
                data = b""
                by_number[number].sendall(sent)
            partial[number] = data
        now = perf_counter()
    poll.close()
    return answered / (now - started)


def _more(connection: socket.socket) -> bytes:
    data = connection.recv(1 << 20)
    if not data:
        raise BadAnswer("the server closed the connection")
    return data
