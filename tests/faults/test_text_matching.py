"""Texts of requests against patterns that users write: the right answer, in time that grows with the text alone."""

from __future__ import annotations

import re
import time

from hypothesis import given
from hypothesis import strategies as st

from mockkms.faults.text_matching import glob, text_test


def _expression(pattern: str) -> str:
    """The pattern as a plain regular expression, which may take forever."""
    parts = ["[^/]+" if part == "+" else ".*".join(map(re.escape, part.split("*"))) for part in pattern.split("/")]
    return "/".join(parts)


@given(st.text("ab*+/\\\n", max_size=10), st.text("ab*+/\\\n", max_size=12))
def test_globs_against_plain_expressions(pattern: str, text: str) -> None:
    plain = re.fullmatch(_expression(pattern), text, re.DOTALL)
    assert (glob(pattern).fullmatch(text) is not None) is (plain is not None)


def test_many_asterisks_take_no_time() -> None:
    began = time.monotonic()
    assert not text_test("*a" * 40 + "b")("a" * 20_000)
    assert not text_test("*/+/a" * 20 + "/b")("/a" * 10_000)
    assert not text_test("/+" * 20 + "/*b")("/aa" * 10_000)
    assert time.monotonic() - began < 2
