"""Users' patterns, against the obvious regular expression, and in linear time."""

from __future__ import annotations

import re
import time
from itertools import product

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


def _all(signs: str, longest: int) -> list[str]:
    """Every text of these characters, up to a length."""
    return ["".join(letters) for length in range(longest + 1) for letters in product(signs, repeat=length)]


def _at_ends(pattern: str) -> str:
    """The regular expression of a pattern whose asterisks count at its ends, unless it is one character."""
    if len(pattern) < 2:
        return re.escape(pattern)
    first, last = pattern[0] == "*", pattern[-1] == "*"
    return ".*" * first + re.escape(pattern[first : len(pattern) - last]) + ".*" * last


def test_every_short_pattern_against_every_short_text() -> None:
    for pattern in _all("ab*", 5):
        expression = re.compile(_expression(pattern, False))
        for text in _all("ab", 4):
            assert matches(pattern, text) == (expression.fullmatch(text) is not None), (pattern, text)
    for pattern in _all("ab*?", 4):
        expression = re.compile(_expression(pattern, True), re.DOTALL)
        for text in (*_all("ab", 4), "a\nb"):
            assert matches_wildcards(pattern, text) == (expression.fullmatch(text) is not None), (pattern, text)
    for pattern in _all("ab*", 4):
        expression = re.compile(_at_ends(pattern))
        for text in _all("ab*", 4):
            assert matches_ends(pattern, text) == (expression.fullmatch(text) is not None), (pattern, text)


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


def test_many_asterisks_are_matched_in_linear_time() -> None:
    began = time.thread_time()
    assert not matches_glob(["*a" * 40 + "b"], "a" * 20_000)
    assert not matches_wildcards("*a?" * 40 + "b", "a" * 20_000)
    assert time.thread_time() - began < 2
