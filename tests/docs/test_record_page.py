"""Every example of the page on recordings runs, and what its tables say is so."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import requests

from mockkms import MockKMS
from mockkms.recording.reader import read
from tests.docs.pages import ROOT, blocks

PAGE = "docs/record.md"
TEXT = (ROOT / PAGE).read_text(encoding="utf-8")


def test_the_python_example_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "vault.jsonl"
    with MockKMS(root_token="hvs.the-token-of-production") as real:
        names: dict[str, object] = {"URL": real.url, "TOKEN": real.token, "FILE": file}
        exec(compile(blocks(PAGE, "python")[0], PAGE, "exec"), names)
    assert "1 request recorded" in capsys.readouterr().out


def test_the_error_is_the_one_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with MockKMS() as real, MockKMS(upstream=real.url, record="vault.jsonl") as proxy:
        headers = {"X-Vault-Token": real.token}
        requests.post(f"{proxy.url}/v1/sys/mounts/transit", json={"type": "transit"}, headers=headers, timeout=60)
        requests.post(f"{proxy.url}/v1/transit/keys/a", json={"exportable": True}, headers=headers, timeout=60)
    with MockKMS(replay="vault.jsonl") as kms:
        got = requests.post(f"{kms.url}/v1/transit/keys/a", json={"exportable": False}, timeout=60)
    assert got.json() == json.loads(blocks(PAGE, "json")[0])
    assert got.status_code == 599


def test_the_file_shown_is_one(tmp_path: Path) -> None:
    path = tmp_path / "shown.jsonl"
    lines = [json.loads(line) for line in blocks(PAGE, "json")[1].splitlines()]
    path.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
    assert len(read(path).exchanges) == 1
    with MockKMS(replay=path) as kms:
        kms.section("test_app.py::test_login")
        got = requests.get(f"{kms.url}/v1/auth/token/lookup-self", headers={"X-Vault-Token": "mine"}, timeout=60)
    assert got.json() == {"data": {"id": "mine"}}


@pytest.mark.parametrize("flag", sorted({*re.findall(r"^\| `(--[a-z-]+)", TEXT, re.MULTILINE)}))
def test_the_flags_are_there(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    from mockkms.cli import main

    with pytest.raises(SystemExit):
        main(["serve", "--help"])
    assert flag in capsys.readouterr().out
