"""Folders to import pytest from, with and without mockkms, as pip would have installed it.

``python -S`` imports from the standard library and the folders of ``PYTHONPATH`` alone, so that the distributions of
the development environment do not count, and none has to be built or downloaded.
"""

from __future__ import annotations

import importlib.metadata
import re
import sys
from pathlib import Path

from bench.processes import ROOT

_PACKAGES = {"mockkms": "mockkms", "pytest_mockkms": "conftest_plugin", "mockkms/worlds": "fixtures"}
"""The packages of a wheel, and their folders in the checkout."""
_SHIPPED = frozenset((".py", ".typed", ".json", ".yaml", ".html", ".css", ".js", ".svg", ".txt", ".pem"))
"""Suffixes of the files in them that a wheel has."""


def pytest_folder(where: Path) -> Path:
    """Return a folder below ``where`` with links to pytest and the distributions that it requires."""
    folder = where / "pytest"
    folder.mkdir()
    waiting, seen = ["pytest"], set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        found = importlib.metadata.distribution(name)
        for top in {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
            (folder / top).symlink_to(Path(str(found.locate_file(top))))
        waiting += [re.split(r"[^\w.-]", text, maxsplit=1)[0] for text in found.requires or () if ";" not in text]
    return folder


def mockkms_folder(where: Path) -> Path:
    """Return a folder below ``where`` with links to this checkout's packages and the list of files that pip writes."""
    folder = where / "ours"
    described = folder / "mockkms-0.dist-info"
    described.mkdir(parents=True)
    record = []
    for package, source in _PACKAGES.items():
        if "/" not in package:
            (folder / package).symlink_to(ROOT / source)
        for path in sorted((ROOT / source).rglob("*")):
            if path.suffix not in _SHIPPED or "__pycache__" in path.parts:
                continue
            name = f"{package}/{path.relative_to(ROOT / source)}"
            record.append(f"{name},sha256={'x' * 43},{path.stat().st_size}")
            if path.suffix == ".py":  # pip compiles them.
                compiled = Path(name)
                record.append(f"{compiled.parent}/__pycache__/{compiled.stem}.{sys.implementation.cache_tag}.pyc,,")
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: mockkms\nVersion: 0\n", encoding="utf-8")
    (described / "RECORD").write_text("\n".join(record) + "\n", encoding="utf-8")
    (described / "entry_points.txt").write_text("[pytest11]\nmockkms = pytest_mockkms.plugin\n", encoding="utf-8")
    return folder
