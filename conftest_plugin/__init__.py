"""The pytest plugin of mockkms. Nothing but pytest is imported until a fixture is used.

This module has what several others need: it is imported with the first of them.
"""

from __future__ import annotations

import pytest

FLAVOR = "_mockkms_flavor"
"""The fixture that holds the product of a test; all fixtures with a server depend on it."""
WRONG: pytest.StashKey[str] = pytest.StashKey()
"""The error of a test's marker, in the test's stash, in the workers of pytest-xdist."""
COLLECTED: pytest.StashKey[int] = pytest.StashKey()
"""How many tests were collected, those that were deselected later among them, in the stash of the configuration."""
MISSPELT: pytest.StashKey[dict[str, tuple[pytest.Item | pytest.Collector, str]]] = pytest.StashKey()
"""Tests with wrong products in a marker, by name, and what is wrong, in the stash of the configuration."""
USED: pytest.StashKey[bool] = pytest.StashKey()
"""Set in the stash of a test that used a server."""
LINT = ("off", "warn", "error")
"""The values of ``mockkms_lint``."""
