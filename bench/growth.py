"""Whether one more costs more when there are many: ``python -m bench.growth [--json FILE]``.

In this process, without HTTP. For each operation: CPU microseconds of one at few and at many, each the least of several
blocks, and the ratio. It is near 1 where the cost does not depend on how many there are.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from time import process_time

from mockkms import MockKMS
from mockkms.vault.framework.message import Operation, Request
from mockkms.vault.kernel.core import Core

_BLOCKS, _BLOCK = 10, 20
Step = Callable[[], object]


def ask(core: Core, operation: Operation, path: str, **data: object) -> object:
    """Send a request to the core and return its data; an error is a defect of the bench."""
    response = core.handle(Request(operation, path, data=dict(data), token="root"))
    if response.errors is not None:
        raise RuntimeError(f"{operation} {path}: {response.errors}")
    return response


def cases(core: Core) -> Iterator[tuple[str, int, int, Step, Step]]:
    """Yield what is measured: name, few, many, what makes one more, and what is timed."""
    write, read = Operation.UPDATE, Operation.READ
    numbers = count()
    ask(core, write, "sys/mounts/transit", type="transit")
    ask(core, write, "transit/keys/k")
    rotate = lambda: ask(core, write, "transit/keys/k/rotate")  # noqa: E731
    yield "rotation of a key", 10, 5_000, rotate, rotate
    encrypt = lambda: ask(core, write, "transit/encrypt/k", plaintext="YQ==")  # noqa: E731
    yield "encryption by number of versions", 5_000, 5_200, rotate, encrypt
    ask(core, write, "secret/metadata/v", max_versions=1_000_000)
    version = lambda: ask(core, write, "secret/data/v", data={"a": "b"})  # noqa: E731
    yield "version of a secret", 10, 100_000, version, version
    yield "read of a secret by versions", 100_000, 100_001, version, lambda: ask(core, read, "secret/data/v")
    secret = lambda: ask(core, write, f"secret/data/s{next(numbers)}", data={"a": "b"})  # noqa: E731
    yield "secret", 10, 50_000, secret, secret
    token = lambda: ask(core, write, "auth/token/create", policies=["default"])  # noqa: E731
    yield "token", 10, 50_000, token, token
    yield "token look-up by tokens", 50_000, 50_001, token, lambda: ask(core, read, "auth/token/lookup-self")

    def revoked() -> object:
        made = core.handle(Request(write, "auth/token/create", data={}, token="root"))
        assert made.auth is not None
        return ask(core, write, "auth/token/revoke", token=made.auth.client_token)

    yield "token and its revocation by tokens", 50_000, 50_001, token, revoked
    ask(core, write, "sys/auth/approle", type="approle")
    ask(core, write, "auth/approle/role/r", policies=["default"])
    secret_id = lambda: ask(core, write, "auth/approle/role/r/secret-id")  # noqa: E731
    yield "secret id of a role", 10, 20_000, secret_id, secret_id
    policy = lambda: ask(core, write, f"sys/policies/acl/p{next(numbers)}", policy='path "a" {}')  # noqa: E731
    yield "policy", 10, 5_000, policy, policy
    entity = lambda: ask(core, write, "identity/entity", name=f"e{next(numbers)}")  # noqa: E731
    yield "entity", 10, 20_000, entity, entity


def cost(step: Step) -> float:
    """Return the CPU microseconds of one step, the least of several blocks."""
    found = []
    for _ in range(_BLOCKS):
        started = process_time()
        for _ in range(_BLOCK):
            step()
        found.append((process_time() - started) / _BLOCK * 1e6)
    return min(found)


def measure(scale: float = 1.0) -> dict[str, dict[str, float]]:
    """Return the costs at few and at many, and their ratio, by name; ``scale`` makes ``many`` fewer."""
    found: dict[str, dict[str, float]] = {}
    with MockKMS() as kms:
        for name, few, many, more, step in cases(kms.world.core):
            base = cost(step)
            for _ in range(max(int((many - few) * scale), 1)):
                more()
            large = cost(step)
            found[name] = {"few": round(base, 1), "many": round(large, 1), "ratio": round(large / base, 2), "at": many}
    return found


def main(argv: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON too")
    parser.add_argument("--scale", type=float, default=1.0, help="part of the usual numbers, for a quick look")
    options = parser.parse_args(argv)
    found = measure(options.scale)
    print(f"{'CPU of one more, µs':<40}{'at few':>10}{'at many':>10}{'ratio':>8}{'many':>10}")
    for name, row in found.items():
        print(f"{name:<40}{row['few']:>10.1f}{row['many']:>10.1f}{row['ratio']:>8.2f}{row['at']:>10.0f}")
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
