"""Memory of ``mockkms serve`` under long request heads: ``python -m bench.heads [--requests N]``.

Requests with paths and with headers of 900 KiB, in turns, each different, over keep-alive connections. Reported is the
resident memory at the start, at its highest, at the end, and after ``DELETE /_mockkms/journal``. The exit code is 1 if
it grows by more than 600 MB, or does not fall back to within 64 MiB of the start.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from bench import load, processes

LENGTH = 900 * 1024
"""Bytes of a path or a header."""
MOST_GROWTH = 600e6 / (1 << 20)
"""MiB."""
MOST_KEPT = 64.0
"""MiB above the start after the journal is cleared."""
_CONNECTIONS = 4
_EVERY = 100
"""Requests between two looks at the memory."""


@dataclass
class Memory:
    """Resident memory of the server in MiB."""

    start: float
    highest: float
    end: float
    cleared: float
    """After the journal was cleared."""

    @property
    def is_bounded(self) -> bool:
        """Whether it stayed below the limit and fell back afterwards."""
        return self.highest - self.start <= MOST_GROWTH and self.cleared - self.start <= MOST_KEPT


def heads(requests: int) -> Iterator[bytes]:
    """Yield requests, half with long paths and half with long headers."""
    filling = "x" * LENGTH
    for number in range(requests):
        if number % 2:
            yield load.request("GET", "/v1/secret/data/x", headers={"X-Filling": f"{number}{filling}"})
        else:
            yield load.request("GET", f"/v1/secret/data/{number}/{filling}")


def _answered(connection: socket.socket, sent: bytes) -> None:
    """Send a request and read its answer, which is 404 for most. Raises BadAnswer for a connection that ends."""
    connection.sendall(sent)
    data = b""
    while not load.ended(data):
        piece = connection.recv(1 << 16)
        if not piece:
            raise load.BadAnswer("the server closed the connection")
        data += piece


def measure(requests: int) -> Memory:
    """Send the requests to a server of its own."""
    with processes.ours() as ours:
        memory = Memory(*[ours.resident()] * 4)
        connections = [load.connect(ours.port) for _ in range(_CONNECTIONS)]
        try:
            for number, sent in enumerate(heads(requests)):
                _answered(connections[number % _CONNECTIONS], sent)
                if number % _EVERY == 0:
                    memory.highest = max(memory.highest, ours.resident())
        finally:
            for connection in connections:
                connection.close()
        memory.end = ours.resident()
        memory.highest = max(memory.highest, memory.end)
        load.once(ours.port, load.request("DELETE", "/_mockkms/journal"))
        memory.cleared = ours.resident()
        return memory


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.heads", description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    memory = measure(parser.parse_args(argv).requests)
    print(json.dumps({name: round(value, 1) for name, value in asdict(memory).items()}))
    return 0 if memory.is_bounded else 1


if __name__ == "__main__":
    sys.exit(main())
