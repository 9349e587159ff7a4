"""The pages of ``docs/reference/`` are what ``scripts/reference.py`` writes from the declarations."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from types import ModuleType

import pytest

from mockkms import Kms
from mockkms.cli import COMMANDS
from mockkms.faults.kinds import KINDS
from mockkms.vault.products.features import Feature

from .pages import ROOT

FOLDER = ROOT / "docs" / "reference"


def script() -> ModuleType:
    """The script, as a module."""
    spec = importlib.util.spec_from_file_location("mockkms_reference", ROOT / "scripts" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PAGES: dict[str, Callable[[], str]] = script().PAGES


@pytest.mark.parametrize("name", list(PAGES))
def test_a_page_is_current(name: str) -> None:
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    assert text == PAGES[name](), "run scripts/reference.py"


def test_no_other_page_is_there() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(PAGES)


def test_everything_that_is_declared_is_there() -> None:
    commands = (FOLDER / "commands.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"## mockkms {name}\n" not in commands] == []
    faults = (FOLDER / "faults.md").read_text(encoding="utf-8")
    assert [word for word in KINDS if f"| `{word}` |" not in faults] == []
    products = (FOLDER / "products.md").read_text(encoding="utf-8")
    assert sum(line.count("| yes |") > 0 for line in products.splitlines()) <= len(Feature)
    assert products.count("\n|") > len(Feature)
    python = (FOLDER / "python.md").read_text(encoding="utf-8")
    assert [name for name in vars(Kms) if not name.startswith("_") and f"`{name}" not in python] == []
    assert [line for line in python.splitlines() if line.endswith("|  |")] == []
    worlds = (FOLDER / "worlds.md").read_text(encoding="utf-8")
    assert "### transit\n" in worlds
    assert "| `keys.<name>.type` |" in worlds
