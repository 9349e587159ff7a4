"""Checks of the markers of all selected tests: invalid ones, and those of tests without a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import FLAVOR, MISSPELT, USED, WRONG
from .marker import errors_of

ADVICE = (
    "add the fixture `mockkms` (or mockkms_env, mockkms_hvac, mockkms_client, mockkms_factory) as an argument, or "
    '`@pytest.mark.usefixtures("mockkms")`'
)


class MockKMSWarning(UserWarning):
    """A problem with the servers or markers of a test that does not fail it."""


def check(items: list[pytest.Item], config: pytest.Config, *, partial: bool) -> None:
    """Check the markers of all selected tests, and the products in those of all others.

    Errors are reported together, as a UsageError. Markers without effect are warnings; if warnings are errors, they are
    reported with the others. ``partial``: only some tests of a file were selected; markers of classes and modules are
    then not reported, because the others may use the server.
    """
    errors: dict[tuple[int, Path], str] = {}
    for item in items:
        for mark in item.iter_markers("mockkms"):
            # Files are looked for beside the test.
            known = (id(mark), item.path.parent)
            if known not in errors:
                found = list(errors_of(mark, item.path.parent, item.config.rootpath))
                errors[known] = f"{item.nodeid}: {'; '.join(found)}" if found else ""
            if errors[known]:
                item.stash[WRONG] = errors[known]
    wrong = [
        *filter(None, dict.fromkeys(errors.values())),
        *_without_effect(items, partial=partial),
        *_misspelt(items, config),
    ]
    if not wrong:
        return
    if hasattr(config, "workerinput"):
        return  # An exception would end the worker with a traceback: the tests themselves fail.
    heading = [] if len(wrong) == 1 else [f"{len(wrong)} invalid mockkms markers:"]
    raise pytest.UsageError("\n".join(heading + wrong))


def _without_effect(items: list[pytest.Item], *, partial: bool) -> list[str]:
    """Warn about markers that no server will read; return the warnings that are errors."""
    without: dict[int, tuple[pytest.Item, str]] = {}
    used: set[int] = set()
    for item in items:
        for node, mark in item.iter_markers_with_node("mockkms"):
            names = getattr(item, "fixturenames", ())
            # With ``request`` the test may ask for the fixture while it runs: it is checked afterwards.
            if FLAVOR in names or "request" in names:
                used.add(id(mark))
            elif node is item or not partial:
                where = item.nodeid if node is item else node.nodeid
                without.setdefault(id(mark), (item, where))
    wrong = []
    for mark_id, (item, where) in without.items():
        if mark_id in used:
            continue
        try:
            item.warn(MockKMSWarning(_message(where, is_test=where == item.nodeid)))
        except MockKMSWarning as error:
            item.stash[WRONG] = str(error)
            wrong.append(str(error))
    return wrong


def _misspelt(items: list[pytest.Item], config: pytest.Config) -> list[str]:
    """Warn about tests that are not selected and whose products are misspelt; return the warnings that are errors."""
    noted = config.stash.get(MISSPELT, {})
    selected = {f"{item.parent.nodeid}::{getattr(item, 'originalname', item.name)}" for item in items if item.parent}
    wrong = []
    for name in sorted(noted.keys() - selected):
        node, text = noted[name]
        try:
            node.warn(MockKMSWarning(f"{name}, which is not selected: {text}"))
        except MockKMSWarning as error:
            wrong.append(str(error))
    return wrong


def _message(where: str, *, is_test: bool) -> str:
    subject = "the test uses none of the fixtures" if is_test else "none of its tests uses one of the fixtures"
    return f"{where}: the mockkms marker has no effect, because {subject}; {ADVICE}"


def explores(item: pytest.Item) -> bool:
    """Return whether the marker of a test asks for its exploration."""
    values = (mark.kwargs.get("explore") for mark in item.iter_markers("mockkms"))
    return any(value is True or isinstance(value, str) for value in values)


def check_used(item: pytest.Item) -> None:
    """Warn if a test has a marker of its own and used no server; called after the test."""
    if item.stash.get(USED, False) or "request" not in getattr(item, "fixturenames", ()):
        return
    if any(node is item for node, _ in item.iter_markers_with_node("mockkms")):
        item.warn(MockKMSWarning(_message(item.nodeid, is_test=True)))
