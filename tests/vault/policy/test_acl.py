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
from mockkms.vault.policy.rules import PolicyRule, parse_policy
from tests.vault.policy.deciding import acl, allowed

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
@settings(max_examples=300)
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
@settings(max_examples=150)
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


@pytest.mark.parametrize(
    ("rule", "mount", "reached"),
    [
        ("x/+/z", "x/", True),
        ("x/+/z", "x/y/", True),
        ("x/+/z", "x/y/z/", True),
        ("x/+/z", "y/", False),
        ("x/+/z", "x/y/q/", False),
        ("x/+", "x/y/z/", False),
        ("+/b", "a/b/", True),
        ("+/b", "a/c/", False),
        ("+/b", "a/bc/", False),
        ("+/b*", "a/bc/", True),
        ("+/bd*", "a/bc/", False),
        ("+/b*", "a/bc/d/", False),
        ("+/b/c*", "a/x/", False),
        ("+/b/c*", "a/bx/", False),
        ("+/*", "a/b/", True),
    ],
)
def test_wildcards_that_reach_a_mount(rule: str, mount: str, reached: bool) -> None:
    """The real server compares segments up to the mount's last one, even if the mount's own path is denied.

    Only the last segment of a rule may be a prefix.
    """
    denied = f'path "{mount}" {{ policy = "deny" }}'
    assert acl(f'path "{rule}" {{ policy = "read" }}', denied).reaches(mount) is reached
    assert not acl(f'path "{rule}" {{ policy = "deny" }}', denied).reaches(mount)


def test_mounts_are_reached_within_a_namespace() -> None:
    rules = acl('path "secret/a" { policy = "read" } path "te*" { policy = "read" }', namespace="team/")
    assert [rules.reaches(mount, "team/") for mount in ("secret/", "tests/", "other/")] == [True, True, False]
    assert [rules.reaches(mount) for mount in ("secret/", "tests/", "other/")] == [False, False, False]
    root = Acl(root="team/")
    assert (root.reaches("secret/", "team/"), root.reaches("secret/")) == (True, False)


@pytest.mark.parametrize(
    ("lower", "higher", "path"),
    [
        ("+/b/c", "a/+/c", "a/b/c"),
        ("+/b/+", "a/+/c", "a/b/c"),
        ("a/+/*", "a/+/c", "a/b/c"),
        ("a/+/+", "a/+/c", "a/b/c"),
        ("a/+/+/*", "a/+/c/*", "a/b/c/d"),
        ("a/+/+/d/ef*", "a/+/c/*", "a/b/c/d/efg"),
        ("a/+/c*", "a/+/cd*", "a/b/cde"),
        ("a/+/+/d", "a/+/c/+", "a/b/c/d"),
        ("a/+/c", "a/b*", "a/b/c"),
        ("a/*", "a/+/c", "a/b/c"),
        ("a/+/*", "a/*", "a/b/c"),
    ],
)
def test_the_documented_priority(lower: str, higher: str, path: str) -> None:
    """Source: Vault's documentation of policies, "priority matching", its five steps in order."""
    rules = [f'path "{lower}" {{ capabilities = ["read"] }}', f'path "{higher}" {{ capabilities = ["update"] }}']
    for texts in (rules, rules[::-1]):
        assert acl(*texts).capabilities(path) == ["update"]


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


def test_slashes_before_a_path_do_not_count() -> None:
    """As on the real server, which removes them before it compares."""
    rules = acl('path "X/a" { policy = "read" }')
    assert all(allowed(rules, Operation.READ, path) for path in ("X/a", "/X/a", "//X/a"))
    assert not any(allowed(rules, Operation.READ, path) for path in ("/a", "//X/b"))


@pytest.mark.parametrize(
    ("first", "second", "ttls", "expected"),
    [
        ("max_wrapping_ttl = 5", "max_wrapping_ttl = 1", (1, 2), [True, False]),
        ('max_wrapping_ttl = "1s"', 'max_wrapping_ttl = "500ms"', (0.5, 1), [True, False]),
        ("max_wrapping_ttl = 5", "", (5, 6), [True, False]),
        ("", "max_wrapping_ttl = 5", (5, 6), [True, False]),
        ("min_wrapping_ttl = 5", "min_wrapping_ttl = 1", (0, 1), [False, True]),
        ("min_wrapping_ttl = 5 max_wrapping_ttl = 5", "", (4, 5, 6), [False, True, False]),
        ("min_wrapping_ttl = 5", "max_wrapping_ttl = 4", (4, 5), [False, False]),
        ("max_wrapping_ttl = 5", "", (None, 0, 6), [False, True, False]),
        ("min_wrapping_ttl = 1.5", "", (None, 0.5, 1), [False, False, True]),
        ('min_wrapping_ttl = "-1s"', "", (None, 0, 1), [True, True, True]),
    ],
)
def test_the_smaller_wrapping_limit_counts(
    first: str, second: str, ttls: tuple[float | None, ...], expected: list[bool]
) -> None:
    """As on the real server, also of the minima: rules of the same path together may demand the impossible."""
    rules = acl(f'path "a" {{ policy = "read" {first} }}', f'path "a" {{ policy = "read" {second} }}')
    assert [allowed(rules, Operation.READ, "a", wrap_ttl=ttl) for ttl in ttls] == expected


