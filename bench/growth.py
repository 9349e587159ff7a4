"""Whether one more costs more when there are many: ``python -m bench.growth [--only WORD] [--json FILE]``.

In this process, without HTTP. For each operation: CPU microseconds of one at few and at many, each the least of several
blocks, and the ratio. It is near 1 where the cost does not depend on how many there are.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from time import process_time

from bench.growth_cases import Case, Step, cases, namespace_cases
from mockkms import MockKMS

_BLOCKS, _BLOCK = 10, 20
_FLAVORS = {"vault": cases, "openbao": namespace_cases}


def cost(step: Step) -> float:
    """Return the CPU microseconds of one step, the least of several blocks."""
    found = []
    for _ in range(_BLOCKS):
        started = process_time()
        for _ in range(_BLOCK):
            step()
        found.append((process_time() - started) / _BLOCK * 1e6)
    return min(found)


def every_case() -> Iterator[Case]:
    """Yield the cases of all servers, each of which runs while its cases do."""
    for flavor, those in _FLAVORS.items():
        with MockKMS(root_token="root", flavor=flavor, rng=1) as kms:
            yield from those(kms)


def measure(scale: float = 1.0, word: str = "") -> dict[str, dict[str, float]]:
    """Return the costs at few and at many, and their ratio, by name; ``scale`` makes ``many`` fewer.

    ``word``: of cases without it in their name, few are made, and nothing is measured.
    """
    found: dict[str, dict[str, float]] = {}
    for name, few, many, more, step in every_case():
        if word not in name:
            more()
            continue
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
    parser.add_argument("--only", default="", metavar="WORD", help="measure the cases with this in their name")
    options = parser.parse_args(argv)
    found = measure(options.scale, options.only)
    print(f"{'CPU of one more, µs':<52}{'at few':>10}{'at many':>10}{'ratio':>8}{'many':>10}")
    for name, row in found.items():
        print(f"{name:<52}{row['few']:>10.1f}{row['many']:>10.1f}{row['ratio']:>8.2f}{row['at']:>10.0f}")
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
