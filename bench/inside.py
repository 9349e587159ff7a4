"""What is measured inside one process: ``python -m bench.inside ROUNDS`` prints it as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter

from bench import load
from mockkms import MockKMS
from mockkms.vault.framework.message import Operation, Request

SECRETS = 200
MANY_SECRETS = 20_000


def milliseconds(act: Callable[[], object], rounds: int) -> float:
    """Return the median time of an act."""
    times = []
    for _ in range(rounds):
        started = perf_counter()
        act()
        times.append((perf_counter() - started) * 1000)
    return median(times)


def measure(rounds: int) -> dict[str, float]:
    """Return the milliseconds for restoring a world and for creating an RSA key."""
    with MockKMS() as kms:
        port = int(kms.url.rpartition(":")[2])
        load.once(port, load.request("POST", "/v1/sys/mounts/transit", b'{"type": "transit"}'))
        for number in range(SECRETS):
            body = json.dumps({"data": {"user": f"app{number}", "password": "x" * 24}}).encode()
            load.once(port, load.request("POST", f"/v1/secret/data/team{number % 10}/app{number}", body))
        snapshot = kms.snapshot()
        keys = iter(range(1000))

        def create() -> None:
            path = f"/v1/transit/keys/rsa{next(keys)}"
            load.once(port, load.request("POST", path, b'{"type": "rsa-4096"}'))

        rsa = milliseconds(create, max(1, rounds // 5))
        restore = milliseconds(lambda: kms.restore(snapshot), rounds * 3)
        for number in range(MANY_SECRETS):
            data = {"data": {"user": f"app{number}", "password": "x" * 24}}
            path = f"secret/data/many/{number}"
            kms.world.core.handle(Request(Operation.UPDATE, path, data=data, token="root"))
        many = kms.snapshot()
        restore_many = milliseconds(lambda: kms.restore(many), rounds)
        return {"restore_ms": restore, "restore_many_ms": restore_many, "rsa_4096_ms": rsa}


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
