"""One test against several products: ``@pytest.mark.mockkms(flavor=[…])`` becomes one test for each, by its id."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from .marker import MarkerError, read_marker

FIXTURE = "_mockkms_flavor"
"""The fixture through which a test gets its product; every fixture that gives a server asks for it."""


def asked(node: pytest.Item | pytest.Collector) -> list[str]:
    """Return the flavors of the nearest marker that names any. Raises MarkerError."""
    return flavors_of(list(node.iter_markers("mockkms")))


def flavors_of(marks: Iterable[pytest.Mark]) -> list[str]:
    """Return the flavors of the first of ``marks`` that names any. Raises MarkerError."""
    for mark in marks:
        flavor = read_marker(mark).get("flavor")
        if flavor is not None:
            return [flavor] if isinstance(flavor, str) else list(flavor)
    return []


def generate(metafunc: pytest.Metafunc) -> None:
    """Make a test of each product that a test's markers name, beside what the test itself is parametrized with."""
    if FIXTURE not in metafunc.fixturenames:
        return
    try:
        flavors = asked(metafunc.definition)
    except MarkerError:
        return  # Told for every wrong marker at once, when all tests are there.
    if flavors:
        metafunc.parametrize(FIXTURE, flavors, indirect=True, ids=flavors)


def of_test(request: pytest.FixtureRequest) -> str | None:
    """Return the product that a test asked for; None for that of the suite."""
    given: Any = getattr(request, "param", None)
    if given is not None:
        return str(given)
    flavors = asked(request.node)
    if len(flavors) > 1:
        names = ", ".join(flavors)
        pytest.fail(
            f"mockkms(flavor=…) names {names}: several products need a test function that names its fixture, as an "
            "argument or by usefixtures",
            pytrace=False,
        )
    return flavors[0] if flavors else None
