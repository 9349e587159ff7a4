"""The page on the command line: its commands run, and print what its tables say."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from mockkms import MockKMS
from mockkms.cli import main
from mockkms.cli.commands.completion import SHELLS
from mockkms.cli.line_writer import LONGEST_LINE
from tests.deploy.commands import parsed

from .pages import ROOT, blocks

PAGE = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
LINES = [line for block in blocks("docs/cli.md", "sh") for line in block.splitlines()]


@pytest.mark.parametrize("shell", list(SHELLS))
def test_the_lines_that_load_the_completion(shell: str) -> None:
    [block] = blocks("docs/cli.md", shell)
    assert block.partition("#")[0].strip() == SHELLS[shell]
    if shutil.which(shell) is not None:
        subprocess.run([shell, "-n", "-c", block], check=True)


def test_commands_with_json(
    kms: MockKMS, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VAULT_ADDR", kms.url)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "worlds").mkdir()
    (tmp_path / "worlds" / "one.yaml").write_text("mockkms: 1\n")
    main(["state", "save", "before"])
    lines = [line for line in LINES if line.endswith("--json")]
    assert len(lines) == 8
    for line in lines:
        assert main(shlex.split(line.replace("*", "one"))[1:]) == 0
        told = json.loads(capsys.readouterr().out)
        words = " ".join(word for word in line.split()[1:3] if word not in ("worlds/*.yaml", "--json", "before"))
        if words != "status":
            [row] = [row for row in PAGE.splitlines() if row.startswith("| `") and f"`{words}`" in row]
            assert [member for member in told if f"`{member}`" not in row] == [], row


def test_all_other_commands_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    others = [line for line in LINES if line.startswith("mockkms") and not line.endswith("--json")]
    assert len(others) == 3
    for command in (part for line in others for part in line.partition(">")[0].split("|")):
        parsed(shlex.split(command)[1:], monkeypatch)


def test_commands_in_an_environment_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are ``mockkms`` commands after the runner; ``tests/plugin/test_packages.py`` runs the wheel as they do."""
    runners = {"pipx run mockkms ", "uvx mockkms "}
    found = [(runner, line.removeprefix(runner)) for runner in runners for line in LINES if line.startswith(runner)]
    assert {runner for runner, _ in found} == runners
    for _, rest in found:
        assert parsed(shlex.split(rest), monkeypatch).command == "serve"


def test_the_length_of_lines() -> None:
    [given] = re.findall(r"more than ([\d,]+) characters", PAGE)
    assert int(given.replace(",", "")) == LONGEST_LINE
