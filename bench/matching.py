"""What a rule on an operation costs a request that it does not fit: ``python -m bench.matching [BLOCKS]``.

``mockkms serve`` runs in a process of its own and gets one encryption after the other over one connection: in short
blocks without a rule, with one on a path and with one on an operation, in turns. Told are the medians of the CPU time
that the server's threads took for a request, in microseconds, and their ratios.
"""

from __future__ import annotations

import json
import sys
from statistics import median

from bench import load, operations, processes

REQUESTS = 500
RULES: dict[str, list[dict[str, str]]] = {
    "none": [],
    "path": [{"match": "secret/data/other", "answer": "sealed"}],
    "operation": [{"match": "transit/*", "operation": "delete", "answer": "sealed"}],
}
_ENCRYPT = load.request("POST", "/v1/transit/encrypt/k", b'{"plaintext": "Zm91ciBzY29yZSBhbmQgc2V2ZW4="}')


def measure(blocks: int) -> dict[str, float]:
    """Return CPU microseconds per encryption by rule."""
    times: dict[str, list[float]] = {name: [] for name in RULES}
    with processes.ours() as server:
        load.once(server.port, load.request("POST", "/v1/sys/mounts/transit", b'{"type": "transit"}'))
        load.once(server.port, load.request("POST", "/v1/transit/keys/k"))
        for _ in range(blocks):
            for name, rules in RULES.items():
                load.once(server.port, load.request("DELETE", "/_mockkms/faults"))
                if rules:
                    load.once(server.port, load.request("POST", "/_mockkms/faults", json.dumps(rules).encode()))
                with load.connect(server.port) as connection:
                    load.exchange(connection, _ENCRYPT)
                    before = operations.cpu(server.process.pid)
                    for _ in range(REQUESTS):
                        load.exchange(connection, _ENCRYPT)
                    times[name].append((operations.cpu(server.process.pid) - before) / REQUESTS)
    return {name: median(found) for name, found in times.items()}


def main(blocks: int) -> None:
    """Print the figures as JSON."""
    found = measure(blocks)
    ratios = {f"{name}_ratio": round(value / found["none"], 3) for name, value in found.items() if name != "none"}
    print(json.dumps({name: round(value, 1) for name, value in found.items()} | ratios))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
