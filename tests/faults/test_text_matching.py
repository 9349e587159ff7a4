"""Texts of requests against patterns that users write: the right answer, in time that grows with the text alone."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockkms.faults import FaultError, RuleBook, View
from mockkms.faults.expressions import Expression, restart_clock
from mockkms.faults.text_matching import glob, text_test
from mockkms.world.journal.entry import Entry
from mockkms.world.journal.journal import Journal


@pytest.fixture(autouse=True)
def _another_request() -> None:
    """Searches are measured per request: those of other tests do not count."""
    restart_clock()


def _expression(pattern: str) -> str:
    """The pattern as a plain regular expression, which may take forever."""
    parts = ["[^/]+" if part == "+" else ".*".join(map(re.escape, part.split("*"))) for part in pattern.split("/")]
    return "/".join(parts)


@given(st.text("ab*+/\\\n", max_size=10), st.text("ab*+/\\\n", max_size=12))
def test_globs_against_plain_expressions(pattern: str, text: str) -> None:
    plain = re.fullmatch(_expression(pattern), text, re.DOTALL)
    assert (glob(pattern).fullmatch(text) is not None) is (plain is not None)


@pytest.mark.parametrize("pattern", ["*a" * 2_000_000, {"regex": "(a|b)*" * 100_000}, {"not": ["+/" * 9000 + "*"]}])
def test_long_patterns_are_refused(pattern: object) -> None:
    began = time.thread_time()
    with pytest.raises(FaultError, match="a pattern has at most 4,096 characters, this one has "):
        text_test(pattern)
    assert time.thread_time() - began < 1


def test_a_long_path_of_leases_is_refused_with_the_rule() -> None:
    """Not when the rule fires, in the response of a client."""
    with pytest.raises(FaultError, match="expire: a pattern has at most 4,096 characters"):
        RuleBook().add({"expire": "a" * 5000})


def test_long_lists_of_patterns_are_refused() -> None:
    with pytest.raises(FaultError, match="a list of patterns has at most 1,000, this one has 1,001"):
        text_test(["a"] * 1001)


def test_a_long_text_without_wildcards_is_not_a_pattern() -> None:
    assert text_test("a" * 100_000)("a" * 100_000)


def test_many_asterisks_are_matched_in_linear_time() -> None:
    began = time.thread_time()
    assert not text_test("*a" * 40 + "b")("a" * 20_000)
    assert not text_test("*/+/a" * 20 + "/b")("/a" * 10_000)
    assert not text_test("/+" * 20 + "/*b")("/aa" * 10_000)
    assert time.thread_time() - began < 2


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+b", "(a|a)*b", "(a|ab)*c", "(a?){30}b", "^(a*)*$", "(.*a){10}", "(x+x+)+y", "(?=(a+)+b)", "(?i)(ab|AB)*c"],
)
def test_expressions_that_can_take_forever_are_refused(pattern: str) -> None:
    with pytest.raises(FaultError, match=r"path\.regex: the regular expression .* even on short texts"):
        RuleBook().add({"match": {"path": {"regex": pattern}}, "answer": 500})


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"^secret/(data|metadata)/[\w-]+$", "secret/data/a-b", True),
        (r"([^/]+/)+x", "a/b/x", True),
        (r"(/[^/]+)*/x$", "/a/b/y", False),
        (r"(\w+\.)*\w+@(\w+\.)+\w+", "a.b@c.d", True),
        (r"\d{1,3}(\.\d{1,3}){3}", "10.0.0.1", True),
        (r".*x.*", "axb", True),
        (r".*?x$", "axb", False),
        (r"(?i)^(foo|bar)+$", "FOObar", True),
        (r"(a+)\1b", "aab", True),
    ],
)
def test_usual_expressions(pattern: str, text: str, found: bool) -> None:
    assert Expression(pattern)(text) is found
    assert text_test(re.compile(pattern))(text) is found


@pytest.mark.parametrize("pattern", ["a.*b", "x.*y.*z", "([^/]+/)+x", "(a|b)*c", "(?:[a-z]+-)*[a-z]+!", "a*b*c*d"])
@pytest.mark.parametrize("unit", ["a", "ab", "a/", "a-", "xy", "aabb"])
def test_an_allowed_search_is_short(pattern: str, unit: str) -> None:
    expression, length = Expression(pattern), 64
    while True:
        restart_clock()
        began = time.thread_time()
        try:
            expression(unit * (length // len(unit)))
        except FaultError:
            break
        assert time.thread_time() - began < 0.4
        length = length * 3 // 2
    assert length >= 144


def test_a_long_text_is_answered_with_the_rule_that_cannot_be_decided() -> None:
    book = RuleBook()
    book.add({"id": "slow", "match": {"path": {"regex": "a.*b.*c.*d"}}, "answer": 500})
    assert book.before(View(path="secret/x")) is None
    plan = book.before(View(path="abc" * 1000))
    assert plan is not None
    assert plan.answer is not None
    assert plan.answer.status == 599
    assert "rule 'slow': match.regex: the regular expression 'a.*b.*c.*d' can take too long" in plan.unexpected


def test_a_query_over_many_entries_ends() -> None:
    journal = Journal()
    for _ in range(2000):
        journal.record(Entry(0.0, "vault", "GET", "/v1/" + "ab" * 1500, {}, b"", None, 200, b"{}", 0))
    began = time.thread_time()
    with pytest.raises(FaultError, match="takes too long on so many texts"):
        journal.entries(path={"regex": "a.*!"})
    assert time.thread_time() - began < 3
