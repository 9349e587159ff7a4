"""Tests for several products: ``@pytest.mark.mockkms(flavor=[…])`` parametrizes a test with the products."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from . import FLAVOR, MISSPELT
from .marker import read_marker, wrong_flavors


def selected(node: pytest.Item | pytest.Collector) -> list[str]:
    """Return the flavors of the nearest marker that sets them. Raises MarkerError."""
    return flavors_of(list(node.iter_markers("mockkms")))


def flavors_of(marks: Iterable[pytest.Mark]) -> list[str]:
    """Return the flavors of the first of ``marks`` that sets them. Raises MarkerError."""
    for mark in marks:
        flavor = read_marker(mark).get("flavor")
        if flavor is not None:
            return [flavor] if isinstance(flavor, str) else list(flavor)
    return []


def _listed(node: pytest.Item | pytest.Collector) -> list[str]:
    """Return what the nearest marker lists as flavors, and note in the configuration what is wrong with them."""
    for mark in node.iter_markers("mockkms"):
        given = mark.kwargs.get("flavor")
        if given is None:
            continue
        wrong = wrong_flavors(given)
        if wrong:
            noted = node.config.stash.setdefault(MISSPELT, {})
            noted[node.nodeid] = node, f"mockkms(flavor={given!r}): {wrong}"
        names = given if isinstance(given, (list, tuple)) else [given]
        return list(dict.fromkeys(name for name in names if isinstance(name, str)))
    return []


def generate(metafunc: pytest.Metafunc) -> None:
    """Parametrize a test with the products of its markers, in addition to its own parameters.

    ``pytest_collection_finish`` reports what is wrong with the marker, also if the test is not selected: a misspelt
    product may be the reason.
    """
    flavors = _listed(metafunc.definition)
    if flavors:
        metafunc.parametrize(FLAVOR, flavors, indirect=True, ids=flavors)


def of_test(request: pytest.FixtureRequest) -> str | None:
    """Return the product of a test; None for that of the session."""
    given: object = getattr(request, "param", None)
    if given is not None:
        return str(given)
    flavors = selected(request.node)
    if len(flavors) > 1:
        names = ", ".join(flavors)
        pytest.fail(
            f"mockkms(flavor=…) lists {names}: several products require that the test requests the fixture, as an "
            "argument or by usefixtures",
            pytrace=False,
        )
    return flavors[0] if flavors else None