def test_wrapping_limits_of_merged_policies() -> None:
    rules = acl(
        'path "a" { policy = "read" min_wrapping_ttl = 10 max_wrapping_ttl = 100 }',
        'path "a" { policy = "read" min_wrapping_ttl = 5 max_wrapping_ttl = 50 }',
    )
    assert [allowed(rules, Operation.READ, "a", wrap_ttl=ttl) for ttl in (0, 4, 5, 50, 51)] == [
        False, False, True, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "with_slash", "without_slash"),
    [
        ('path "p*" { capabilities = ["list"] } path "p/roles/*" { capabilities = ["update"] }', False, True),
        ('path "p/*" { capabilities = ["list"] } path "p/+" { capabilities = ["deny"] }', True, False),
        ('path "p/roles/*" { capabilities = ["list"] }', True, True),
        ('path "p/roles/" { capabilities = ["list"] } path "p/*" { capabilities = ["deny"] }', True, True),
        ('path "p/roles*" { capabilities = ["list"] } path "p/*" { capabilities = ["deny"] }', True, True),
        ('path "+/roles" { capabilities = ["list"] }', True, True),
    ],
)
def test_the_order_in_which_a_listing_is_weighed(text: str, with_slash: bool, without_slash: bool) -> None:
    assert allowed(acl(text), Operation.LIST, "p/roles/") is with_slash
    first = acl(text, folders_first=True)
    assert allowed(first, Operation.LIST, "p/roles/") is without_slash
    assert ("list" in first.capabilities("p/roles/")) is without_slash


def test_parameters_of_merged_policies() -> None:
    one = 'path "a" { policy = "write" allowed_parameters = { k = ["1"] } required_parameters = ["k"] }'
    two = 'path "a" { policy = "write" allowed_parameters = { k = ["2"] l = ["x"] } required_parameters = ["l"] }'
    open_ended = 'path "a" { policy = "write" allowed_parameters = { l = [] } }'
    rules = acl(one, two, open_ended)
    assert allowed(rules, Operation.UPDATE, "a", {"k": "2", "l": "anything"})
    assert not allowed(rules, Operation.UPDATE, "a", {"k": "2"})
    assert not allowed(rules, Operation.UPDATE, "a", {"k": "3", "l": "x"})


@pytest.mark.parametrize(
    ("first", "second", "passed"),
    [
        ('denied_parameters = { k = ["1"] }', 'denied_parameters = { k = ["2"] }', "3"),
        ('denied_parameters = { k = ["1", "2"] }', "", "3"),
        ("", 'denied_parameters = { k = ["1", "2"] }', "3"),
        ('denied_parameters = { k = ["1"] }', "denied_parameters = { k = [] }", ""),
        ("denied_parameters = { k = [] }", 'denied_parameters = { k = ["1"] }', ""),
        ('allowed_parameters = { k = ["3"] }', "", "3"),
        ("", 'allowed_parameters = { k = ["3"] }', "3"),
        ("allowed_parameters = { k = [] }", 'allowed_parameters = { k = ["1"] }', "123"),
    ],
)
def test_values_of_merged_policies(first: str, second: str, passed: str) -> None:
    """As on the real server: values add up, an empty list stands for all, and a rule without values adds none."""
    rules = acl(f'path "a" {{ policy = "write" {first} }}', f'path "a" {{ policy = "write" {second} }}')
    assert [value for value in "123" if allowed(rules, Operation.UPDATE, "a", {"k": value})] == list(passed)


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 1, 0)])
def test_a_denial_overrides_all_rules_of_its_path(order: tuple[int, ...]) -> None:
    texts = ('path "a" { policy = "sudo" }', 'path "a" { capabilities = ["read", "deny"] }')
    rules = acl(*(texts[index] for index in order))
    assert rules.capabilities("a") == ["deny"]
    assert not any(allowed(rules, operation, "a") for operation in Operation if operation is not Operation.HELP)


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


@pytest.mark.parametrize(("first", "second"), [(0, 1), (1, 0), (1, 9), (-1, 1)])
def test_a_page_size_of_one_of_two_policies(first: int, second: int) -> None:
    rules = acl(*(f'path "a/" {{ policy = "read" pagination_limit = {limit} }}' for limit in (first, second)))
    assert [allowed(rules, Operation.LIST, "a/", {"limit": limit}) for limit in (1, 2)] == [True, False]


def test_pages_are_limited_in_listings_alone() -> None:
    rules = acl('path "a" { policy = "write" pagination_limit = 5 } path "b" { policy = "read" min_wrapping_ttl = 1 }')
    data: dict[str, Any] = {}
    assert allowed(rules, Operation.DELETE, "a", data)
    assert allowed(rules, Operation.LIST, "b", data, wrap_ttl=1)
    assert data == {}
    data = {"limit": "7"}
    assert allowed(rules, Operation.LIST, "b", data, wrap_ttl=1)
    assert data == {"limit": "7"}


def test_max_means_everything_without_a_limit() -> None:
    data = {"limit": "max"}
    assert allowed(acl('path "a/" { policy = "read" }'), Operation.LIST, "a/", data)
    assert data == {"limit": "0"}


def test_the_end_of_the_earliest_rule_is_known() -> None:
    rules = [
        PolicyRule("a", "a", expires=90),
        PolicyRule("b", "b", expires=50),
        PolicyRule("c", "c", expires=10),
        PolicyRule("d", "d"),
        PolicyRule("e", "e", expires=20),
    ]
    assert Acl([("p", rules[:4])], now=20).expires == 50
    merged = Acl([("p", rules)], now=20)
    assert sorted(merged.exact) == ["a", "b", "d", "e"]
