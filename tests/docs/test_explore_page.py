"""The examples of docs/explore.md run as a suite, with the matrix of the page, and its tables name what there is."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import yaml

from mockkms.explore.catalogue import FAILURES, read_failures
from mockkms.explore.results import Outcome, Wrong
from tests.docs.pages import ROOT, blocks

PAGE = "docs/explore.md"
TEXT = (ROOT / "docs" / "explore.md").read_text(encoding="utf-8")


def explored(folder: Path, test: str, *options: str, patience: int = 1) -> str:
    """Run the examples, or one of them, with clients that wait so many seconds, and return what pytest writes."""
    text = "\n\n".join(blocks(PAGE, "python"))
    assert "timeout=1)" in text
    (folder / "test_rotation.py").write_text(text.replace("timeout=1)", f"timeout={patience})"), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly", test]
    done = subprocess.run([*command, *options], cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    return done.stdout


def test_the_matrix_is_that_of_the_page(tmp_path: Path) -> None:
    """The example's matrix, and the number of runs that the page gives."""
    # On a busy machine, a request without a failure may take more than the second that the page's client waits.
    options = ("--mockkms-explore", "--mockkms-explore-limit=60")
    said = explored(tmp_path, "test_rotation.py::test_rotation", *options, patience=5)
    assert blocks(PAGE, "text")[0] in said, said
    runs = re.search(r"exploring\s+test_rotation.py::test_rotation: (\d+) runs", TEXT)
    assert runs is not None
    assert f"test_rotation.py::test_rotation: {runs[1]} runs, about " in said
    assert "1 passed" in said


def test_the_examples_pass(tmp_path: Path) -> None:
    """All examples are tests that pass."""
    assert "3 passed" in explored(tmp_path, "test_rotation.py", patience=60)


def test_own_failures(tmp_path: Path) -> None:
    """The file of own failures is valid."""
    (tmp_path / "own.yaml").write_text(blocks(PAGE, "yaml")[0])
    assert [failure.name for failure in read_failures(tmp_path / "own.yaml")] == [
        *yaml.safe_load(blocks(PAGE, "yaml")[0])
    ]


def test_the_tables_are_complete() -> None:
    """Failures with their sets, outcomes, kinds, and options are those that exist."""
    rows = re.findall(r"^\| (`[^|]+) \| [^|]+ \| (smoke|default|all) \|$", TEXT, re.MULTILINE)
    listed = {name: kind for names, kind in rows for name in re.findall(r"`([\w-]+)`", names)}
    assert listed == {failure.name: failure.smallest for failure in FAILURES}
    for outcome in Outcome:
        if outcome is not Outcome.MISSED:
            assert f"| `{outcome.letter}` | {outcome} |" in TEXT
    assert set(re.findall(r"^\| `([\w-]+)` \| [^|]+ \|$", TEXT, re.MULTILINE)) == {str(kind) for kind in Wrong}
    plugin = (ROOT / "conftest_plugin" / "plugin.py").read_text(encoding="utf-8")
    options = set(re.findall(r'add\("(--mockkms-explore[\w-]*)"', plugin))
    assert options == set(re.findall(r"`(--mockkms-explore[a-z-]*)", TEXT))
    settings = set(re.findall(r'addini\("(mockkms_explore_\w+)"', plugin))
    assert settings
    assert settings <= set(re.findall(r"`(mockkms_explore_\w+)`", TEXT))
    command = (ROOT / "mockkms" / "cli" / "commands" / "explore.py").read_text(encoding="utf-8")
    table = TEXT[TEXT.index("| pytest |") :]
    known = set(re.findall(r'add\("(--[\w-]+)"', command))
    assert set(re.findall(r"\| `(--(?!mockkms)[\w-]+)` \|", table)) <= known
