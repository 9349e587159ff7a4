"""The page of a report: in a browser, without its script, and as text."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from mockkms.explore.results import Exploration, ExploredTest, Outcome, Wrong
from mockkms.report.model import RuleUse, Usage
from mockkms.report.page.exploration import OUTCOMES, WRONG
from mockkms.report.page.markup import Markup, tag, verbatim
from mockkms.report.page.page import ADVICE, page
from mockkms.report.suite import Report, report_of
from mockkms.world.journal.least_privilege import Grant
from mockkms.world.journal.linter import Finding
from tests.server.control.browser import CHROMIUM, Page, browser

from .conftest import FAILURES, HOSTILE

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


@pytest.fixture
def report(exploration: Exploration) -> Report:
    """A report with something in every section, and hostile texts wherever a test could put them."""
    use = Usage(
        f"test_it.py::test_one[{HOSTILE}]",
        "failed",
        7,
        [Finding(rule, HOSTILE) for rule in ADVICE],
        {HOSTILE: {"read"}},
        [Grant("", HOSTILE, HOSTILE, ("read", "delete"), ("delete",))],
        [RuleUse("idle", HOSTILE, 0, 0, False), RuleUse("given", HOSTILE, 0, 0, True)],
        [f"read {HOSTILE}"],
        [HOSTILE],
    )
    others = [Usage(f"test_it.py::test_{number}", "passed", 1, unhandled=[f"read {HOSTILE}"]) for number in range(6)]
    return report_of([use, *others], exploration)


def test_elements() -> None:
    assert tag("a", "<", Markup("<b>"), None, href='"', class_="x", hidden=True, id=None) == (
        '<a href="&quot;" class="x" hidden>&lt;<b></a>'
    )
    assert tag("meta", name="a") == '<meta name="a">'
    with pytest.raises(ValueError, match="cannot contain '</'"):
        verbatim("style", "</style>")


def test_it_allows_its_own_style_and_script_only(report: Report) -> None:
    text = page(report)
    assert len(re.findall("<script", text)) == len(re.findall("<style", text)) == 1
    policy = html.unescape(re.findall(r'Content-Security-Policy" content="([^"]+)"', text)[0])
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for name in ("style", "script"):
        [inline] = re.findall(f"<{name}>(.*?)</{name}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy
    assert not re.findall(r'\s(?:href|src|action|style|on\w+)="(?!#)|url\(|@import', text)


def test_ids_are_unique_and_references_lead_somewhere(report: Report) -> None:
    text = page(report)
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    for named in re.findall(r'(?:href="#|aria-labelledby="|popovertarget=")([^"]+)"', text):
        assert named in ids


def test_every_rule_of_the_linter_has_advice() -> None:
    named = re.findall(r"``([a-z0-9-]+)``", re.sub(r"\s+", " ", _docstring_of_rule()))
    assert sorted(named) == sorted(ADVICE)


def _docstring_of_rule() -> str:
    from mockkms.world.journal import linter

    source = Path(linter.__file__).read_text(encoding="utf-8")
    return source.partition("    rule: str\n")[2].partition("    message")[0]


def test_every_outcome_is_explained() -> None:
    assert set(OUTCOMES) == {*Outcome}
    assert set(WRONG) == {*Wrong}
    assert len({mark for mark, _ in OUTCOMES.values()}) == len(OUTCOMES)


def test_an_exploration_without_problems(exploration: Exploration) -> None:
    calm = replace(exploration, tests=exploration.tests[1:2])
    assert "Every explored failure was survived." in page(report_of([], calm))
    planned = replace(exploration, tests=(ExploredTest("test_it", planned=7, left_out=7),))
    text = page(report_of([], planned))
    assert "No failure was explored." in text
    assert "survived." not in text


def test_a_report_without_findings() -> None:
    text = page(Report([Usage("test_it", "passed")]))
    for said in ("The linter found nothing.", "Every request was emulated.", "Every fault rule fired."):
        assert said in text
    assert "✗" not in text
    assert "Fault exploration" not in text
    assert "No test used a server." in page(Report())


# -- in the browser --------------------------------------------------------------------------------------------------

TEXT = "document.body.innerText"
OPEN = "document.querySelector(':popover-open')?.innerText"


@pytest.fixture
async def tab(report: Report, tmp_path: Path) -> AsyncIterator[Page]:
    """The page, opened as a file."""
    path = tmp_path / "report.html"
    path.write_text(page(report), encoding="utf-8")
    async with browser() as found:
        await found.open(path.as_uri())
        yield found


@needs_browser
async def test_nothing_is_requested_and_nothing_is_broken(tab: Page, report: Report) -> None:
    assert [url for url in tab.requested if not url.startswith("file:")] == []
    assert tab.complaints == []
    assert await tab.run("document.title") == "mockkms report"
    shown = await tab.run(TEXT)
    assert HOSTILE in shown
    assert "5 of 37 cases not survived, 2 left out" in shown
    heads = await tab.run("[...document.querySelector('.matrix').querySelectorAll('thead th')].map(e => e.innerText)")
    assert heads == ["Request", *FAILURES[:12]]


@needs_browser
async def test_a_cell_opens_by_the_keyboard_and_copies(tab: Page) -> None:
    await tab.run("document.querySelector('.matrix button').focus()")
    await tab.press("Enter")
    shown = await tab.until(OPEN)
    for said in ("raised", "hvac.exceptions.VaultDown", "orders.py:12", "pytest --mockkms-explore", HOSTILE):
        assert said in shown
    assert "- {path: transit/encrypt/*, answer: sealed, times: 1}" in shown
    await tab.press("Tab")
    assert await tab.run("document.activeElement.innerText") == "Close"
    await tab.run("document.querySelector(':popover-open [data-copy]').focus()")
    await tab.press("Enter")
    await tab.until("['Copied', 'Selected'].includes(document.getElementById('copied').textContent)")
    assert await tab.run("document.querySelector(':popover-open [data-copy]').innerText") in ("Copied", "Selected")
    await tab.run("document.querySelector(':popover-open .close').focus()")
    await tab.press("Enter")
    await tab.until("!document.querySelector(':popover-open')")
    assert await tab.run("document.activeElement === document.querySelector('.matrix button')")


@needs_browser
async def test_it_works_without_the_script(tab: Page, tmp_path: Path) -> None:
    await tab.call("Emulation.setScriptExecutionDisabled", value=True)
    await tab.open((tmp_path / "report.html").as_uri())
    assert await tab.run("[...document.querySelectorAll('[data-copy]')].every(e => e.hidden)")
    await tab.run("document.querySelector('.matrix button').focus()")
    await tab.press("Enter")
    assert "orders.py:12" in await tab.until(OPEN)


@needs_browser
async def test_every_control_and_region_has_a_name(tab: Page) -> None:
    await tab.run("for (const e of document.querySelectorAll('details')) e.open = true; 0")
    found = []
    for width in (1280, 360):
        await tab.size(width, 800)
        nodes = (await tab.call("Accessibility.getFullAXTree"))["nodes"]
        shown = [node for node in nodes if not node.get("ignored")]
        for node in shown:
            if node["role"]["value"] in ("button", "link", "region", "table", "columnheader", "rowheader"):
                assert node["name"]["value"].strip(), node
        roles = [node["role"]["value"] for node in shown]
        found.append([roles.count(role) for role in ("table", "row", "rowheader", "cell")])
        buttons = [re.sub(r"\s+", "", node["name"]["value"]) for node in shown if node["role"]["value"] == "button"]
        assert "rate-limitedtolerated" in buttons, "the symbol is for the eye, the word for the ear"
    # What is laid out as blocks in a narrow window is a table all the same.
    assert found[0][0] == found[1][0] > 5
    assert found[0][2] == found[1][2] == 4


CONTRAST = """(() => {
  const light = color => {
    const [r, g, b] = color.match(/[\\d.]+/g).map(Number).map(c => c / 255)
      .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = e => {
    for (; e; e = e.parentElement) {
      const color = getComputedStyle(e).backgroundColor;
      if (!/, 0\\)$/.test(color)) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const worst = {};
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || ["SCRIPT", "STYLE"].includes(e.tagName)) continue;
    const [a, b] = [light(getComputedStyle(e).color), light(ground(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const key = `${e.tagName}.${e.className}`;
    worst[key] = Math.min(worst[key] ?? 99, ratio);
  }
  return worst;
})()"""


@needs_browser
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
async def test_it_fits_and_is_readable(tab: Page, width: int, dark: bool) -> None:
    """WCAG 2.2 AA, 1.4.3 (contrast of text at least 4.5) and 1.4.10 (no scrolling in two directions)."""
    await tab.size(width, 800, dark=dark)
    await tab.run("for (const e of document.querySelectorAll('details')) e.open = true; 0")
    assert await tab.run("document.documentElement.scrollWidth") == width
    await tab.run("for (const e of document.querySelectorAll('[popover]')) e.removeAttribute('popover'); 0")
    # Without a baseline, what a caller can see has a colour of its own.
    await tab.run("document.querySelector('h3 .cell.bad').className = 'cell warn'; 0")
    found = await tab.run(CONTRAST)
    assert {"SPAN.cell bad", "SPAN.cell warn", "SPAN.cell good", "SPAN.cell calm", "CODE."} <= set(found)
    assert {key: ratio for key, ratio in found.items() if ratio < 4.5} == {}, json.dumps(found)
