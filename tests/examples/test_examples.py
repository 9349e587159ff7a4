"""The examples: their tests pass, an exploration finds each flaw with one command, and the fixed twins are clean."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from mockkms.explore.results import Cell, Exploration, ExploredTest
from tests.docs.pages import ROOT, blocks
from tests.server.control.browser import CHROMIUM, browser

EXAMPLES = ROOT / "examples"
SCREENSHOTS = os.environ.get("MOCKKMS_SCREENSHOTS", "")
"""Folder to write the pictures of the documentation to."""
README = (EXAMPLES / "README.md").read_text(encoding="utf-8")
COMMANDS = [line for block in blocks("examples/README.md", "sh") for line in block.splitlines() if "pytest" in line]
FLAWS = {
    "no_retry": "raised",
    "double_rotate": "double-write",
    "dead_token": "used-after-end",
    "hasty_retry": "retry-after-ignored",
    "lost_write": "lost-write",
}
"""How each flaw is reported: the kind of a wrong outcome, or the outcome."""


def run(command: str, *more: str, folder: Path = EXAMPLES) -> subprocess.CompletedProcess[str]:
    """Run a command of the README as it stands there, with this Python."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST")}
    words = [sys.executable, "-m", *shlex.split(command), "-p", "no:cacheprovider", "-p", "no:randomly", *more]
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False)


def explored(path: Path) -> tuple[ExploredTest, ExploredTest]:
    """The tests of the flawed service and of its fixed twin, from a report."""
    result = Exploration.from_data(json.loads(path.read_text(encoding="utf-8"))["exploration"])
    fixed, flawed = result.tests  # In the order of their ids.
    assert (flawed.id.rpartition("[")[2], fixed.id.rpartition("[")[2]) == ("flawed]", "fixed]")
    return flawed, fixed


def problems(test: ExploredTest) -> list[Cell]:
    """The cases that the code does not survive."""
    return [cell for cell in test.cells if cell.problem]


def test_the_readme_names_every_example() -> None:
    folders = {path.parent.name for path in EXAMPLES.glob("*/flawed.py")}
    assert folders == set(FLAWS)
    assert {folder: re.findall(rf"\| `{folder}` \|.*\| (?:wrong: )?([a-z-]+) \|", README) for folder in folders} == {
        folder: [said] for folder, said in FLAWS.items()
    }
    assert [command for command in COMMANDS if "report" not in command] == [
        f"pytest {folder} --mockkms-explore" for folder in FLAWS
    ]


def test_nothing_is_seen_without_an_exploration() -> None:
    done = run("pytest -q")
    assert "10 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("folder", FLAWS)
def test_one_command_finds_the_flaw(folder: str, tmp_path: Path) -> None:
    [command] = [command for command in COMMANDS if f" {folder} " in command]
    done = run(command, f"--mockkms-report={tmp_path / 'report.json'}")
    flawed, fixed = explored(tmp_path / "report.json")
    found = problems(flawed)
    assert {cell.kind or str(cell.outcome) for cell in found} == {FLAWS[folder]}
    assert problems(fixed) == [], done.stdout
    assert flawed.cells
    assert fixed.cells
    assert all(test.left_out == 0 and not test.skipped for test in (flawed, fixed))
    row = re.findall(rf"\| `{folder}` \|[^|]*\|([^|]*)\|", README)[0]
    named = set(re.findall(r"`([\w-]+)`", row))
    assert not named or {cell.faults[0].failure for cell in found} == named
    # Only what is wrong fails the session; an exception is what a caller can see.
    assert done.returncode == int(FLAWS[folder] != "raised"), done.stdout
    if folder == "double_rotate":
        again = run(found[0].command, f"--mockkms-report={tmp_path / 'again.json'}")
        result = Exploration.from_data(json.loads((tmp_path / "again.json").read_text(encoding="utf-8"))["exploration"])
        [cell] = [cell for _, cell in result.cells()]
        assert (cell.id, cell.kind) == (found[0].id, found[0].kind), again.stdout


def test_the_page_of_all_examples(tmp_path: Path) -> None:
    [command] = [command for command in COMMANDS if "report" in command]
    assert command.endswith(" report.html")
    done = run(command.replace("report.html", str(tmp_path / "report.html")), "-n", "2", "--mockkms-explore-set=smoke")
    assert done.returncode == 1, done.stdout
    assert "failures not survived" in done.stdout
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for folder in FLAWS:
        assert f"{folder}/test_{folder}.py::" in page


@pytest.mark.skipif(
    not SCREENSHOTS or CHROMIUM is None, reason="set MOCKKMS_SCREENSHOTS to the folder for the documentation's pictures"
)
async def test_pictures_for_the_documentation(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    done = await asyncio.to_thread(run, "pytest --mockkms-explore", "-n", "2", f"--mockkms-report={path}")
    assert done.returncode == 1, done.stdout
    async with browser() as page:
        for name, dark in (("matrix", False), ("case", True)):
            await page.size(1280, 800, dark=dark)
            await page.open("about:blank")
            await page.open(path.as_uri())
            if name == "case":
                await page.run("document.querySelector('.matrix').scrollIntoView(); 0")
                await page.run("document.querySelector('.matrix .cell.bad').click(); 0")
                await page.until("Boolean(document.querySelector(':popover-open'))")
            file = f"{name}-1280-{'dark' if dark else 'light'}.png"
            (Path(SCREENSHOTS) / file).write_bytes(await page.screenshot())
