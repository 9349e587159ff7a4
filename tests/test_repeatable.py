"""The same seed, world, frozen clock and requests give the same bytes: in one process, in many, under xdist."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mockkms import MockKMS
from tests import repeatable

ROOT = Path(__file__).resolve().parents[1]
RUNS = 100
WORKER = """
import pytest
from mockkms import MockKMS
from tests import repeatable

@pytest.mark.parametrize("place", range(4))
def test_digest(place, worker_id, tmp_path_factory):
    with MockKMS(seed=repeatable.WORLD) as kms:
        digest = repeatable.digest(repeatable.converse(kms))
    shared = tmp_path_factory.getbasetemp().parent
    (shared / f"digest-{place}").write_text(f"{worker_id} {digest}")
"""


def child(*command: str, hash_seed: int, cache: Path) -> str:
    """What a Python process with its own order of sets prints; the processes of a test compile modules once."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
    environment |= {"PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(cache)}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def test_a_hundred_runs_are_byte_for_byte_the_same() -> None:
    with MockKMS(seed=repeatable.WORLD) as kms:
        first = repeatable.converse(kms, whole=False)
        assert {kept[:3] for _, kept in first} >= {b"200", b"204", b"400", b"403", b"503", b"cut"}
        for _ in range(RUNS - 1):
            kms.reset()
            again = repeatable.converse(kms, whole=False)
            assert again == first, "\n".join(repeatable.differences(first, again))


def test_another_seed_gives_other_bytes() -> None:
    digests = set()
    for seed in (42, 43):
        with MockKMS(seed=repeatable.WORLD, rng=seed) as kms:
            digests.add(repeatable.digest(repeatable.converse(kms, whole=False)))
    assert len(digests) == 2


def test_processes_and_xdist_workers_agree_whatever_the_order_of_their_sets(tmp_path: Path) -> None:
    pytest.importorskip("xdist")
    suite, shared, cache = tmp_path / "suite", tmp_path / "base", tmp_path / "cache"
    suite.mkdir()
    (suite / "test_worker.py").write_text(WORKER, encoding="utf-8")
    alone = child("-m", "tests.repeatable", hash_seed=1, cache=cache)
    xdist = ("-p", "xdist", "-n", "4", "-p", "no:cacheprovider", f"--basetemp={shared}", f"--rootdir={suite}")
    child("-m", "pytest", "-q", *xdist, str(suite), hash_seed=2, cache=cache)
    told = [path.read_text(encoding="utf-8").split() for path in shared.glob("digest-*")]
    assert len({worker for worker, _ in told}) == 4
    assert {digest for _, digest in told} == {alone}
