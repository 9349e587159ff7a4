"""Nothing is written outside the places that the user named, nothing beyond this machine is called, nothing is run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a run over the surface wrote, called and ran, and its places."""
    folder = tmp_path_factory.mktemp("watched")
    for name in ("named", "cache", "home", "temp", "work"):
        (folder / name).mkdir()
    environment = {
        **os.environ, "MOCKKMS_CACHE_DIR": str(folder / "cache"), "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "temp"), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    run = subprocess.run(
        [sys.executable, "-m", "tests.security.watched", str(folder / "named")],
        cwd=folder / "work", env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-3000:]
    return {**json.loads(run.stdout.splitlines()[-1]), "folder": folder}


def test_files_are_written_in_named_places_only(seen: dict[str, Any]) -> None:
    folder = seen["folder"]
    # The key and certificate of `tls=True` exist in a temporary folder, of which nothing is left. Files of an open
    # folder are removed by their names alone, and `mkdir` is tried for folders that exist.
    allowed = (folder / "named", folder / "cache", folder / "temp")
    strange = [
        path
        for path in seen["written"]
        if path not in ("/dev/null", "ca.pem", "server.pem", str(folder))
        and not path.isdecimal()
        and not any(Path(path).is_relative_to(place) for place in allowed)
    ]
    assert strange == []
    assert {path.name for path in (folder / "named").iterdir()} == {"audit", "state-openbao", "state-vault"}
    assert [*(folder / "home").iterdir(), *(folder / "work").iterdir(), *(folder / "temp").iterdir()] == []


def test_only_this_machine_is_called(seen: dict[str, Any]) -> None:
    assert set(seen["called"]) <= {"127.0.0.1", "::1", "localhost"}


def test_no_program_is_run(seen: dict[str, Any]) -> None:
    assert seen["started"] == []
