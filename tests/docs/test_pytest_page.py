"""The examples of docs/pytest.md run as a suite, and its tables name what there is."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from pytest_mockkms import marker, plugin

from tests.docs.pages import ROOT, blocks

PAGE = "docs/pytest.md"


def test_the_examples_pass_as_one_suite(tmp_path: Path) -> None:
    *tests, conftest, provisioned = blocks(PAGE, "python")
    (tmp_path / "test_page.py").write_text("\n\n".join(tests), encoding="utf-8")
    (tmp_path / "conftest.py").write_text(conftest, encoding="utf-8")
    (tmp_path / "test_provisioned.py").write_text(provisioned, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text(blocks(PAGE, "ini")[0], encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert "15 passed" in done.stdout, done.stdout + done.stderr


def test_the_tables_name_every_fixture_keyword_and_option() -> None:
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:--)?[\w-]+)", text))
    options = set(re.findall(r'"(--mockkms-\w+)"', Path(plugin.__file__).read_text(encoding="utf-8")))
    assert options
    fixtures = {name for name in plugin.__all__ if not name.startswith("_")}
    assert {*fixtures, *marker._KEYWORDS, *options, *(one[2:].replace("-", "_") for one in options)} <= named
