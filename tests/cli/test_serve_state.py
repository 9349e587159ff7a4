"""``serve --state FILE`` and ``mockkms state export|import|diff`` as processes: kills, flags that a state overrules."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
import yaml

from mockkms.cli import main
from mockkms.world import state_file

from .conftest import Served

SLACK = float(os.environ.get("MOCKKMS_KILL_SLACK", "4"))
"""Seconds. One is promised; a machine that does other things may take longer to write."""
KILLS = int(os.environ.get("MOCKKMS_KILLS", "3"))
"""Kills of the test; for a release, 200 with a slack of 1."""
KILLS_OF_A_FILE = 20
"""Then a new one: a second is promised for states of some thousand secrets, not for all that 200 servers are sent."""
Serve = Callable[..., Served]


def write(served: Served, name: str) -> float:
    """Store a secret; returns when it was acknowledged, seconds."""
    url = f"{served.url}/v1/secret/data/{name}"
    answer = requests.post(url, json={"data": {"a": 1}}, headers={"X-Vault-Token": "root"}, timeout=60)
    assert answer.status_code == 200
    return time.monotonic()


def stored(served: Served) -> set[str]:
    """Return the names of all secrets."""
    url = f"{served.url}/v1/secret/metadata/?list=true"
    answer = requests.get(url, headers={"X-Vault-Token": "root"}, timeout=60)
    return set(answer.json()["data"]["keys"]) if answer.status_code == 200 else set()


def test_a_kill_leaves_a_whole_file_with_all_but_the_last_moments(serve: Serve, tmp_path: Path) -> None:
    dice = random.Random(f"kills {KILLS}")
    for number in range(KILLS):
        if number % KILLS_OF_A_FILE == 0:
            (tmp_path / "vault.state").unlink(missing_ok=True)
        served = serve("--state", "./vault.state")
        acknowledged: dict[str, float] = {}
        until = time.monotonic() + SLACK + dice.uniform(0.2, 0.6)
        while time.monotonic() < until:
            name = f"s{number}-{len(acknowledged)}"
            acknowledged[name] = write(served, name)
        served.stop(signal.SIGKILL)
        killed = time.monotonic()
        assert state_file.read(tmp_path / "vault.state")[0].flavor == "vault"
        served = serve("--state", "./vault.state")
        assert {name for name, moment in acknowledged.items() if moment < killed - SLACK} - stored(served) == set()
        served.stop()


def test_sigterm_loses_nothing(serve: Serve) -> None:
    served = serve("--state", "./vault.state")
    write(served, "last")
    served.stop()
    assert stored(serve("--state", "./vault.state")) == {"last"}


def test_a_last_save_that_fails_is_in_the_exit_code(serve: Serve, tmp_path: Path) -> None:
    served = serve("--state", "./vault.state")
    (tmp_path / "vault.state").unlink()
    (tmp_path / "vault.state").mkdir()
    served.stop()
    assert served.process.returncode == 1
    assert "the changes since it was last written are lost" in served.text()


def test_a_state_overrules_the_world_and_says_so(serve: Serve) -> None:
    serve("--state", "./vault.state").stop()
    served = serve(
        "--state",
        "./vault.state",
        "--seed",
        "payments",
        "--root-token",
        "other",
        "--rng",
        "1",
        "--clock",
        "2020-01-01",
        "--rustfs-api",
        "guide",
    )
    assert served.ready["token"] == "root"
    served.stop()
    assert (
        "vault.state has a state, which is used; --seed, --root-token, --rng, --clock TIME, --rustfs-api are ignored"
        in served.text()
    )
    assert "the state is kept in vault.state" in served.text()


def test_a_file_in_use_is_refused(serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    serve("--state", "./vault.state")
    assert main(["serve", "--port", "0", "--state", str(tmp_path / "vault.state")]) == 2
    assert f"mockkms serve: another server keeps its state in {tmp_path}/vault.state" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            ("--state", "unsealde"),
            "--state unsealde: unsealed, sealed, uninitialized, or a file such as ./unsealde.state",
        ),
        (("--state", "./a", "--state", "./b"), "--state ./b: --state is given twice"),
        (("--state", "./nowhere/a"), "--state ./nowhere/a: the folder nowhere does not exist"),
        (("--state", "./folder.d"), "cannot read the state file folder.d: Is a directory"),
    ],
)
def test_bad_flags(
    flags: tuple[str, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.d").mkdir()
    assert main(["serve", *flags]) == 2
    assert message in capsys.readouterr().err


def test_export_import_and_diff(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["state", "import", "payments", "a.state"]) == 0
    assert main(["state", "import", "payments", "a.state"]) == 2
    assert "a.state exists already" in capsys.readouterr().err
    assert main(["state", "export", "a.state", "-o", "world.yaml"]) == 0
    assert yaml.safe_load(Path("world.yaml").read_text(encoding="utf-8"))["mockkms"] == 1
    assert main(["state", "import", "world.yaml", "b.state"]) == 0
    assert main(["state", "diff", "a.state", "b.state"]) == 0
    assert main(["state", "import", "dev", "c.state"]) == 0
    assert main(["state", "diff", "a.state", "c.state"]) == 1
    assert "- vault.mounts" in capsys.readouterr().out
    assert main(["state", "export", "nowhere.state"]) == 2
    assert "cannot read the state file nowhere.state: No such file or directory" in capsys.readouterr().err
    Path("bad.yaml").write_text("mockkms: 1\nvalt: {}\n")
    assert main(["state", "import", "bad.yaml", "d.state"]) == 2
    assert "valt" in capsys.readouterr().err
