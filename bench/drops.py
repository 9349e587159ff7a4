"""``python -m bench.drops``: clients that open a connection and drop it, at every moment there is. Ends by itself.

Afterwards the server must answer, hold no file or connection of theirs, and have grown by next to nothing.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from dataclasses import dataclass

from bench.endure import _ask, _files, _resident, _settled
from mockkms import MockKMS
from mockkms.faults.rule import Rule

BODY = b'{"plaintext": "aGVsbG8="}'
HEAD = (
    b"POST /v1/transit/encrypt/orders HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Vault-Token: root\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
)
MOMENTS = {
    "opened": b"",
    "in a line": b"POST /v1/tra",
    "in the headers": HEAD[:60],
    "before the body": HEAD % len(BODY),
    "in the body": HEAD % len(BODY) + BODY[:9],
    "asked": HEAD % len(BODY) + BODY,
    "asked again": (HEAD % len(BODY) + BODY) * 3,
}
"""What was sent when the client went away."""
_CHILD = """
import http.client, sys
line = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
line.request("GET", "/v1/secret/data/slow", headers={"X-Vault-Token": "root"})
print("asked", flush=True)
line.getresponse()
"""


@dataclass
class Result:
    """The result of a run."""

    connections: int
    killed: int
    """Processes killed in the middle of a request."""
    left: int
    """Requests that the journal tells were left by their client."""
    files: tuple[int, int]
    resident_mib: tuple[float, float]
    answers: list[int]


def run(connections: int, processes: int = 4) -> Result:
    """Drop ``connections`` connections, by FIN and by RST in turn, and kill ``processes`` processes."""
    with MockKMS(root_token="root", rng=1) as kms:
        port = int(kms.url.rpartition(":")[2])
        _ask(port, "POST", "/v1/sys/mounts/transit", {"type": "transit"})
        _ask(port, "POST", "/v1/transit/keys/orders", {})
        files = _files()
        _drop(port, len(MOMENTS) * 4)
        before = _resident()
        _drop(port, connections)
        slow = kms.faults.add("secret/data/slow", delay=3600)
        for number in range(processes):
            _kill(port, slow, number + 1)
        settled = _settled(files)
        left = _left(kms, processes)
        kms.faults.clear()
        answers = [
            _ask(port, "POST", "/v1/transit/encrypt/orders", {"plaintext": ""}),
            _ask(port, "GET", "/v1/sys/health"),
        ]
        return Result(connections, processes, left, (files, settled), (before, _resident()), answers)


def _drop(port: int, count: int) -> None:
    moments = [*MOMENTS.values()]
    for number in range(count):
        line = socket.create_connection(("127.0.0.1", port), timeout=30)
        sent = moments[number % len(moments)]
        if sent:
            line.sendall(sent)
        if number % 2:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        line.close()


def _kill(port: int, slow: Rule, fired: int) -> None:
    """Kill a process that waits for an answer, once the rule that keeps it waiting has fired so often."""
    with subprocess.Popen([sys.executable, "-c", _CHILD, str(port)], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        until = time.monotonic() + 30
        while slow.fired < fired and time.monotonic() < until:
            time.sleep(0.001)
        os.kill(child.pid, signal.SIGKILL)


def _left(kms: MockKMS, wanted: int) -> int:
    """Return the number of requests whose client left; the journal shows it a moment after the connection is closed."""
    until = time.monotonic() + 30
    while kms.journal.count(cut="left") < wanted and time.monotonic() < until:
        time.sleep(0.01)
    return kms.journal.count(cut="left")


def main(argv: list[str] | None = None) -> int:
    """Run and print; returns 1 if something is left behind."""
    parser = argparse.ArgumentParser(prog="python -m bench.drops", description=__doc__)
    parser.add_argument("--connections", type=int, default=10_000, metavar="N")
    parser.add_argument("--processes", type=int, default=20, metavar="N")
    options = parser.parse_args(argv)
    result = run(options.connections, options.processes)
    sys.stdout.write(f"{result}\n")
    return int(result.files[1] > result.files[0] or result.answers != [200, 200])


if __name__ == "__main__":
    sys.exit(main())
