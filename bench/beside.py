"""Wall clock beside a real server: ``python -m bench.beside --port 8200``.

A Vault or OpenBao on this machine and ``mockkms serve`` get the same requests in turns, over 1 and over 16
connections: requests per second of each, and the ratio of ours to the real server's. The real one is a fresh dev
server with the root token ``root`` (``-dev-root-token-id=root``): a ``transit`` mount with two keys, and one secret,
are made in it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from bench import load, operations, processes

CONNECTIONS = (1, 16)
GOALS = {1: 1.3, 16: 1.0}
"""The least ratio that our rate should have to the real server's, by the number of connections."""
_BATCH_GOAL = 1.0


@dataclass(frozen=True)
class Rates:
    """Requests per second of one operation, medians of the rounds."""

    ours: float
    theirs: float
    ratio: float
    """The median of the rounds' ratios, so that other work on the machine slows both sides of each alike."""


def goal(name: str, connections: int) -> float:
    """Return the ratio that an operation should reach."""
    return _BATCH_GOAL if "batch" in name else GOALS[connections]


def measure(port: int, rounds: int, seconds: float) -> dict[int, dict[str, Rates]]:
    """Measure every operation on both servers in turns.

    Returns:
        The rates by the number of connections and the operation's name.

    Raises:
        BadAnswer: the real server refuses a request, as one whose root token differs, or that was measured before.
    """
    theirs = operations.prepare(port)
    with processes.ours() as started:
        ours = operations.prepare(started.port)
        return {
            connections: {
                name: _compared(started.port, ours[name], port, theirs[name], connections, rounds, seconds)
                for name in ours
            }
            for connections in CONNECTIONS
        }


def _compared(
    our_port: int, ours: bytes, their_port: int, theirs: bytes, connections: int, rounds: int, seconds: float
) -> Rates:
    pairs: list[tuple[float, float]] = []
    for turn in range(rounds):
        sides = [(our_port, ours), (their_port, theirs)]
        order = 1 if turn % 2 else -1  # Which of the two goes first changes from round to round.
        first, second = [load.rate(port, sent, connections, seconds) for port, sent in sides[::order]][::order]
        pairs.append((first, second))
    return Rates(median(pair[0] for pair in pairs), median(pair[1] for pair in pairs), median(a / b for a, b in pairs))


def table(rates: Mapping[int, Mapping[str, Rates]]) -> str:
    """Return the rates for people."""
    lines: list[str] = []
    for connections, named in rates.items():
        title = f"requests per second, {connections} connection{'s' if connections > 1 else ''}"
        lines.append(f"{title:<42}{'ours':>10}{'real':>10}{'ratio':>10}{'goal':>10}")
        for name, one in named.items():
            wanted = f"≥ {goal(name, connections):g}"
            lines.append(f"{name:<42}{one.ours:>10.0f}{one.theirs:>10.0f}{one.ratio:>10.2f}{wanted:>10}")
    return "\n".join(lines) + "\n"


def main(argv: list[str] | None = None) -> int:
    """Measure and print; the exit code is 0 whatever the figures are, and 2 where the real server cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m bench.beside", description=__doc__)
    parser.add_argument("--port", type=int, default=8200, help="the real server's port on 127.0.0.1, plain HTTP")
    parser.add_argument("--rounds", type=int, default=5, help="how often each operation is measured")
    parser.add_argument("--seconds", type=float, default=1.0, help="how long, on each server in each round")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON too")
    options = parser.parse_args(argv)
    try:
        rates = measure(options.port, options.rounds, options.seconds)
    except (OSError, load.BadAnswer) as error:
        sys.stderr.write(f"the server at 127.0.0.1:{options.port} cannot be measured: {error}\n")
        return 2
    sys.stdout.write(table(rates))
    if options.json is not None:
        stored = {str(count): {name: asdict(one) for name, one in named.items()} for count, named in rates.items()}
        options.json.write_text(json.dumps(stored, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
