"""What the pytest plugin costs: the fixture where it is used, and a run where it is not."""

from __future__ import annotations

import json
import resource
import tempfile
from pathlib import Path
from statistics import median

from bench import installed, processes

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


def unused_plugin(rounds: int) -> dict[str, float]:
    """CPU milliseconds that the installed, unused plugin adds to a bare run of pytest, each the difference of minima.

    ``unused_plugin_ms``: of the plugin itself, to a run with ``-p no:mockkms``. ``unused_distribution_ms``: to a run in
    an environment without mockkms; this includes that pytest reads the list of files of a distribution with a plugin.
    """
    with tempfile.TemporaryDirectory(prefix="mockkms-bench-") as name:
        folder = Path(name)
        (folder / "test_bare.py").write_text(_BARE)
        bare = ["-S", "-m", "pytest", "-p", "no:cacheprovider", "-q", "test_bare.py"]
        without = (installed.pytest_folder(folder),)
        along = (*without, installed.mockkms_folder(folder))
        runs = {
            "without": (without, bare), "off": (along, [*bare, "-p", "no:mockkms"]), "on": (along, bare),
        }  # fmt: skip
        taken: dict[str, list[float]] = {kind: [] for kind in runs}
        for number in range(rounds + 1):
            # Who goes first changes from round to round.
            for kind in list(runs) if number % 2 else list(runs)[::-1]:
                path, command = runs[kind]
                before = _children()
                processes.python(*command, cwd=folder, path=path)
                taken[kind].append(_children() - before)
        least = {kind: min(times[1:]) * 1000 for kind, times in taken.items()}
    return {
        "unused_plugin_ms": least["on"] - least["off"],
        "unused_distribution_ms": least["on"] - least["without"],
    }


def _children() -> float:
    """Return the CPU seconds, user and system, of all processes that were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
