"""Policy texts to rules, and the server's refusals."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockkms.vault.golang.duration import parse_moment
from mockkms.vault.policy.rules import PolicyError, PolicyRule, parse_policy
from mockkms.vault.products.policy_dialects import OPENBAO_POLICIES, VAULT_POLICIES


def rule(text: str, **options: Any) -> PolicyRule:
    """The one rule of a text."""
    (found,) = parse_policy(text, OPENBAO_POLICIES, **options).rules
    return found


def test_a_rule_in_full() -> None:
    found = rule(
        """
        path "secret/*" {
          comment = "kept by nobody"
          capabilities = ["create", "update"]
          allowed_parameters = { "Key" = ["a", 1] "*" = [] }
          denied_parameters = { "x" = [true] }
          required_parameters = ["key"]
          min_wrapping_ttl = "1m"
          max_wrapping_ttl = 3600
          pagination_limit = "7"
        }
        """
    )
    assert (found.path, found.is_prefix, found.has_wildcards, found.written) == ("secret/", True, False, "secret/*")
    assert found.capabilities == {"create", "update"}
    assert found.allowed == {"key": ["a", 1], "*": []}
    assert found.denied == {"x": [True]}
    assert (found.required, found.min_wrapping_ttl, found.max_wrapping_ttl) == (["key"], 60, 3600)
    assert (found.pagination_limit, found.line) == (7, 2)


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("a", ("a", False, False)),
        ("/a", ("a", False, False)),
        ("a*", ("a", True, False)),
        ("*", ("", True, False)),
        ("+", ("+", False, True)),
        ("+/a", ("+/a", False, True)),
        ("a/+/b*", ("a/+/b*", False, True)),
        ("a+b", ("a+b", False, False)),
        ("a*b", ("a*b", False, False)),
    ],
)
def test_path_shapes(path: str, shape: tuple[str, bool, bool]) -> None:
    found = rule(f'path "{path}" {{}}')
    assert (found.path, found.is_prefix, found.has_wildcards) == shape


def test_a_namespace_stands_before_the_path() -> None:
    assert rule('path "/a/*" {}', namespace="team/").path == "team/a/"
    assert rule('path "+" {}', namespace="team/").has_wildcards


@pytest.mark.parametrize(
    ("old", "capabilities"),
    [
        ("deny", {"deny"}),
        ("read", {"read", "list"}),
        ("write", {"create", "read", "update", "delete", "list"}),
        ("sudo", {"create", "read", "update", "delete", "list", "sudo"}),
    ],
)
def test_old_style_policies(old: str, capabilities: set[str]) -> None:
    assert rule(f'path "a" {{ policy = "{old}" }}').capabilities == capabilities


def test_deny_stands_alone_and_ends_the_reading() -> None:
    found = rule('path "a" { capabilities = ["read", "deny", "fly"] min_wrapping_ttl = "x" }')
    assert found.capabilities == {"deny"}


def test_repeated_attributes_and_blocks_add_up() -> None:
    found = rule(
        'path "a" { capabilities = ["read"] capabilities = ["list"]'
        ' allowed_parameters { k = ["v"] } allowed_parameters { k = ["w"] l = [] } }'
    )
    assert found.capabilities == {"read", "list"}
    assert found.allowed == {"k": ["v", "w"], "l": []}


def test_the_json_form() -> None:
    text = json.dumps({"path": {"a/*": {"capabilities": ["read"]}, "b": {"policy": "write"}}})
    first, second = parse_policy(text).rules
    assert (first.path, first.capabilities) == ("a/", {"read"})
    assert (second.path, "delete" in second.capabilities) == ("b", True)


def test_a_block_without_a_path_is_about_path() -> None:
    assert rule('path { capabilities = ["read"] }').path == "path"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('path "a" { capabilities = ["fly"] }', 'path "a": invalid capability "fly"'),
        ('path "a" { policy = "fly" }', 'path "a": invalid policy "fly"'),
        ('path "a" { capabilities = "read" }', 'path "a": At 1:27: unknown slice type: *ast.LiteralType'),
        ('path "a" { capabilities = [true] }',
         'path "a": At 1:28: root.Capabilities[0]: unknown type for string *ast.LiteralType'),
        ('path "a" { capabilities = [["read"]] }',
         'path "a": At 1:28: root.Capabilities[0]: unknown type for string *ast.ListType'),
        ('path "a" { unknown = 1 other {} }', '2 errors occurred:\n\t* path "a": invalid key "unknown" on line 1\n'
         '\t* path "a": invalid key "other" on line 0\n\n'),
        ('pth "a" {}', '1 error occurred:\n\t* invalid key "pth" on line 0\n\n'),
        ('Path "a" {}', '1 error occurred:\n\t* invalid key "Path" on line 0\n\n'),
        ("name = true", "At 1:8: root.name: unknown type for string *ast.LiteralType"),
        ("name {}", "At -: root.name: unknown type for string *ast.ObjectList"),
        ('path = "a"', 'path "path": cannot check HCL keys of type *ast.LiteralType'),
        ('path "a/+*" {}', 'path "a/+*": invalid use of wildcards (\'+*\' is forbidden)'),
        ('path "a" { allowed_parameters = "x" }',
         'path "a": At 1:33: root.allowed_parameters: not an object type for map (*ast.LiteralType)'),
        ('path "a" { allowed_parameters = { k = "x" } }', 'path "a": At 1:39: unknown slice type: *ast.LiteralType'),
        ('path "a" { min_wrapping_ttl = "2h" max_wrapping_ttl = "1h" }',
         "max_wrapping_ttl cannot be less than min_wrapping_ttl"),
        ('path "a" { max_wrapping_ttl = "x" }', 'error parsing max_wrapping_ttl: time: invalid duration "x"'),
        ('path "a" { min_wrapping_ttl = true }',
         "error parsing min_wrapping_ttl: could not parse duration from input"),
        ('path "a" { pagination_limit = "x" }', 'path "a": strconv.ParseInt: parsing "x": invalid syntax'),
        ('path "a" { pagination_limit = 1.5 }',
         'path "a": At 1:31: root.pagination_limit: unknown type *ast.LiteralType'),
        ('path "a" { expiration = "soon" }',
         'path "a": invalid expiration time: could not parse string as date and time'),
        ('path "a/{{x" {}', "failed to validate policy templating: unbalanced templating characters"),
        ('path "a" { list_scan_response_keys_filter_path = "{{.path}}{{.key}}" }',
         "list_scan_response_keys_filter_path needs to be used on a path with the list capability"),
        ('path "a" { capabilities = ["list"] list_scan_response_keys_filter_path = "x" }',
         "list_scan_response_keys_filter_path resulted in same path for two different keys"),
        ('path "a" { control_group {} }', '1 error occurred:\n\t* path "a": invalid key "control_group" on line 0\n\n'),
        ('path "a\\tb" { capabilities = ["f\\tly"] }', 'path "a\\tb": invalid capability "f\\tly"'),
        ('path "a" { policy = "f\\"ly" }', 'path "a": invalid policy "f\\"ly"'),
    ],
)  # fmt: skip
def test_refusals(text: str, message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy(text, OPENBAO_POLICIES)
    assert str(caught.value) == f"failed to parse policy: {message}"


def test_a_refusal_knows_its_place() -> None:
    for text in ('\npath "a" {}\npath "b" { capabilities = ["fly"] }', '\npath "a" {}\npath "b" { x = 1 }'):
        with pytest.raises(PolicyError) as caught:
            parse_policy(text)
        assert caught.value.line == 3
        assert caught.value.column > 0


GROUP = 'identity { group_names = ["g"] approvals = 1 }'
SUBSET = "control group factor capabilities must be a subset of the policy's capabilities"
NO_GROUP = "must provide more than one identity group and approvals > 0"


@pytest.mark.parametrize(
    ("inside", "message"),
    [
        ("", "no control group factors provided"),
        ("z = 1", "no control group factors provided"),
        ('ttl = "x"', 'error parsing control group max ttl: time: invalid duration "x"'),
        ('factor "x" { y = 1 }', "no control_group factor provided"),
        (f"factor {{ {GROUP} }}", "no control_group factor provided"),
        (f'factor "x" {{ {GROUP} }} factor "y" {{}}', "no control_group factor provided"),
        ('factor "x" { identity { approvals = 1 } }', NO_GROUP),
        ('factor "x" { identity { group_ids = ["g"] } }', NO_GROUP),
        (f'factor "x" {{ {GROUP} identity {{ group_ids = ["g"] }} }}', NO_GROUP),
        (f'factor "x" {{ {GROUP} controlled_capabilities = ["read", "fly"] }}', SUBSET),
        ('factor "x" { identity { approvals = "x" } }', 'path "a": strconv.ParseInt: parsing "x": invalid syntax'),
        ('factor = "x"', 'path "a": At 1:61: root.control_group.factor: not an object type for map (*ast.LiteralType)'),
    ],
)
def test_control_groups_that_are_refused(inside: str, message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy(f'path "a" {{ capabilities = ["read"] control_group {{ {inside} }} }}', VAULT_POLICIES)
    assert str(caught.value) == f"failed to parse policy: {message}"


@pytest.mark.parametrize(
    "text",
    [
        f'policy = "read" control_group {{ ttl = "1h" factor "x" {{ {GROUP} controlled_capabilities = ["read"] }} }}',
        f"capabilities = [] control_group = {{ max_ttl = 1 factor = {{ x = {{ {GROUP} }} }} }}",
        f'control_group {{ factor "x" {{}} }} control_group {{ factor "y" {{ {GROUP} }} }}',
        'policy = "deny" control_group {}',
    ],
)
def test_control_groups_have_no_effect(text: str) -> None:
    assert parse_policy(f'path "a" {{ {text} }}', VAULT_POLICIES).rules


def test_the_products_differ() -> None:
    for text in ('path "a" { capabilities = ["scan"] }', 'path "a" { pagination_limit = 1 }'):
        assert parse_policy(text, OPENBAO_POLICIES).rules
        with pytest.raises(PolicyError):
            parse_policy(text, VAULT_POLICIES)
    for text in ('path "a" { capabilities = ["recover"] }', 'path "a" { subscribe_event_types = ["*"] }'):
        assert parse_policy(text, VAULT_POLICIES).rules
        with pytest.raises(PolicyError):
            parse_policy(text, OPENBAO_POLICIES)
    with pytest.raises(PolicyError, match='The argument "policy" at 1:30 was already set'):
        parse_policy('path "a" { policy = "read"   policy = "write" }', VAULT_POLICIES)


def test_expired_rules_are_left_out() -> None:
    text = 'path "a" { expiration = "2001-01-01T00:00:00Z" }\npath "b" { expiration = "4000000000" }'
    assert [found.path for found in parse_policy(text, OPENBAO_POLICIES, now=1e9).rules] == ["b"]


def test_templates_are_seen_and_filled() -> None:
    text = 'path "a/{{identity.entity.name}}" {}\npath "b/{{no.such}}" {}\npath "c" {}'
    assert parse_policy(text).templated
    filled = {"a/{{identity.entity.name}}": "a/ann", "c": "c"}
    assert [found.path for found in parse_policy(text, substitute=filled.get).rules] == ["a/ann", "c"]


@pytest.mark.parametrize(
    ("text", "moment"),
    [("1970-01-01T00:01:00Z", 60), ("1970-01-01T01:01:00.5+01:00", 60.5), ("90", 90), ("-5", -5)],
)
def test_moments(text: str, moment: float) -> None:
    assert parse_moment(text) == moment


@pytest.mark.parametrize("text", ["", "x", "2001-01-01", "2001-01-01 00:00:00Z", "2001-13-01T00:00:00Z"])
def test_invalid_times(text: str) -> None:
    with pytest.raises(ValueError, match="could not parse string as date and time"):
        parse_moment(text)


_WORDS = st.sampled_from(
    ["path", '"a"', "{", "}", "capabilities", "=", '["read"]', "policy", '"write"', "allowed_parameters", "[", "]", "1",
     "control_group", "min_wrapping_ttl", '"1h"', "factor", "ttl", "expiration", '""', "name", "{}", ",", "\n"]
)  # fmt: skip


def outcome(text: str, dialect: Any) -> str:
    """``parsed``, or the refusal."""
    try:
        parse_policy(text, dialect)
    except PolicyError as error:
        return str(error)
    return "parsed"


@given(st.lists(_WORDS, max_size=14).map(" ".join), st.sampled_from([OPENBAO_POLICIES, VAULT_POLICIES]))
@settings(max_examples=150)
def test_any_text_is_a_policy_or_is_refused(text: str, dialect: Any) -> None:
    for form in (text, f'path "a" {{ {text} }}'):
        assert outcome(form, dialect).startswith(("parsed", "failed to parse policy: "))
