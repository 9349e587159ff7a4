"""Resident memory of ``mockkms serve`` in MiB: ``python -m bench.memory``.

At the start, after the first answer, and after many encryptions. Modules are compiled by a server before it, as those
of an installed package are.
"""

from __future__ import annotations

import argparse
import json
import sys

from bench import calls, load, processes

ENCRYPTIONS = 100_000


def measure(encryptions: int) -> dict[str, float]:
    """Return the resident memory at the start and after so many encryptions."""
    for compiled in (False, True):
        with processes.ours() as ours:
            start = ours.resident()
            load.once(ours.port, calls.post("/v1/sys/mounts/transit", {"type": "transit"}))
            load.once(ours.port, calls.post("/v1/transit/keys/app", {}))
            with load.connect(ours.port) as connection:
                for _ in range(encryptions if compiled else 1):
                    load.exchange(connection, calls.FLOOR)
            after = ours.resident()
    return {"resident_mib": start, "resident_after_load_mib": after}


def main(argv: list[str]) -> int:
    """Measure, and print JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    parser.add_argument("--encryptions", type=int, default=ENCRYPTIONS, help="how many (default: %(default)s)")
    print(json.dumps(measure(parser.parse_args(argv).encryptions)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
