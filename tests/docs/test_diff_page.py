"""The commands of the page on comparisons run, and its table is complete."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import requests

from mockkms import MockKMS
from mockkms.cli import main
from mockkms.comparing.volatile import NAMES
from mockkms.comparing.worlds import VOLATILE
from tests.docs.pages import ROOT, blocks

PAGE = "docs/diff.md"
TEXT = (ROOT / PAGE).read_text(encoding="utf-8")
WORLD = """
vault:
  mounts: {transit/: {type: transit, keys: {%s: {type: aes256-gcm96}}}}
  auth: {approle/: {type: approle, roles: {web: {token_ttl: %s}}}}
"""


def test_the_difference_of_worlds_is_the_one_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("staging.yaml").write_text(WORLD % ("orders", "1h"))
    Path("production.yaml").write_text(WORLD % ("payments", "2h"))
    assert main(shlex.split(blocks(PAGE, "sh")[0])[1:]) == 1
    assert capsys.readouterr().out == blocks(PAGE, "text")[0]


def test_the_commands_for_servers_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with MockKMS() as one, MockKMS(flavor="openbao") as other:
        with MockKMS(upstream=one.url, record="vault.jsonl") as proxy:
            requests.get(f"{proxy.url}/v1/sys/health", timeout=60)
        for command, first in ((1, one.url), (2, None)):
            line = blocks(PAGE, "sh")[command].replace("http://127.0.0.1:8201", other.url)
            assert main(shlex.split(line.replace("http://127.0.0.1:8200", first or ""))[1:]) == 1
            shown = capsys.readouterr().out
            assert "['version']: '2.1.0' -> '2.6" in shown
            assert shown.splitlines()[0] == blocks(PAGE, "text")[1].splitlines()[0]


def test_every_ignored_name_is_listed() -> None:
    assert {*NAMES} <= {*re.findall(r"`([a-z_0-9]+)`", TEXT[TEXT.index("| ignored |") :])}
    keys = TEXT[TEXT.index("Not compared are") : TEXT.index("`--ignore GLOB` adds")]
    assert {*re.findall(r"`([a-z_*]+)`", keys)} == {*VOLATILE}


@pytest.mark.parametrize("flag", sorted({*re.findall(r"`(--[a-z-]+)", TEXT)}))
def test_the_flags_are_there(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["diff" if flag != "--state" else "serve", "--help"])
    assert flag in capsys.readouterr().out
