"""No page with examples is without a test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import ROOT

PAGES = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_with_examples_is_named_by_a_test(page: Path) -> None:
    if "```" not in page.read_text(encoding="utf-8"):
        return
    tests = [path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py")]
    names = (page.name, str(page.relative_to(ROOT)))
    assert any(f'"{name}"' in text for name in names for text in tests)
