"""The reason of every decision, word for word, as the journal, explanations and reports of denials show it."""

from __future__ import annotations

from typing import Any

import pytest

from mockkms.vault.framework.message import Operation
from mockkms.vault.policy.acl import Acl, Decision
from tests.vault.policy.deciding import acl, decide

READ, UPDATE, LIST = Operation.READ, Operation.UPDATE, Operation.LIST
FILTERED = 'path "a/" { policy = "read" list_scan_response_keys_filter_path = "{{ .path }}{{ .key }}" }'


@pytest.mark.parametrize(
    ("texts", "operation", "reason"),
    [
        (['path "a" { policy = "read" }'], UPDATE, 'policy "p0": path "a" grants list, read, not update'),
        (['path "a" { policy = "read" }'], Operation.HEADER, 'policy "p0": path "a" grants list, read, not header'),
        (['path "a" {}'], READ, 'policy "p0": path "a" grants nothing, not read'),
        (['path "a" { policy = "deny" }'], READ, 'policy "p0": path "a" denies, not read'),
        (['path "b" { policy = "read" }'], READ, "no rule matches"),
        (
            ['path "a" { policy = "read" }', 'path "a" { policy = "deny" }', 'path "a" { policy = "read" }'],
            READ,
            'policy "p1": path "a" denies, not read',
        ),
        (
            ['path "a" { policy = "read" } path "a" { policy = "read" }', 'path "a" {}'],
            UPDATE,
            'policy "p0": path "a"; policy "p1": path "a" grants list, read, not update',
        ),
    ],
)
def test_a_missing_capability_is_named_and_final(texts: list[str], operation: Operation, reason: str) -> None:
    assert decide(acl(*texts), operation, "a") == Decision(False, reason, final=True)


def test_a_missing_sudo_is_named_and_final() -> None:
    assert decide(acl('path "a" { policy = "read" }'), READ, "a", sudo=True) == Decision(
        False, 'policy "p0": path "a" grants list, read, but the path needs sudo', final=True
    )


def test_an_allowed_request_names_the_rules_that_grant_it() -> None:
    rules = acl(
        'path "a*" { policy = "read" }', 'path "a*" { policy = "write" }', 'path "a*" { capabilities=["scan"] }'
    )
    assert decide(rules, READ, "ab") == Decision(True, 'policy "p0": path "a*"; policy "p1": path "a*"', final=True)
    assert decide(rules, UPDATE, "ab") == Decision(True, 'policy "p1": path "a*"', final=True)


def test_root_and_help_are_final() -> None:
    root = Acl(root="team/")
    assert decide(root, READ, "x", namespace="team/sub/") == Decision(True, 'policy "root"', final=True)
    elsewhere = 'policy "root" holds in namespace "team/" only'
    assert decide(root, READ, "x") == Decision(False, elsewhere, final=True)
    assert decide(acl(), Operation.HELP, "x") == Decision(True, "help is open to every token", final=True)


@pytest.mark.parametrize(
    ("constraint", "wrap_ttl", "reason"),
    [
        ("max_wrapping_ttl = 90", None, "the answer has to be wrapped for at most 90 seconds"),
        ("max_wrapping_ttl = 90", 91, "the answer has to be wrapped for at most 90 seconds"),
        ('min_wrapping_ttl = "1500ms"', 1, "the answer has to be wrapped for at least 1.5 seconds"),
        ('min_wrapping_ttl = "1500ms"', 0, "the answer has to be wrapped for at least 1.5 seconds"),
    ],
)
def test_refused_wrapping_gives_the_limit(constraint: str, wrap_ttl: float | None, reason: str) -> None:
    rules = acl(f'path "a" {{ policy = "read" {constraint} }}')
    assert decide(rules, READ, "a", wrap_ttl=wrap_ttl) == Decision(False, f'policy "p0": path "a": {reason}')


@pytest.mark.parametrize(
    ("constraint", "data", "reason"),
    [
        ('required_parameters = ["Key"]', {}, 'required parameter "Key" is missing'),
        ('denied_parameters = { "*" = [] }', {"x": 1}, "all parameters are denied"),
        ('denied_parameters = { "x" = [] }', {"x": 1}, 'parameter "x" is denied'),
        ('denied_parameters = { "x" = ["a"] }', {"X": "a"}, 'parameter "X" has a denied value'),
        ('allowed_parameters = { "x" = [] }', {"x": 1, "y": 1}, 'parameter "y" is not among the allowed ones'),
        (
            'allowed_parameters = { "x" = ["a"] }',
            {"x": "b"},
            'parameter "x" has a value that is not among the allowed ones',
        ),
    ],
)
def test_refused_parameters_are_named(constraint: str, data: dict[str, Any], reason: str) -> None:
    rules = acl(f'path "a" {{ policy = "write" {constraint} }}')
    assert decide(rules, UPDATE, "a", data) == Decision(False, f'policy "p0": path "a": {reason}')


@pytest.mark.parametrize(
    ("more", "data", "reason"),
    [
        ('required_parameters = ["Limit"]', {}, 'required parameter "limit" is missing'),
        ("", {"limit": "many"}, 'limit "many" is not a number'),
        ("", {"limit": "6"}, "limit 6 is outside 0 to 5"),
    ],
)
def test_a_refused_page_size_gives_the_limit(more: str, data: dict[str, Any], reason: str) -> None:
    rules = acl(f'path "a/" {{ policy = "read" pagination_limit = 5 {more} }}')
    assert decide(rules, LIST, "a/", data) == Decision(False, f'policy "p0": path "a/": {reason}')


def test_what_depends_on_the_request_is_not_final() -> None:
    """A decision is remembered by operation and path, so one that parameters or wrapping change must not be final."""
    granted = 'policy "p0": path "a"'
    wrapped = acl('path "a" { policy = "read" min_wrapping_ttl = 10 }')
    assert decide(wrapped, READ, "a", wrap_ttl=10) == Decision(True, granted)
    plain = acl('path "a" { policy = "read" }')
    assert decide(plain, LIST, "a", {"limit": "1"}) == Decision(True, granted)
    assert decide(plain, LIST, "a") == Decision(True, granted, final=True)
    assert decide(plain, READ, "a", {"limit": "1"}) == Decision(True, granted, final=True)


def test_a_filter_of_keys_applies_to_listings() -> None:
    granted, template = 'policy "p0": path "a/"', "{{ .path }}{{ .key }}"
    assert decide(acl(FILTERED), LIST, "a/") == Decision(True, granted, template)
    assert decide(acl(FILTERED), READ, "a/") == Decision(True, granted)
    for texts in ((FILTERED, 'path "a/" { policy = "read" }'), ('path "a/" { policy = "read" }', FILTERED)):
        assert decide(acl(*texts), LIST, "a/").keys_filter == template


def test_a_decision_names_the_policies_that_grant_the_capability() -> None:
    # ``addGrantingPoliciesToMap`` in vault/acl.go: every policy with the capability on the deciding path.
    read, write = 'path "a" { policy = "read" }', 'path "a" { policy = "write" }'
    rules = acl(read, 'path "a" { capabilities = ["delete"] }', write)
    assert decide(rules, READ, "a").granted_by == (("p0", ""), ("p2", ""))
    assert decide(rules, READ, "b").granted_by == ()
    assert decide(Acl(root="team/"), READ, "x", namespace="team/").granted_by == (("root", "team/"),)
