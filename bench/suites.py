"""What the pytest plugin costs: the fixture where it is used, and a run where it is not."""

from __future__ import annotations

import json
import resource
import tempfile
from pathlib import Path
from statistics import median

from bench import processes

_OTHERS = ("-p", "no:randomly", "-p", "no:xdist", "-p", "no:cacheprovider", "-q")
_USING = """
import json, time
from pathlib import Path
import pytest
from bench import load

TIMES = []

@pytest.fixture
def started():
    return time.perf_counter()

@pytest.mark.parametrize("number", range({tests}))
def test_first_call(started, mockkms, number):
    load.once(int(mockkms.url.rpartition(":")[2]), load.request("GET", "/v1/sys/mounts"))
    TIMES.append((time.perf_counter() - started) * 1000)

def test_written():
    Path({where!r}).write_text(json.dumps(TIMES))
"""
_BARE = "def test_nothing():\n    pass\n"


def fixture(tests: int) -> dict[str, float]:
    """Milliseconds from a test's request of ``mockkms`` to its first answered call: the first test, and the rest."""
    with tempfile.TemporaryDirectory(prefix="mockkms-bench-") as folder:
        where = Path(folder, "times.json")
        Path(folder, "test_using.py").write_text(_USING.format(tests=tests + 1, where=str(where)))
        processes.python("-m", "pytest", *_OTHERS, "test_using.py", cwd=Path(folder))
        times = json.loads(where.read_text())
    return {"fixture_first_ms": times[0], "fixture_ms": median(times[1:])}


def unused_plugin(rounds: int) -> float:
    """CPU milliseconds that the installed, unused plugin adds to a bare run: the least with it, less that without."""
    with tempfile.TemporaryDirectory(prefix="mockkms-bench-") as folder:
        Path(folder, "test_bare.py").write_text(_BARE)
        bare = ["-m", "pytest", *_OTHERS, "test_bare.py"]
        taken: dict[bool, list[float]] = {True: [], False: []}
        for number in range(rounds + 1):
            # Who goes first changes from pair to pair.
            for without in (True, False) if number % 2 else (False, True):
                before = _children()
                processes.python(*bare, *(("-p", "no:mockkms") if without else ()), cwd=Path(folder))
                taken[without].append(_children() - before)
        return (min(taken[False][1:]) - min(taken[True][1:])) * 1000


def _children() -> float:
    """Return the CPU seconds, user and system, of all processes that were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
