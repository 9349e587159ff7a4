"""``python -m bench.endure``: many clients at once while a fifth of their requests fail. Loopback, ends by itself.

Clients count what they saw, the server's journal what it did: both must be equal, outcome by outcome, and afterwards
no connection, file or memory may be left behind.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any

from mockkms import MockKMS
from mockkms.world.journal.entry import Entry

CLIENTS = 32
CUT = "cut"
"""The outcome of a request that got no whole answer."""
FAULTS: list[dict[str, Any]] = [
    {"answer": 500}, {"answer": "sealed"}, {"answer": "rate-limited"}, {"delay": {"uniform": [0, 0.01]}, "status": 202},
    {"reset": True}, {"close": True}, {"close": "headers"}, {"truncate": 9}, {"bad_chunk": True}, {"garbage": "wire"},
    {"lose_answer": "close"}, {"lose_request": "reset"}, {"empty": True, "status": 203},
]  # fmt: skip
SHARE = 0.2
"""Of all requests, those that meet a fault."""
_DAMAGED = frozenset(("truncate", "bad_chunk", "garbage", "close", "reset", "lose_answer", "lose_request"))


@dataclass
class Result:
    """The result of a run."""

    seen: Counter[str]
    """Outcomes as the clients counted them: statuses, and ``cut``."""
    kept: Counter[str]
    """The same by the journal."""
    seconds: float
    journal_size: int
    files: tuple[int, int]
    """Open files of this process, the server's connections among them, before and after."""
    resident_mib: tuple[float, float]
    answers: list[int] = field(default_factory=list)
    """Statuses of a few good requests at the end."""


def rule(seed: int) -> dict[str, Any]:
    """Return one rule whose faults take turns, so that a request meets at most one."""
    return {"path": "transit/*", "chance": SHARE, "seed": seed, "sequence": FAULTS, "times": None}


def run(requests: int, clients: int = CLIENTS, seed: int = 1) -> Result:
    """Let every client send ``requests`` requests. Errors caused by faults are counted, others raised."""
    with MockKMS(root_token="root", rng=seed) as kms:
        port = int(kms.url.rpartition(":")[2])
        _ask(port, "POST", "/v1/sys/mounts/transit", {"type": "transit"})
        _ask(port, "POST", "/v1/transit/keys/orders", {})
        kept: Counter[str] = Counter()
        kms.journal.subscribe(lambda entry: kept.update((outcome(entry),)))
        kms.faults.extend([rule(seed)])
        before, files = _resident(), _files()
        seen: list[Counter[str]] = [Counter() for _ in range(clients)]
        threads = [threading.Thread(target=_client, args=(port, requests, counts)) for counts in seen]
        started = perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = perf_counter() - started
        counted = Counter(kept)
        kms.faults.clear()
        answers = [
            _ask(port, "POST", "/v1/transit/encrypt/orders", {"plaintext": ""}),
            _ask(port, "GET", "/v1/sys/health"),
        ]
        return Result(
            sum(seen, Counter()),
            counted,
            seconds,
            len(kms.journal),
            (files, _settled(files)),
            (before, _resident()),
            answers,
        )


def outcome(entry: Entry) -> str:
    """Return what the client must have seen of a journalled request."""
    return CUT if _DAMAGED.intersection(entry.words) else str(entry.status)


def _client(port: int, requests: int, counts: Counter[str]) -> None:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for _ in range(requests):
        try:
            line.request("POST", "/v1/transit/encrypt/orders", b'{"plaintext": "aGVsbG8="}', {"X-Vault-Token": "root"})
            answer = line.getresponse()
            answer.read()
            counts[str(answer.status)] += 1
        except (ConnectionError, http.client.HTTPException, ValueError):
            line.close()
            counts[CUT] += 1
    line.close()


def _ask(port: int, method: str, path: str, data: Any = None) -> int:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        line.request(method, path, None if data is None else json.dumps(data), {"X-Vault-Token": "root"})
        return line.getresponse().status
    finally:
        line.close()


def _settled(wanted: int) -> int:
    """Return the number of open files once the server has noticed that its clients left, within thirty seconds."""
    deadline, pause = monotonic() + 30, threading.Event()
    while _files() > wanted and monotonic() < deadline:
        pause.wait(0.01)
    return _files()


def _files() -> int:
    return len(os.listdir("/proc/self/fd"))


def _resident() -> float:
    """Return the resident memory of this process in MiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main(argv: list[str] | None = None) -> int:
    """Run and print; returns 1 if clients and journal disagree or something is left behind."""
    parser = argparse.ArgumentParser(prog="python -m bench.endure", description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000, metavar="N", help="of each client")
    parser.add_argument("--clients", type=int, default=CLIENTS, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    options = parser.parse_args(argv)
    result = run(options.requests, options.clients, options.seed)
    sys.stdout.write(f"{result}\n")
    return int(result.seen != result.kept or result.files[1] > result.files[0])


if __name__ == "__main__":
    sys.exit(main())
