"""The pages of the packages for other languages, and the folders that a release has."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import ROOT
from tests.integrations.languages import INTEGRATIONS

LANGUAGES = sorted(path.name for path in INTEGRATIONS.iterdir() if path.is_dir())


def test_each_language_has_a_test() -> None:
    assert LANGUAGES == ["go", "java", "node", "rust"]
    tests = [path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "integrations").glob("test_*.py")]
    assert all(any(f'"integrations/{name}/README.md"' in text for text in tests) for name in LANGUAGES)


@pytest.mark.parametrize("name", LANGUAGES)
def test_the_links_of_its_page_lead_somewhere(name: str) -> None:
    page = INTEGRATIONS / name / "README.md"
    links = re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", ["README.md", "docs/control.md"])
def test_pages_name_all_languages(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert [name for name in LANGUAGES if f"integrations/{name}/README.md" not in text] == []
