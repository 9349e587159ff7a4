"""The AliCloud engine. Source of the rules: ``vault-plugin-secrets-alicloud`` and its API documentation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.vault.driving import World
from tests.vault.secrets.standin import data_of, lease_of, mounted, round_trip

pytestmark = pytest.mark.flavors("vault")
_REMOTE = "name:AliyunOSSReadOnlyAccess,type:System"
_POLICY = {"Statement": [{"Action": "rds:Describe*", "Effect": "Allow", "Resource": "*"}], "Version": "1"}


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({}, "must include an arn, or at least one of inline_policies or remote_policies"),
        ({"remote_policies": "odd"}, "unable to recognize pair in odd"),
        ({"remote_policies": ["x:y"]}, "invalid key: x"),
        ({"remote_policies": ["name:y"]}, "policy type is required in name:y"),
        ({"inline_policies": "{}"}, "json: cannot unmarshal object into Go value of type []map[string]interface {}"),
        ({"inline_policies": "1"}, "json: cannot unmarshal number into Go value of type []map[string]interface {}"),
        ({"inline_policies": "[1]"}, "json: cannot unmarshal number into Go value of type map[string]interface {}"),
        ({"inline_policies": ""}, "unexpected end of JSON input"),
        ({"inline_policies": "[]"}, "must include an arn, or at least one of inline_policies or remote_policies"),
        ({"role_arn": "a", "inline_policies": "[{}]"}, "inline_policies must be blank when an arn is present"),
        ({"remote_policies": [_REMOTE], "ttl": 2, "max_ttl": 1}, "ttl exceeds max_ttl"),
    ],
)
def test_roles_are_checked(world: World, settings: dict[str, Any], text: str) -> None:
    answer = mounted(world, "alicloud")("role/r", **settings)
    assert (answer.status, answer.errors) == (500, [f"1 error occurred:\n\t* {text}\n\n"])


def test_an_empty_list_of_policies_is_none(world: World) -> None:
    # path_roles.go of the plugin counts the policies that it decoded.
    for policies in ("[]", "null"):
        assert mounted(world, "alicloud")("role/r", role_arn="a", inline_policies=policies).errors is None
        assert data_of(world.ask("read", "e/role/r"))["inline_policies"] == []


def test_settings(world: World) -> None:
    write = mounted(world, "alicloud")
    assert world.ask("read", "e/config").status == 404
    assert write("config", access_key="a").errors == ["1 error occurred:\n\t* secret_key is required\n\n"]
    write("config", access_key="a", secret_key="s")
    assert data_of(world.ask("read", "e/config")) == {"access_key": "a"}
    world.ask("delete", "e/config")
    assert world.ask("read", "e/config").status == 404


def test_access_keys_are_made_up_with_a_lease(world: World) -> None:
    write = mounted(world, "alicloud")
    write("role/r", remote_policies=[_REMOTE], inline_policies=json.dumps([_POLICY]), ttl="1m", max_ttl="90s")
    shown = data_of(world.ask("read", "e/role/r"))
    assert shown["remote_policies"] == [{"name": "AliyunOSSReadOnlyAccess", "type": "System"}]
    assert [policy["policy_document"] for policy in shown["inline_policies"]] == [_POLICY]
    unset = "unable to create secret because no credentials are configured"
    assert world.ask("read", "e/creds/r").errors == [f"1 error occurred:\n\t* {unset}\n\n"]
    write("config", access_key="a", secret_key="s")
    made = world.ask("read", "e/creds/r")
    assert data_of(made)["access_key"].startswith("LTAI")
    lease = lease_of(made)
    assert (lease.ttl, lease.renewable) == (60, True)
    world.later(50)
    assert lease_of(world.write("sys/leases/renew", {"lease_id": lease.lease_id})).ttl == 40
    assert world.ask("read", "e/creds/none").status == 404


def test_credentials_of_a_role_to_assume_end_by_themselves(world: World) -> None:
    write = mounted(world, "alicloud")
    write("config", access_key="a", secret_key="s")
    warned = write("role/r", role_arn="acs:ram::1:role/x", ttl=60)
    assert warned.warnings == [
        "role_arn is set so ttl and max_ttl will be ignored because they're not editable on STS tokens"
    ]
    made = world.ask("read", "e/creds/r")
    assert set(data_of(made)) == {"access_key", "expiration", "secret_key", "security_token"}
    assert data_of(made)["expiration"] == "2027-01-15T09:00:00Z"
    assert (lease_of(made).ttl, lease_of(made).renewable) == (3600, False)


def test_worlds_and_dumps_keep_it() -> None:
    mount = {
        "type": "alicloud",
        "config": {"access_key": "a", "secret_key": "s"},
        "roles": {"r": {"remote_policies": [_REMOTE], "inline_policies": json.dumps([_POLICY])}},
    }
    assert round_trip(mount) == mount
