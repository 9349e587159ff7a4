"""The tutorial's steps, in order, with the results that it announces."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from mockkms import MockKMS
from mockkms.cli import main
from tests.clients.toolchain import tool
from tests.docs.pages import ROOT, blocks

PAGE = "docs/tutorial.md"


def run_suite(folder: Path) -> str:
    """Run the suite in ``folder`` and return its output."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", str(folder)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False).stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The reader's folder after step 2."""
    (tmp_path / "world.yaml").write_text(blocks(PAGE, "yaml")[0], encoding="utf-8")
    (tmp_path / "pytest.ini").write_text(blocks(PAGE, "ini")[0], encoding="utf-8")
    return tmp_path


def test_the_world_is_valid(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(folder / "world.yaml")]) == 0, capsys.readouterr().out


def test_each_step_ends_as_the_page_says(folder: Path) -> None:
    first_client, first_tests, more_tests, second_client = blocks(PAGE, "python")
    announced = re.findall(r"`(\d+ (?:failed, \d+ )?passed)`", (ROOT / PAGE).read_text(encoding="utf-8"))
    tests = folder / "test_orders.py"

    (folder / "orders.py").write_text(first_client, encoding="utf-8")
    tests.write_text(first_tests, encoding="utf-8")
    outputs = [run_suite(folder)]
    tests.write_text(first_tests + "\n\n" + more_tests, encoding="utf-8")
    outputs.append(run_suite(folder))
    (folder / "orders.py").write_text(second_client, encoding="utf-8")
    outputs.append(run_suite(folder))

    assert len(announced) == len(outputs)
    for result, output in zip(announced, outputs, strict=True):
        assert re.search(rf"^{result} in ", output, re.MULTILINE), (result, output)


def test_the_shell_commands_work(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, block = blocks(PAGE, "sh")
    serve, _, *curls, journal = block.splitlines()
    assert serve.startswith("mockkms serve --seed world.yaml")
    with MockKMS(seed=folder / "world.yaml") as kms:
        for command in curls:
            words = shlex.split(command.replace("$VAULT_ADDR", kms.url))
            done = subprocess.run(
                [tool(words[0]), "-sS", *words[1:]], capture_output=True, text=True, timeout=60, check=True
            )
        assert "rate limit quota exceeded" in done.stdout
        monkeypatch.setenv("VAULT_ADDR", kms.url)
        assert main(shlex.split(journal)[1:]) == 0
    assert "GET /v1/secret/data/orders/1" in capsys.readouterr().out


def test_its_links_lead_to_pages() -> None:
    named = re.findall(r"\]\(([\w-]+\.md)\)", (ROOT / PAGE).read_text(encoding="utf-8"))
    assert named
    assert [page for page in named if not (ROOT / "docs" / page).is_file()] == []
