"""docs/reports.md: what its tables name exists, its line is what the terminal shows, and its check of CI works."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from mockkms import MockKMS
from mockkms.cli import main
from mockkms.report.model import Usage
from mockkms.report.suite import Count, Report
from mockkms.report.writing import write_report
from mockkms.world.journal.least_privilege import Grant

from .pages import ROOT, blocks

PAGE = "docs/reports.md"
TEXT = (ROOT / PAGE).read_text(encoding="utf-8")


def test_the_keys_of_the_document() -> None:
    table = TEXT.partition("## The JSON document")[2]
    named = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert set(named) | {"mockkms_report", "mockkms", "created"} == set(Report().data())
    of_tests = table.partition("| `tests` |")[2].partition("\n")[0]
    assert set(re.findall(r"`(\w+)`", of_tests)) == set(Usage("").data())
    sections = re.findall(r"`(\w+)`", table.partition("| `counts` |")[2].partition("\n")[0])
    assert sections[0] == "exploration"
    assert sections[1:] == [count.section for count in Report().counts]


def test_the_line_on_the_terminal() -> None:
    names = [(count.one, count.many) for count in Report().counts]
    [line] = blocks(PAGE, "text")
    parts = re.findall(r"(\d+) ([a-z ]+?)(?:,|;)", line)
    assert len(parts) == 3
    for number, said in parts:
        assert any(str(Count("", int(number), one, many)) == f"{number} {said}" for one, many in names), said


@pytest.mark.parametrize(("unused", "said"), [((), ""), (("read",), "1 grants are never used")])
def test_the_check_of_ci(tmp_path: Path, unused: tuple[str, ...], said: str) -> None:
    grant = Grant("", "app", "secret/*", ("read",), unused)
    write_report(tmp_path / "report.json", Report([Usage("test_it", grants=[grant])]))
    [program] = blocks(PAGE, "python")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr.strip()) == (int(bool(said)), said)


def test_the_command_for_a_running_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kms: MockKMS) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MOCKKMS_URL", kms.url)
    assert main(shlex.split(blocks(PAGE, "sh")[1])[1:]) == 0
    assert kms.url in (tmp_path / "report.html").read_text()


def test_the_command(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_it(mockkms): pass\n")
    command = blocks(PAGE, "sh")[0]
    words = [sys.executable, "-m", *command.split(), "-q", "-p", "no:cacheprovider", "--rootdir", "."]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
    assert "<h1>mockkms report</h1>" in (tmp_path / "report.html").read_text()


def test_the_pictures() -> None:
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", TEXT)
    assert len(pictures) == 2
    for picture in pictures:
        assert (ROOT / "docs" / picture).read_bytes().startswith(b"\x89PNG")
