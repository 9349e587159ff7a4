"""What ``pip install`` takes along: every package of the source tree, found by the build."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ELSEWHERE = {"mockkms.worlds", "pytest_mockkms"}
"""Packages whose folder has another name."""


def test_every_folder_with_a_module_is_a_package() -> None:
    folders = {path.parent for path in (ROOT / "mockkms").rglob("*.py")}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_the_packages_are_found_and_not_listed() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    assert "packages" not in settings
    assert set(settings["package-dir"]) == ELSEWHERE


def test_the_build_takes_every_package() -> None:
    pytest.importorskip("setuptools")
    program = (
        "from distutils.core import run_setup\n"
        "import setuptools\n"
        "print(*run_setup('setup.py', stop_after='init').packages)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    present = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "mockkms").rglob("__init__.py")}
    plugin = [
        path.parent.relative_to(ROOT / "conftest_plugin") for path in (ROOT / "conftest_plugin").rglob("__init__.py")
    ]
    present |= {".".join(("pytest_mockkms", *folder.parts)) for folder in plugin}
    assert set(done.stdout.split()) == present | ELSEWHERE
