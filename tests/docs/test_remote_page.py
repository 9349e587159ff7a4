"""Every example of the page on servers elsewhere runs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from mockkms import MockKMS
from mockkms.cli import main

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "remote.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """The code block of one language."""
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_python_example_runs() -> None:
    with MockKMS(control_token="let-me") as kms:
        exec(compile(block("python"), "remote.md", "exec"), {"URL": kms.url})
        assert kms.journal.total == 0


def test_the_commands_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    serve, *commands = [shlex.split(line)[1:] for line in block("sh").splitlines()]
    assert serve[:3] == ["serve", "--control-token", "let-me"]
    with MockKMS(control_token=serve[2]) as kms:
        monkeypatch.setenv("MOCKKMS_URL", kms.url)
        assert [main(command) for command in commands] == [0, 0, 0]
        assert [rule.id for rule in kms.tenant("one").faults] == ["rule-1"]
    assert capsys.readouterr().err == ""
