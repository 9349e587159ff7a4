"""How long ``sys/health`` takes while the server works hard for another client.

``python -m bench.heavy [--nodes N] [NAME …]``; with ``--nodes``, of a cluster, whose first node does all of it.

Each piece of work is one request, or a few, sent from a process of its own; meanwhile this process asks for the health
every few milliseconds on one connection. The product is the one that takes the
larger requests. Reported are milliseconds: the median, the 99th percentile, the worst.
"""

from __future__ import annotations

import argparse
import base64
import json
import multiprocessing
import sys
from collections.abc import Callable
from time import perf_counter, sleep

from bench import calls, load, processes

HEALTH = load.request("GET", "/v1/sys/health")
_PAUSE = 0.002
_PATIENCE = 120.0


def batch(port: int) -> list[bytes]:
    """Return ten encryptions of 10,000 items, the most that Vault accepts in one request."""
    return [calls.batch(10_000)] * 10


def body(port: int) -> list[bytes]:
    """Return the write of a secret of 31 MiB in 9,000 values."""
    return [calls.post("/v1/secret/data/large", {"data": {f"k{n}": "v" * 3600 for n in range(9_000)}})]


def text(port: int) -> list[bytes]:
    """Return the encryption of a plaintext of 23 MiB, 31 MiB in base64."""
    plaintext = base64.b64encode(bytes(23 * 1024 * 1024)).decode()
    return [calls.post("/v1/transit/encrypt/app", {"plaintext": plaintext})]


def policy(port: int) -> list[bytes]:
    """Create a token, and return the write of its policy of 100,000 paths, and a read with it."""
    rules = "\n".join(f'path "secret/data/{n}/*" {{ capabilities = ["read"] }}' for n in range(100_000))
    load.once(port, calls.post("/v1/auth/token/create", {"id": "limited", "policies": ["large"]}))
    read = load.request("GET", "/v1/secret/data/77/x", headers={"X-Vault-Token": "limited"})
    return [calls.post("/v1/sys/policies/acl/large", {"policy": rules}), read]


def rsa(port: int) -> list[bytes]:
    """Return the generation of roots with RSA keys of 8192 bits."""
    load.once(port, calls.post("/v1/sys/mounts/pki", {"type": "pki"}))
    asked = {"common_name": "a.example", "key_type": "rsa", "key_bits": 8192}
    return [calls.post("/v1/pki/root/generate/internal", asked)]


def dump(port: int) -> list[bytes]:
    """Create 50,000 tokens, and return the request for a dump of them."""
    with load.connect(port) as connection:
        for _ in range(50_000):
            load.exchange(connection, calls.post("/v1/auth/token/create", {"policies": ["default"]}))
    return [load.request("GET", "/_mockkms/state?format=yaml")]


def snapshot(port: int) -> list[bytes]:
    """Return the requests that store and restore a snapshot of those tokens."""
    return [load.request("POST", "/_mockkms/snapshots/s"), load.request("POST", "/_mockkms/snapshots/s/restore")]


def signatures(port: int) -> list[bytes]:
    """Return a batch of 5,000 signatures."""
    load.once(port, calls.post("/v1/transit/keys/rsa", {"type": "rsa-2048"}))
    items = [{"input": calls.PLAINTEXT}] * 5_000
    return [calls.post("/v1/transit/sign/rsa", {"batch_input": items})]


WORK: dict[str, dict[str, Callable[[int], list[bytes]]]] = {
    "vault": {
        "10 x 10,000 items": batch, "31 MiB secret": body, "5,000 signatures": signatures, "rsa-8192": rsa,
        "dump of 50,000 tokens": dump, "snapshot, restore": snapshot,
    },
    "openbao": {"31 MiB plaintext": text, "100,000 paths": policy},
}  # fmt: skip


def _work(port: int, sent: list[bytes]) -> None:
    for request in sent:
        with load.connect(port) as connection:
            connection.settimeout(_PATIENCE)
            connection.sendall(request)
            data = connection.recv(1 << 20)
            while not load.ended(data):
                data += connection.recv(1 << 20)
            if data[9:10] != b"2":
                print(data[:300])


def measure(port: int, sent: list[bytes]) -> dict[str, float]:
    """Return the milliseconds that the health check takes while ``sent`` is answered, and the seconds of the work."""
    spawn = multiprocessing.get_context("fork")
    worker = spawn.Process(target=_work, args=(port, sent), daemon=True)
    times = []
    with load.connect(port) as connection:
        connection.settimeout(_PATIENCE)
        load.exchange(connection, HEALTH)
        worker.start()
        started = perf_counter()
        while worker.is_alive() and perf_counter() - started < _PATIENCE:
            asked = perf_counter()
            load.exchange(connection, HEALTH)
            times.append((perf_counter() - asked) * 1000)
            sleep(_PAUSE)
    took = perf_counter() - started
    worker.kill()
    times.sort()
    return {
        "median": times[len(times) // 2], "p99": times[int(len(times) * 0.99)], "worst": times[-1], "seconds": took,
    }  # fmt: skip


def main(arguments: list[str]) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.heavy")
    parser.add_argument("--nodes", type=int, default=0, help="nodes of a cluster; 0: a single server")
    parser.add_argument("names", nargs="*", help="words of the work to measure; all of it without any")
    options = parser.parse_args(arguments)
    names, cluster = options.names, ("--nodes", str(options.nodes)) if options.nodes else ()
    print(f"{'health, ms':<26}{'median':>9}{'p99':>9}{'worst':>9}{'work, s':>9}")
    found = {}
    for flavor, works in WORK.items():
        chosen = {name: make for name, make in works.items() if not names or any(word in name for word in names)}
        if not chosen:
            continue
        with processes.ours("--flavor", flavor, *cluster) as ours:
            calls.prepare(ours.port)
            for name, make in chosen.items():
                found[name] = figures = measure(ours.port, make(ours.port))
                cells = "".join(f"{figures[key]:>9.1f}" for key in ("median", "p99", "worst", "seconds"))
                print(f"{name:<26}{cells}", flush=True)
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
