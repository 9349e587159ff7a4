"""Every example of docs/without-pytest.md runs, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.docs.pages import blocks

PAGE = "docs/without-pytest.md"
SUITES = {"unittest": 3, "flask": 2, "fastapi": 1}
NEEDS = {"flask": ("flask",), "fastapi": ("fastapi", "httpx"), "django": ("django",)}
EXAMPLES = ("with", "async", "environment", "unittest", "django", "flask", "fastapi")


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_runs(name: str, tmp_path: Path) -> None:
    missing = [module for module in NEEDS.get(name, ()) if find_spec(module) is None]
    if missing:
        pytest.skip(f"{missing[0]} is not installed")
    examples = blocks(PAGE, "python")
    assert len(examples) == len(EXAMPLES)
    (tmp_path / f"test_{name}.py").write_text(examples[EXAMPLES.index(name)], encoding="utf-8")
    command = (
        [sys.executable, "-m", "unittest", f"test_{name}"] if name in SUITES else [sys.executable, f"test_{name}.py"]
    )
    environment = {**os.environ, "VAULT_ADDR": "http://127.0.0.1:1"}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    if name in SUITES:
        assert f"Ran {SUITES[name]} test" in done.stderr, done.stderr
    if name == "django":
        assert "Ran 2 tests" in done.stdout + done.stderr, done.stdout + done.stderr
