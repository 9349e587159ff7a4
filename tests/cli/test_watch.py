"""``serve --watch``: files that change while a server runs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import requests

from mockkms import MockKMS, SeedError
from mockkms.cli import main
from mockkms.cli.world_watcher import WorldWatcher

from .conftest import WAIT, Served

Serve = Callable[..., Served]
WORLD = """mockkms: 1
vault:
  root_token: {token}
  mounts:
    secret/: {{type: kv, version: 2, secrets: {{app: {{v: {value}}}}}}}
"""


def save(path: Path, text: str) -> None:
    """Replace a file in one step: a server on a busy machine would find it empty, and load that."""
    new = path.with_name(f".{path.name}")
    new.write_text(text)
    new.replace(path)


def secret(url: str) -> str | None:
    """Return the secret of the world, read with the first root token; None if that is refused."""
    answer = requests.get(f"{url}/v1/secret/data/app", headers={"X-Vault-Token": "first"}, timeout=60)
    return str(answer.json()["data"]["data"]["v"]) if answer.status_code == 200 else None


def wait_for(check: Callable[[], bool], served: Served) -> None:
    """Return once a check holds; a server that is starting again may refuse connections meanwhile."""
    until = time.monotonic() + WAIT
    while True:
        try:
            if check():
                return
        except requests.ConnectionError:
            pass
        assert time.monotonic() < until, served.text()
        time.sleep(0.02)


def test_a_changed_world_is_loaded_again(serve: Serve, tmp_path: Path) -> None:
    world = tmp_path / "world.yaml"
    save(world, WORLD.format(token="first", value="old"))
    served = serve("--seed", "world.yaml", "--watch")
    assert secret(served.url) == "old"
    requests.post(
        f"{served.url}/v1/secret/data/made", json={"data": {"a": 1}}, headers={"X-Vault-Token": "first"}, timeout=60
    )
    # The root token stays, whatever the file says: clients that run have it.
    save(world, WORLD.format(token="second", value="new"))
    wait_for(lambda: secret(served.url) == "new", served)
    made = requests.get(f"{served.url}/v1/secret/data/made", headers={"X-Vault-Token": "first"}, timeout=60)
    assert made.status_code == 404
    wait_for(lambda: "world.yaml changed; loaded again in" in served.text(), served)
    served.stop()


def test_a_broken_world_is_reported_and_the_old_one_stays(serve: Serve, tmp_path: Path) -> None:
    world = tmp_path / "world.yaml"
    save(world, WORLD.format(token="first", value="old"))
    served = serve("--seed", "world.yaml", "--watch")
    save(world, WORLD.format(token="first", value="new") + "  secerts: {}\n")
    wait_for(lambda: "secerts" in served.text(), served)
    assert "world.yaml changed and cannot be used; the current world stays:\n  world.yaml:6:3" in served.text()
    assert secret(served.url) == "old"
    world.unlink()
    wait_for(lambda: "No such file" in served.text(), served)
    assert secret(served.url) == "old"
    os.mkfifo(world)
    wait_for(lambda: "it is a device, a pipe or a socket" in served.text(), served)
    world.unlink()
    save(world, WORLD.format(token="first", value="new"))
    wait_for(lambda: secret(served.url) == "new", served)


def test_fault_rules_are_loaded_again(serve: Serve, tmp_path: Path) -> None:
    rules = tmp_path / "faults.yaml"
    save(rules, "[]\n")
    served = serve("--faults", "faults.yaml", "--watch")
    save(rules, "- {path: sys/health, status: 418}\n")
    wait_for(lambda: requests.get(f"{served.url}/v1/sys/health", timeout=60).status_code == 418, served)


def test_a_plan_of_chaos_is_loaded_again(serve: Serve, tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    save(plan, "phases: [{name: well, lasts: 1h}]\n")
    served = serve("--chaos", "plan.yaml", "--watch")
    save(plan, "phases: [{name: ill, lasts: 1h, rules: [{path: sys/health, status: 418}]}]\n")
    wait_for(lambda: requests.get(f"{served.url}/v1/sys/health", timeout=60).status_code == 418, served)


def test_restart(serve: Serve, tmp_path: Path) -> None:
    world = tmp_path / "world.yaml"
    save(world, WORLD.format(token="first", value="old"))
    served = serve("--seed", "world.yaml", "--watch=restart", "--rustfs-port", "0", "--control-port", "0")
    save(world, "mockkms: 2\n")
    wait_for(lambda: "the current world stays" in served.text(), served)
    assert secret(served.url) == "old"
    save(world, WORLD.format(token="first", value="new"))
    wait_for(lambda: secret(served.url) == "new", served)
    for name in ("rustfs_url", "control_url"):
        url = f"{served.ready[name]}/_mockkms/state"
        wait_for(partial(lambda url: requests.get(url, timeout=60).ok, url), served)
    assert served.process.poll() is None
    served.stop()
    assert served.process.returncode == 0


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--watch",), "--watch needs a file to watch; give one with --seed, --faults or --chaos"),
        (("--watch", "--seed", "dev"), "--watch needs a file to watch"),
        (("--watch", "--seed", "dev", "--state", "./a.state"), "--watch and --state FILE cannot be used together"),
        (("--watch=often",), "invalid choice: 'often'"),
        (("--watch=restart", "--seed", "world.yaml", "--nodes", "3", "--port", "0"), "--nodes need a --port"),
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
    save(tmp_path / "world.yaml", "mockkms: 1\n")
    try:
        code: object = main(["serve", *flags])
    except SystemExit as error:
        code = error.code
    assert code == 2
    assert message in capsys.readouterr().err


def test_reload_in_python(tmp_path: Path) -> None:
    world = tmp_path / "world.yaml"
    save(world, WORLD.format(token="first", value="old"))
    with MockKMS(seed=world) as kms:
        save(world, "mockkms: 1\nvault: {nothing: 1}\n")
        with pytest.raises(SeedError, match="nothing"):
            kms.reload()
        assert secret(kms.url) == "old"
        save(world, WORLD.format(token="second", value="new"))
        kms.reload()
        assert (kms.token, secret(kms.url)) == ("first", "new")
        kms.reset()
        assert secret(kms.url) == "new"


def test_a_file_that_is_being_written_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    world, seen = tmp_path / "world.yaml", []
    save(world, "old")
    watcher = WorldWatcher([world], lambda paths: seen.append(world.read_text()))
    with world.open("w") as file:  # Now it is empty.
        for _ in range(5):
            watcher.look()
        file.write("new")
    for _ in range(3):
        watcher.look()
    assert seen == ["new"]
    save(world, "")
    for _ in range(20):
        watcher.look()
    assert seen == ["new", ""]
