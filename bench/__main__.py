"""``python -m bench``: measure everything in one run, print a table. Under two minutes, loopback only."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from bench import calls, faults, memory, operations, processes, rates, suites

_TARGETS = {
    "encrypt at 1 connection, of the floor": ("≥", 0.85),
    "encrypt at 16 connections, of the floor": ("≥", 0.85),
    "restore of 200 secrets, ms": ("≤", 1.0),
    "restore of 20,000 secrets, ms": ("≤", 5.0),
    "fixture to first answer, ms": ("≤", 3.0),
    "unused plugin, ms": ("≤", 10.0),
    "cold start, of import aiohttp.web": ("≤", 1.3),
    "resident at start, MiB": ("≤", 50.0),
    "resident after load, MiB": ("≤", 64.0),
    "rsa-4096 key, ms": ("≤", 3.0),
}


def main(argv: list[str] | None = None) -> int:
    """Measure and print; returns the exit code. No figure makes it fail."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON too")
    parser.add_argument("--quick", action="store_true", help="few and short rounds: shows that it runs")
    parser.add_argument("--compare", type=Path, metavar="FILE", help="figures of another revision, from its --json")
    options = parser.parse_args(argv)
    before = rows(json.loads(options.compare.read_text(encoding="utf-8"))) if options.compare else {}
    figures = measure(quick=options.quick)
    sys.stdout.write(table(figures))
    if before:
        sys.stdout.write(compared(before, rows(figures)))
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


def measure(*, quick: bool) -> dict[str, Any]:
    """Return all figures."""
    rounds, seconds = (1, 0.02) if quick else (7, 0.2)
    figures: dict[str, Any] = {}
    figures |= memory.measure(1000 if quick else memory.ENCRYPTIONS)
    with processes.floor() as (floor, _), processes.ours() as ours:
        named = calls.prepare(ours.port).named()
        figures["rates"] = rates.against_floor(floor, ours.port, named, rounds, seconds)
        batches = {str(size): calls.batch(size) for size in (1, 10, 1000)}
        figures["batch_ms"] = rates.each(ours.port, batches, rounds, seconds)
        figures["rules_ms"] = {}
        for count in faults.COUNTS:
            faults.set_rules(ours.port, count)
            figures["rules_ms"] |= rates.each(ours.port, {str(count): calls.FLOOR}, rounds, seconds)
    figures["operations"] = operations.stored(operations.measure(2 if quick else 9, 20 if quick else 200))
    figures["cold_start_s"], figures["cold_start_ratio"] = cold_start(1 if quick else 9)
    inside = processes.python("-m", "bench.inside", "5" if quick else "25")[1]
    figures |= json.loads(inside) | suites.fixture(3 if quick else 30)
    figures |= suites.unused_plugin(1 if quick else 15)
    return figures


def cold_start(rounds: int) -> tuple[float, float]:
    """Return the seconds from the spawn of ``serve`` to its first answer, and their ratio to ``import aiohttp.web``.

    Each is the least of the rounds. Modules are compiled, as installed ones are.
    """
    times, imports = [], []
    for _ in range(rounds):
        with processes.ours() as started:
            times.append(started.first_answer)
        imports.append(processes.python("-c", "import aiohttp.web")[0])
    return min(times), min(times) / min(imports)


def table(figures: dict[str, Any]) -> str:
    """Return the figures for people."""
    costs = {name: operations.Cost(**cost) for name, cost in figures["operations"].items()}
    lines = [
        operations.table(costs),
        f"{'requests a second':<28}{'1 conn':>10}{'of floor':>10}{'16 conn':>10}{'of floor':>10}",
    ]
    one, many = figures["rates"]["1"], figures["rates"]["16"]
    for name in one:
        cells = "".join(f"{told[name]['rate']:>10.0f}{told[name]['ratio']:>10.2f}" for told in (one, many))
        lines.append(f"{name:<28}{cells}")
    lines.append("")
    for name, value in rows(figures).items():
        sign, target = _TARGETS.get(name, ("", 0.0))
        lines.append(f"{name:<42}{value:>9.3g}" + (f"   target {sign} {target:g}" if sign else ""))
    return "\n".join(lines) + "\n"


def compared(before: dict[str, float], now: dict[str, float]) -> str:
    """Return the figures beside those of another revision."""
    lines = ["", f"{'beside the other revision':<42}{'before':>9}{'now':>9}{'ratio':>9}"]
    for name, value in now.items():
        old = before.get(name)
        if old:
            lines.append(f"{name:<42}{old:>9.3g}{value:>9.3g}{value / old:>9.2f}")
    return "\n".join(lines) + "\n"


def rows(figures: dict[str, Any]) -> dict[str, float]:
    """Return the single figures by their names in the table."""
    rate, rules, batch = figures["rates"], figures["rules_ms"], figures["batch_ms"]
    return {
        "encrypt at 1 connection, of the floor": rate["1"]["encrypt"]["ratio"],
        "encrypt at 16 connections, of the floor": rate["16"]["encrypt"]["ratio"],
        "restore of 200 secrets, ms": figures["restore_ms"],
        "restore of 20,000 secrets, ms": figures.get("restore_many_ms", 0.0),
        "first fixture to first answer, ms": figures["fixture_first_ms"],
        "fixture to first answer, ms": figures["fixture_ms"],
        "unused plugin, ms": figures["unused_plugin_ms"],
        "unused plugin and its distribution, ms": figures["unused_distribution_ms"],
        "cold start, s": figures["cold_start_s"],
        "cold start, of import aiohttp.web": figures["cold_start_ratio"],
        "resident at start, MiB": figures["resident_mib"],
        "resident after load, MiB": figures["resident_after_load_mib"],
        "rsa-4096 key, ms": figures["rsa_4096_ms"],
        **{f"CPU of {name}, by the floor": cost["ratio"] for name, cost in figures["operations"].items()},
        **{f"encrypt with {count} rules that do not fit, ms": value for count, value in rules.items()},
        **{f"encrypt a batch of {size}, ms": value for size, value in batch.items()},
    }


if __name__ == "__main__":
    sys.exit(main())
