"""The commands of the page on captures run, and its flags are there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from mockkms import MockKMS
from mockkms.cli import main
from tests.docs.pages import ROOT, blocks

PAGE = "docs/capture.md"
TEXT = (ROOT / PAGE).read_text(encoding="utf-8")


def test_the_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    capture, check, serve = blocks(PAGE, "sh")[0].splitlines()
    mounts = {"secret/": {"type": "kv", "version": 2, "secrets": {"app/db": {"password": "real"}, "b": {"c": "d"}}}}
    with MockKMS(seed={"vault": {"mounts": mounts}}) as real:
        assert main(shlex.split(capture.replace("http://127.0.0.1:8200", real.url))[1:]) == 0
    assert main(shlex.split(check)[1:]) == 0
    assert serve.endswith("--seed captured.yaml")
    Path("data.yaml").write_text(blocks(PAGE, "yaml")[0])
    files = re.findall(r"--seed (\S+)", blocks(PAGE, "sh")[1])
    with MockKMS(seed=files) as kms:
        assert "for-tests" in kms.dump()
        assert "b" in kms.dump()


@pytest.mark.parametrize("flag", sorted({*re.findall(r"`(--[a-z-]+)", TEXT)}))
def test_the_flags_are_there(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["capture", "--help"])
    assert flag in capsys.readouterr().out
