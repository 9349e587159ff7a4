"""``--json`` of the commands that scripts read, and ``serve --log-format json``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from mockkms import MockKMS
from mockkms.cli import main

from .conftest import Served


@pytest.fixture
def read(capsys: pytest.CaptureFixture[str], kms: MockKMS) -> Callable[..., Any]:
    """Runs a command against the server and parses what it prints."""

    def run(*words: str, code: int = 0) -> Any:
        assert main([*words, "--url", kms.url, "--json"]) == code
        return json.loads(capsys.readouterr().out)

    return run


def test_commands_against_a_server(read: Callable[..., Any], kms: MockKMS) -> None:
    assert read("clock", "freeze", "2026-01-01") == {"now": "2026-01-01T00:00:00Z", "frozen": True}
    assert read("clock", "show") == {"now": "2026-01-01T00:00:00Z", "frozen": True}
    assert read("clock", "resume")["frozen"] is False

    added = read("fault", "add", "sys/health", "answer=sealed", "id=mine")
    assert (added["id"], added["fired"]) == ("mine", 0)
    requests.get(f"{kms.url}/v1/sys/health", timeout=60)
    [rule] = read("fault", "list")["rules"]
    assert (rule["id"], rule["fired"]) == ("mine", 1)

    assert main(["state", "save", "before", "--url", kms.url]) == 0
    assert read("state", "snapshots") == {"snapshots": ["before"]}
    assert read("state", "diff", "before") == {"changes": []}
    requests.post(f"{kms.url}/v1/secret/data/a", json={"data": {}}, headers={"X-Vault-Token": "root"}, timeout=60)
    assert any("secret/" in line for line in read("state", "diff", "before")["changes"])

    assert [entry["status"] for entry in read("journal")["entries"]] == [503, 200]
    assert read("journal", "show", "status=503")["count"] == 1
    assert read("journal", "--lint") == {"findings": []}
    assert 'path "secret/data/a"' in read("journal", "--policy")["policy"]


def test_status(capsys: pytest.CaptureFixture[str], kms: MockKMS) -> None:
    assert main(["status", "-address", kms.url, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sealed"] is False


def test_check(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    world = tmp_path / "world.yaml"
    world.write_text("mockkms: 1\nvault:\n  mount: {}\n")
    assert main(["check", str(world), "dev", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    [problem] = told["problems"]
    assert (told["ok"], told["unreadable"]) == (False, [])
    assert (problem["file"], problem["line"], problem["column"], problem["path"]) == (str(world), 3, 3, "vault.mount")
    assert "did you mean" in problem["message"]

    assert main(["check", "dev", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"ok": True, "problems": [], "unreadable": []}
    assert main(["check", str(tmp_path / "none.yaml"), "--json"]) == 2
    assert "none.yaml" in json.loads(capsys.readouterr().out)["unreadable"][0]


def test_logs_in_json(serve: Callable[..., Served], tmp_path: Path) -> None:
    world = tmp_path / "world.yaml"
    world.write_text("mockkms: 1\n")
    served = serve("-v", "--log-format", "json", "--host", "0.0.0.0", "--seed", str(world), "--watch")
    url = served.url.replace("0.0.0.0", "127.0.0.1")
    requests.get(f"{url}/v1/sys/health", timeout=60)
    requests.get(f"{url}/v1/secret/data/{'a' * 60_000}", headers={"X-Vault-Token": "root"}, timeout=60)
    served.stop()
    lines = [json.loads(line) for line in served.text().splitlines()]
    warning, ready, health, long = lines
    assert (warning["level"], "other machines" in warning["message"] or "anyone" in warning["message"]) == (
        "warning",
        True,
    )
    assert (ready["event"], ready["url"], ready["token"]) == ("ready", served.url, "root")
    assert (health["event"], health["status"], health["target"]) == ("request", 200, "/v1/sys/health")
    assert long["status"] == 404
    assert "a-secret" not in served.text()
    assert all({"time", "level", "event"} <= set(line) for line in lines)
