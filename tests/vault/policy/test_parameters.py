"""The values that a rule's parameter constraints let through."""

from __future__ import annotations

from typing import Any

import pytest

from mockkms.vault.framework.message import Operation
from tests.vault.policy.deciding import acl, allowed


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


def test_an_asterisk_alone_allows_every_parameter() -> None:
    rules = acl('path "a" { policy = "write" allowed_parameters = { "*" = [] } }')
    assert allowed(rules, Operation.UPDATE, "a", {"x": 1, "*": [None]})


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"l": ["x", "y"]}, True),
        ({"l": ["x"]}, False),
        ({"l": ["y", "x"]}, False),
        ({"l": ["x", "y", "z"]}, False),
        ({"l": "x"}, False),
        ({"m": {"a": "b", "c": ["d"]}}, True),
        ({"m": {"a": "b", "c": ["e"]}}, False),
        ({"m": {"a": "b"}}, False),
        ({"m": {"c": ["d"]}}, False),
        ({"m": {"a": "b", "c": ["d"], "e": "f"}}, False),
        ({"m": ["a", "c"]}, False),
        ({"m": "a"}, False),
    ],
)
@pytest.mark.parametrize("by_item", [False, True])
def test_lists_and_mappings_are_compared_in_depth(by_item: bool, data: dict[str, Any], expected: bool) -> None:
    """The real server compares them with Go's ``reflect.DeepEqual``."""
    text = 'path "a" { policy = "write" allowed_parameters = { l = [["x", "y"]] m = [{ a = "b" c = ["d"] }] } }'
    assert allowed(acl(text, lists_by_item=by_item), Operation.UPDATE, "a", data) is expected
    denying = acl(text.replace("allowed_parameters", "denied_parameters"), lists_by_item=by_item)
    assert allowed(denying, Operation.UPDATE, "a", data) is not expected


@pytest.mark.parametrize("value", [5, 1.5, None, True, {"x": "y"}])
def test_values_without_items_are_compared_whole(value: Any) -> None:
    rules = acl('path "a" { policy = "write" allowed_parameters = { l = ["x"] } }', lists_by_item=True)
    assert not allowed(rules, Operation.UPDATE, "a", {"l": value})


@pytest.mark.parametrize("sent", [["Super"], "Super", "a,SUPER", ["a", "Super"]])
def test_names_of_policies_are_compared_in_lower_case_where_the_product_does(sent: object) -> None:
    denying = 'path "a" { policy = "write" denied_parameters = { policies = ["super"] names = ["super"] } }'
    for key, folded, expected in (("policies", True, False), ("policies", False, True), ("names", True, True)):
        rules = acl(denying, lists_by_item=True, policies_folded=folded)
        assert allowed(rules, Operation.UPDATE, "a", {key: sent}) is expected
