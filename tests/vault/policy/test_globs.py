"""Users' patterns, against the obvious regular expression, and in linear time."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockkms.vault.policy.globs import matches, matches_ends, matches_wildcards
from mockkms.vault.policy.names import matches_glob

_PATTERNS = st.text("ab*?", max_size=8)
_TEXTS = st.text("ab*?\n", max_size=10)


def _expression(pattern: str, single: bool) -> str:
    signs = {"*": ".*", **({"?": "."} if single else {})}
    return "".join(signs.get(sign, re.escape(sign)) for sign in pattern)


@given(_PATTERNS, _TEXTS)
def test_against_regular_expressions(pattern: str, text: str) -> None:
    assert matches(pattern, text) == (re.fullmatch(_expression(pattern, False), text, re.DOTALL) is not None)
    assert matches_wildcards(pattern, text) == (re.fullmatch(_expression(pattern, True), text, re.DOTALL) is not None)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("", "", True),
        ("*", "*", True),
        ("*", "a", False),
        ("a*", "abc", True),
        ("*c", "abc", True),
        ("*b*", "abc", True),
        ("a*c", "abc", False),
        ("**", "anything", True),
    ],
)
def test_asterisks_at_the_ends(pattern: str, text: str, expected: bool) -> None:
    assert matches_ends(pattern, text) is expected


def test_many_asterisks_take_no_time() -> None:
    began = time.monotonic()
    assert not matches_glob(["*a" * 40 + "b"], "a" * 20_000)
    assert not matches_wildcards("*a?" * 40 + "b", "a" * 20_000)
    assert time.monotonic() - began < 2
