"""What each operation costs the server in CPU time, beside the floor: ``python -m bench.operations``.

``mockkms serve`` and the floor (``bench.floor``) run in processes of their own and get blocks of requests over one
connection, in turns. A ratio is the CPU time of a request (user and system, all threads) by that of the floor's
request in the same round; reported are the medians over the rounds, and the ratio of the least times. The journal is
on, as always.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench import calls, faults, load, processes

FLOOR = "floor"
RULES = "encrypt, 1,000 rules that never match"
GOALS = {
    "encrypt": 1.15,
    "decrypt": 1.15,
    "data key": 1.2,
    "sign, ed25519": 1.3,
    "KV 2 read": 0.95,
    "KV 2 write": 1.2,
    "token look-up": 0.95,
    "health": 0.7,
    "encrypt, batch of 100": 4.0,
    RULES: 1.05,
}
"""The largest ratio that each operation should have to the floor; that with rules: to the same without."""
_BATCH = 100
_REQUESTS = 200
"""Requests in a block; a batch counts as ten."""


@dataclass(frozen=True)
class Cost:
    """The cost of one operation."""

    microseconds: float
    """CPU time of a request, the median of all rounds."""
    least: float
    """CPU time of a request in the best round, in microseconds."""
    ratio: float
    """The median of the rounds' ratios to the floor (with rules: to the same without)."""
    least_ratio: float
    """The ratio of the least times."""


def cpu(pid: int) -> float:
    """Return the CPU time, user and system, that all threads of a process took so far, in microseconds."""
    return time.clock_gettime_ns((~pid) << 3 | 2) / 1000  # What clock_getcpuclockid(3) gives.


def block(port: int, pid: int, sent: bytes, requests: int) -> float:
    """Return the CPU microseconds of a request, from a block of requests over one connection.

    As many requests precede the block: the processes that had the processor before it left its caches cold.
    """
    with load.connect(port) as connection:
        for _ in range(requests):
            load.exchange(connection, sent)
        before = cpu(pid)
        for _ in range(requests):
            load.exchange(connection, sent)
        return (cpu(pid) - before) / requests


def prepare(port: int) -> dict[str, bytes]:
    """Create what the operations need; return their requests by name."""
    made = calls.prepare(port)
    load.once(port, calls.post("/v1/transit/keys/signer", {"type": "ed25519"}))
    return {
        "encrypt": made.encrypt,
        "decrypt": made.decrypt,
        "data key": made.datakey,
        "sign, ed25519": calls.post("/v1/transit/sign/signer", {"input": calls.PLAINTEXT}),
        "KV 2 read": made.kv_read,
        "KV 2 write": made.kv_write,
        "token look-up": load.request("GET", "/v1/auth/token/lookup-self"),
        "health": load.request("GET", "/v1/sys/health"),
        "encrypt, batch of 100": calls.batch(_BATCH),
    }


def measure(rounds: int, requests: int = _REQUESTS) -> dict[str, Cost]:
    """Measure every operation and the floor; in each round all of them, in turns."""
    times: dict[str, list[float]] = {FLOOR: []}
    ratios: dict[str, list[float]] = {FLOOR: []}
    with processes.floor() as (floor_port, floor_pid), processes.ours() as ours, processes.ours() as ruled:
        operations = prepare(ours.port)
        prepare(ruled.port)
        faults.set_rules(ruled.port, 1000)

        def take(name: str, beside: float, port: int, pid: int, sent: bytes) -> float:
            count = max(1, requests // 10) if "batch" in name else requests
            took = block(port, pid, sent, count)
            times.setdefault(name, []).append(took)
            ratios.setdefault(name, []).append(took / beside if beside else 1.0)
            return took

        for turn in range(rounds + 1):
            if turn == 1:  # The first round warms up.
                times, ratios = {}, {}
            floor = take(FLOOR, 0, floor_port, floor_pid, calls.FLOOR)
            for name, sent in operations.items():
                took = take(name, floor, ours.port, ours.process.pid, sent)
                if name == "encrypt":
                    take(RULES, took, ruled.port, ruled.process.pid, sent)
    least = {name: min(found) for name, found in times.items()}
    beside = {name: least["encrypt" if name == RULES else FLOOR] for name in times}
    return {
        name: Cost(median(found), least[name], median(ratios[name]), least[name] / beside[name])
        for name, found in times.items()
    }


def table(costs: dict[str, Cost], before: dict[str, Cost] | None = None) -> str:
    """Return the costs for people, beside those of another revision if given."""
    heads = ["µs CPU", "least", "ratio", "of least", "goal"] + (["before", "change"] if before else [])
    lines = [f"{'server CPU of a request':<40}" + "".join(f"{head:>10}" for head in heads)]
    for name, cost in costs.items():
        goal = f"≤ {GOALS[name]:g}" if name in GOALS else ""
        line = f"{name:<40}{cost.microseconds:>10.1f}{cost.least:>10.1f}{cost.ratio:>10.2f}{cost.least_ratio:>10.2f}"
        line += f"{goal:>10}"
        old = before.get(name) if before else None
        if old is not None:
            line += f"{old.least_ratio:>10.2f}{cost.least_ratio / old.least_ratio:>10.2f}"
        lines.append(line)
    return "\n".join(lines) + "\n"


def stored(costs: dict[str, Cost]) -> dict[str, dict[str, float]]:
    """Return the costs as JSON values."""
    return {name: {key: round(value, 3) for key, value in vars(cost).items()} for name, cost in costs.items()}


def main(argv: list[str] | None = None) -> int:
    """Measure and print; the exit code is 0 whatever the figures are."""
    parser = argparse.ArgumentParser(prog="python -m bench.operations", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds: a rough picture within ten seconds")
    parser.add_argument("--rounds", type=int, default=0, help="how often everything is measured")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON too")
    parser.add_argument("--compare", type=Path, metavar="FILE", help="figures of another revision, from its --json")
    options = parser.parse_args(argv)
    before = None
    if options.compare:
        found = json.loads(options.compare.read_text(encoding="utf-8"))
        before = {name: Cost(**cost) for name, cost in found.get("operations", found).items()}
    costs = measure(options.rounds or (3 if options.quick else 15))
    sys.stdout.write(table(costs, before))
    if options.json is not None:
        options.json.write_text(json.dumps(stored(costs), indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
