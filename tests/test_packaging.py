"""What ``pip install`` takes along: the list in ``pyproject.toml`` has every package of the source tree."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ELSEWHERE = {"mockkms.worlds", "pytest_mockkms"}
"""Packages whose folder has another name."""


def test_every_package_is_installed() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    inits = (ROOT / "mockkms").rglob("__init__.py")
    present = {".".join(path.parent.relative_to(ROOT).parts) for path in inits}
    assert set(settings["packages"]) - ELSEWHERE == present
