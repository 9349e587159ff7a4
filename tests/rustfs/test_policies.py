"""Policies of users: which documents are refused, and what statements cover."""

from __future__ import annotations

from typing import Any

import pytest

from mockkms.rustfs.access import policies
from mockkms.rustfs.access.iam import IamState, User, allowed
from mockkms.vault.framework.world_section import SpecFault
from tests.rustfs.driver import fresh

KEY = "arn:aws:kms:::key/"
EVERYTHING = {"Effect": "Allow", "Action": "kms:*"}


def may(action: str, key_id: str, *statements: dict[str, Any]) -> bool:
    return policies.allowed([{"Version": policies.VERSION, "Statement": list(statements)}], f"kms:{action}", key_id)


@pytest.mark.parametrize(
    ("statement", "covered"),
    [
        ({"Action": "kms:DescribeKey"}, True),
        ({"Action": ["kms:ListKeys", "kms:DescribeKey"]}, True),
        ({"Action": "kms:*"}, True),
        ({"Action": "kms:ListKeys"}, False),
        ({"Action": "*"}, False),  # all actions on buckets
        ({"Action": "admin:*"}, False),
        ({"Action": "kms:*", "Resource": KEY + "app-1"}, True),
        ({"Action": "kms:*", "Resource": [KEY + "x", KEY + "app-?"]}, True),
        ({"Action": "kms:*", "Resource": "arn:aws:kms:::*"}, True),
        ({"Action": "kms:*", "Resource": KEY + "app-2"}, False),
        ({"Action": "kms:*", "Resource": "arn:aws:kms:::alias/app-1"}, False),
        ({"Action": "kms:*", "Resource": "arn:aws:s3:::bucket/*"}, True),  # is no key, and therefore ignored
        ({"Action": "kms:*", "NotResource": KEY + "app-*"}, False),
        ({"Action": "kms:*", "NotResource": KEY + "other-*"}, True),
        ({"NotAction": "s3:GetObject", "Resource": "arn:aws:s3:::*"}, True),
        ({"NotAction": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/*"}, False),
        ({"NotAction": "kms:*", "Resource": "arn:aws:s3:::*"}, False),
        ({"NotAction": "s3:GetObject"}, False),
    ],
)
def test_what_a_statement_covers(statement: dict[str, Any], covered: bool) -> None:
    assert may("DescribeKey", "app-1", {"Effect": "Allow", **statement}) is covered
    assert may("DescribeKey", "app-1", EVERYTHING, {"Effect": "Deny", **statement}) is not covered


def test_a_statement_about_keys_covers_actions_without_a_key_but_no_bundles() -> None:
    one = {"Effect": "Allow", "Action": "kms:*", "Resource": KEY + "app-1"}
    assert may("ListKeys", "", one)
    assert may("Backup", "", EVERYTHING)
    assert not may("Backup", "", one)
    assert not may("Restore", "", EVERYTHING, {**one, "Effect": "Deny"})


@pytest.mark.parametrize(
    ("name", "can", "cannot"),
    [
        ("consoleAdmin", "Backup", ""),
        ("KMSKeyAdministrator", "DeleteKey", "GenerateDataKey"),
        ("KMSKeyUser", "GenerateDataKey", "ListKeys"),
        ("KMSAuditor", "ListKeys", "DisableKey"),
        ("readwrite", "", "DescribeKey"),
    ],
)
def test_every_server_has_policies_of_its_own(name: str, can: str, cannot: str) -> None:
    user = User("s", policies=[name])
    assert not can or allowed(IamState(), user, f"kms:{can}", "k")
    assert not cannot or not allowed(IamState(), user, f"kms:{cannot}", "k")


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ({}, "both 'Action' and 'NotAction' are empty"),
        ({"Action": "kms:ListKeys", "NotAction": "s3:*"},
         "'Action' and 'NotAction' cannot both be specified in the same statement"),
        ({"Action": "kms:Describe*"}, "io error: invalid action: invalid action: 'kms:Describe*'"),
        ({"Action": "ListKeys"}, "io error: invalid action: invalid action: 'ListKeys'"),
        ({"Action": ["kms:ListKeys", "s3:GetObject"]},
         "'Action' contains mixed action families in the same statement"),
        ({"Action": "*"}, "'Resource' is empty"),
        ({"Action": "kms:*", "Resource": KEY + "a", "NotResource": KEY + "b"},
         "'Resource' and 'NotResource' cannot both be specified in the same statement"),
        ({"Action": "s3:GetObject", "Resource": KEY + "a"},
         "KMS resources require a statement whose actions are all KMS actions"),
        ({"Action": "kms:*", "Resource": KEY + "a/b"},
         "io error: invalid resource: invalid resource, type: 'kms', pattern: 'key/a/b'"),
        ({"Action": "kms:*", "Resource": "*"},
         "io error: invalid resource: invalid resource, type: 'unknown', pattern: '*'"),
        ({"Action": "kms:*", "Principal": "*"}, "io error: unknown field `Principal`, expected one of `Sid`, `Effect`, "
         "`Action`, `NotAction`, `Resource`, `NotResource`, `Condition`"),
        ({"Action": "kms:*", "Condition": {"StringEquals": {"aws:username": "u"}}},
         "conditions of policies are not emulated"),
    ],
)  # fmt: skip
def test_a_document_that_is_refused(statement: dict[str, Any], text: str) -> None:
    document = {"Version": policies.VERSION, "Statement": [EVERYTHING, {"Effect": "Allow", **statement}]}
    assert policies.invalid(document) == text
    with pytest.raises(SpecFault) as caught:
        fresh().seed({"iam": {"policies": {"p": document}}})
    assert (caught.value.path, str(caught.value).endswith(text)) == ("iam.policies.p", True)


def test_the_version_and_the_effect_are_checked() -> None:
    assert policies.invalid({"Version": "2008-10-17", "Statement": []}) == "invalid Version '2008-10-17'"
    assert policies.invalid({"Statement": [{"Effect": "Maybe"}]}) == "io error: Matching variant not found"
    assert policies.invalid({"Statement": [{}]}) == "io error: missing field `Effect`"
