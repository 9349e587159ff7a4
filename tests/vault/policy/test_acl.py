"""Merged rules against a slow, obvious evaluator, and the single rules of the server one by one."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockkms.vault.framework.message import Operation
from mockkms.vault.policy.acl import Acl
from mockkms.vault.policy.policy import OPENBAO_POLICIES
from mockkms.vault.policy.rules import PolicyRule, parse_policy


def acl(*texts: str, **options: Any) -> Acl:
    """The merged rules of policies ``p0``, ``p1``…"""
    return Acl([(f"p{i}", parse_policy(text, OPENBAO_POLICIES).rules) for i, text in enumerate(texts)], **options)


def allowed(rules: Acl, operation: Operation, path: str, data: dict[str, Any] | None = None, **more: Any) -> bool:
    """Whether the rules allow it."""
    options = {"wrap_ttl": 0, "sudo": False, **more}
    return rules.decide(operation, path, {} if data is None else data, **options).allowed


# -- the reference ------------------------------------------------------------------------------------------------


def _pattern(path: str) -> re.Pattern[str]:
    body = path.removesuffix("*")
    wild = any(segment == "+" for segment in path.split("/"))
    text = re.escape(body)
    if wild:
        text = "/".join("[^/]*" if segment == "+" else re.escape(segment) for segment in body.split("/"))
    return re.compile(text + (".*" if path.endswith("*") else ""), re.DOTALL)


def _rank(path: str) -> tuple[Any, ...]:
    """The documented priority: first wildcard later, no glob at the end, fewer ``+``, longer, larger."""
    segments = path.split("/")
    wild = "+" in segments
    first = path.index("+") if wild else len(path) - 1
    body = path.removesuffix("*")
    return (first, not path.endswith("*"), -segments.count("+") if wild else 0, len(body), body)


def reference(rules: list[tuple[str, set[str]]], path: str, listing: bool) -> set[str]:
    """The capabilities at a path, by trying every rule."""
    candidates = [path]
    if listing and path.endswith("/"):
        candidates.append(path[:-1])
    for candidate in candidates:
        exact = [caps for written, caps in rules if written == candidate and _is_exact(written)]
        if exact:
            return _united(exact)
    for candidate in candidates:
        inexact = [written for written, _ in rules if not _is_exact(written)]
        matching = [written for written in inexact if _pattern(written).fullmatch(candidate)]
        if matching:
            best = max(matching, key=_rank)
            return _united([caps for written, caps in rules if written == best])
    return set()


def _is_exact(path: str) -> bool:
    return not path.endswith("*") and "+" not in path.split("/")


def _united(sets: list[set[str]]) -> set[str]:
    united = set().union(*sets)
    return {"deny"} if "deny" in united else united


_SEGMENT = st.sampled_from(["a", "b", "ab", "+", "c"])
_RULE_PATH = st.builds(
    lambda parts, end: ("/".join(parts) + end).replace("+*", "b*"),
    st.lists(_SEGMENT, min_size=1, max_size=4),
    st.sampled_from(["", "", "/", "*", "/*"]),
)
_CAPS = st.sets(st.sampled_from(["read", "update", "list", "deny"]), max_size=2)
_PATH = st.builds(
    lambda parts, end: "/".join(parts) + end,
    st.lists(st.sampled_from(["a", "b", "ab", "c", "abc"]), min_size=1, max_size=4),
    st.sampled_from(["", "/"]),
)


@given(st.lists(st.tuples(_RULE_PATH, _CAPS), max_size=8), st.lists(_PATH, min_size=1, max_size=8))
@settings(max_examples=300, deadline=None)
def test_random_rules_against_the_reference(rules: list[tuple[str, set[str]]], paths: list[str]) -> None:
    text = "\n".join(f'path "{path}" {{ capabilities = {json.dumps(sorted(caps))} }}' for path, caps in rules)
    merged = acl(text)
    for path in paths:
        for operation in (Operation.READ, Operation.UPDATE, Operation.LIST):
            expected = reference(rules, path, operation is Operation.LIST)
            assert allowed(merged, operation, path) == (operation.value in expected), (operation, path)
        listed = reference(rules, path, True)
        assert merged.capabilities(path) == (sorted(listed) or ["deny"])


@given(st.lists(st.tuples(_RULE_PATH, _CAPS), max_size=6), st.sampled_from(["a/", "b/", "ab/", "a/b/"]))
@settings(max_examples=150, deadline=None)
def test_a_reached_mount_has_something_granted(rules: list[tuple[str, set[str]]], mount: str) -> None:
    text = "\n".join(f'path "{path}" {{ capabilities = {json.dumps(sorted(caps))} }}' for path, caps in rules)
    if not any(caps - {"deny"} for _, caps in rules):
        assert not acl(text).reaches(mount)
    for path, caps in rules:
        denied = _united([c for p, c in rules if p == path]) == {"deny"}
        if path.startswith(mount) and caps and not denied and "+" not in path:
            assert acl(text).reaches(mount)


# -- single rules ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prefix", "reached"),
    [("secret/", True), ("team/", True), ("other/", False), ("x/y/", True), ("y/x/", False), ("no/", False)],
)
def test_what_lies_below_a_mount(prefix: str, reached: bool) -> None:
    rules = acl(
        'path "secret/data/a" { policy = "read" } path "te*" { policy = "read" } path "x/+/z" { policy = "read" }'
        ' path "no/*" { policy = "deny" } path "y/x" {}'
    )
    assert rules.reaches(prefix) is reached


def test_root_is_all_in_its_namespace_and_below() -> None:
    root = Acl(root="team/")
    assert allowed(root, Operation.DELETE, "x", namespace="team/sub/")
    assert not allowed(root, Operation.DELETE, "x", namespace="")
    assert root.capabilities("x", "team/") == ["root"]
    assert root.capabilities("x", "") == ["deny"]


def test_help_is_open_and_unknown_operations_are_not() -> None:
    assert allowed(acl(), Operation.HELP, "x", sudo=True)
    assert not allowed(acl('path "*" { policy = "sudo" }'), Operation.HEADER, "x")


def test_sudo_needs_its_capability_beside_the_other() -> None:
    rules = acl('path "a" { policy = "write" } path "b" { policy = "sudo" } path "c" { capabilities = ["sudo"] }')
    assert [allowed(rules, Operation.READ, path, sudo=True) for path in "abc"] == [False, True, False]
    assert rules.decide(Operation.READ, "a", {}, 0, True).rule.endswith("but the path needs sudo")


def test_wrapping_limits_of_merged_policies() -> None:
    rules = acl(
        'path "a" { policy = "read" min_wrapping_ttl = 10 max_wrapping_ttl = 100 }',
        'path "a" { policy = "read" min_wrapping_ttl = 5 max_wrapping_ttl = 50 }',
    )
    assert [allowed(rules, Operation.READ, "a", wrap_ttl=ttl) for ttl in (0, 4, 5, 50, 51)] == [
        False, False, True, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, True),
        ({"k": "one"}, True),
        ({"K": "one"}, True),
        ({"k": "twofold"}, True),
        ({"k": "three"}, False),
        ({"k": None}, False),
        ({"n": 1}, False),
        ({"n": "1"}, False),
        ({"b": True}, True),
        ({"b": 1}, False),
        ({"l": "x"}, True),
        ({"l": ["x"]}, False),
        ({"any": {"thing": 1}}, True),
        ({"k": "one", "z": 1}, False),
    ],
)
def test_allowed_parameters(data: dict[str, Any], expected: bool) -> None:
    rules = acl(
        'path "a" { policy = "write"'
        ' allowed_parameters = { k = ["one", "two*"] n = [1] b = [true] l = ["x"] any = [] } }'
    )
    assert allowed(rules, Operation.UPDATE, "a", data) is expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"k": "ok"}, True),
        ({"k": "bad"}, False),
        ({"K": "so evil is"}, False),
        ({"l": ["x"]}, True),
        ({"gone": ""}, False),
        ({"z": "bad"}, True),
    ],
)
def test_denied_parameters(data: dict[str, Any], expected: bool) -> None:
    rules = acl('path "a" { policy = "write" denied_parameters = { k = ["bad", "*evil*"] l = ["x"] gone = [] } }')
    assert allowed(rules, Operation.UPDATE, "a", data) is expected


def test_lists_are_compared_by_item_where_the_product_does() -> None:
    text = 'path "a" { policy = "write" allowed_parameters = { l = ["x", "y"] } }'
    denying = 'path "a" { policy = "write" denied_parameters = { l = ["x"] } }'
    assert allowed(acl(text, lists_by_item=True), Operation.UPDATE, "a", {"l": ["y", "x"]})
    assert not allowed(acl(text, lists_by_item=True), Operation.UPDATE, "a", {"l": ["y", "z"]})
    assert not allowed(acl(denying, lists_by_item=True), Operation.UPDATE, "a", {"l": ["z", "x"]})
    assert allowed(acl(denying, lists_by_item=True), Operation.UPDATE, "a", {"l": ["z"]})


@pytest.mark.parametrize(
    ("value", "by_item", "allowed_there", "denied_there"),
    [
        ("y, x", True, True, True),
        ("y, x", False, False, False),
        ("y,z", True, False, False),
        ("", True, True, False),
        ([], True, True, False),
        ([], False, False, False),
    ],
)
def test_texts_count_as_lists_where_the_product_does(
    value: Any, by_item: bool, allowed_there: bool, denied_there: bool
) -> None:
    allowing = acl('path "a" { policy = "write" allowed_parameters = { l = ["x", "y"] } }', lists_by_item=by_item)
    denying = acl('path "a" { policy = "write" denied_parameters = { l = ["x"] } }', lists_by_item=by_item)
    assert allowed(allowing, Operation.UPDATE, "a", {"l": value}) is allowed_there
    assert allowed(denying, Operation.UPDATE, "a", {"l": value}) is not denied_there


@pytest.mark.parametrize(
    ("text", "with_slash", "without_slash"),
    [
        ('path "p*" { capabilities = ["list"] } path "p/roles/*" { capabilities = ["update"] }', False, True),
        ('path "p/*" { capabilities = ["list"] } path "p/+" { capabilities = ["deny"] }', True, False),
        ('path "p/roles/*" { capabilities = ["list"] }', True, True),
        ('path "p/roles/" { capabilities = ["list"] } path "p/*" { capabilities = ["deny"] }', True, True),
    ],
)
def test_the_order_in_which_a_listing_is_weighed(text: str, with_slash: bool, without_slash: bool) -> None:
    assert allowed(acl(text), Operation.LIST, "p/roles/") is with_slash
    first = acl(text, folders_first=True)
    assert allowed(first, Operation.LIST, "p/roles/") is without_slash
    assert ("list" in first.capabilities("p/roles/")) is without_slash


def test_all_denied_all_allowed_and_required() -> None:
    rules = acl(
        'path "none" { policy = "write" denied_parameters = { "*" = [] } }'
        ' path "all" { policy = "write" allowed_parameters = { "*" = [] k = ["v"] } }'
        ' path "must" { policy = "write" required_parameters = ["Key"] }'
    )
    assert allowed(rules, Operation.UPDATE, "none")
    assert not allowed(rules, Operation.UPDATE, "none", {"x": 1})
    assert allowed(rules, Operation.UPDATE, "all", {"x": 1, "k": "v"})
    assert not allowed(rules, Operation.UPDATE, "all", {"k": "w"})
    assert not allowed(rules, Operation.UPDATE, "must", {"Key": 1})
    assert allowed(rules, Operation.UPDATE, "must", {"key": None})
    assert allowed(rules, Operation.DELETE, "must")


def test_parameters_of_merged_policies() -> None:
    one = 'path "a" { policy = "write" allowed_parameters = { k = ["1"] } required_parameters = ["k"] }'
    two = 'path "a" { policy = "write" allowed_parameters = { k = ["2"] l = ["x"] } required_parameters = ["l"] }'
    open_ended = 'path "a" { policy = "write" allowed_parameters = { l = [] } }'
    rules = acl(one, two, open_ended)
    assert allowed(rules, Operation.UPDATE, "a", {"k": "2", "l": "anything"})
    assert not allowed(rules, Operation.UPDATE, "a", {"k": "2"})
    assert not allowed(rules, Operation.UPDATE, "a", {"k": "3", "l": "x"})


def test_merging_leaves_the_parsed_rules_alone() -> None:
    first = parse_policy('path "a" { policy = "write" allowed_parameters = { k = ["1"] } }').rules
    other = parse_policy('path "a" { policy = "deny" }').rules
    assert not allowed(Acl([("p", first), ("q", other)]), Operation.READ, "a")
    assert allowed(Acl([("p", first)]), Operation.UPDATE, "a", {"k": "1"})
    Acl([("p", first), ("r", parse_policy('path "a" { policy="write" allowed_parameters = { k = ["2"] } }').rules)])
    assert not allowed(Acl([("p", first)]), Operation.UPDATE, "a", {"k": "2"})


@pytest.mark.parametrize(
    ("limit", "seen"),
    [(None, "5"), ("max", "5"), ("0", "5"), (0, "5"), ("3", "3"), (5, 5), ("6", None), ("-1", None), ("x", None)],
)
def test_the_page_size_is_kept_below_the_limit(limit: Any, seen: Any) -> None:
    rules = acl('path "a/" { capabilities = ["list"] pagination_limit = 5 }')
    data = {} if limit is None else {"limit": limit}
    assert allowed(rules, Operation.LIST, "a/", data) is (seen is not None)
    if seen is not None:
        assert data["limit"] == seen


def test_the_lowest_page_size_wins_and_limit_may_be_required() -> None:
    text = 'path "a/" { capabilities = ["list"] pagination_limit = %d required_parameters = [%s] }'
    rules = acl(text % (7, ""), text % (5, '"limit"'))
    assert not allowed(rules, Operation.LIST, "a/", {"limit": "6"})
    assert not allowed(rules, Operation.LIST, "a/")
    assert allowed(rules, Operation.LIST, "a/", {"limit": "max"})


def test_max_means_everything_without_a_limit() -> None:
    data = {"limit": "max"}
    assert allowed(acl('path "a/" { policy = "read" }'), Operation.LIST, "a/", data)
    assert data == {"limit": "0"}


def test_a_decision_names_its_rules() -> None:
    two = 'path "a/*" { capabilities = ["delete"] }'
    rules = acl('path "a/*" { policy = "read" }', two, 'path "b" { policy = "deny" }')
    assert rules.decide(Operation.DELETE, "a/x", {}, 0, False).rule == 'policy "p1": path "a/*"'
    assert rules.decide(Operation.READ, "b", {}, 0, False).rule == 'policy "p2": path "b" denies, not read'
    assert rules.decide(Operation.READ, "c", {}, 0, False).rule == "no rule matches"


def test_the_end_of_the_earliest_rule_is_known() -> None:
    rules = [
        PolicyRule("a", "a", expires=90),
        PolicyRule("b", "b", expires=50),
        PolicyRule("c", "c", expires=10),
        PolicyRule("d", "d"),
    ]
    merged = Acl([("p", rules)], now=20)
    assert merged.expires == 50
    assert sorted(merged.exact) == ["a", "b", "d"]
