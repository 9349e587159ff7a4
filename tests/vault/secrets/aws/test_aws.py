"""The AWS secrets engine with made-up keys. Rules: ``builtin/logical/aws`` of Vault; no recording exists."""

from __future__ import annotations

import json
import re
from typing import Any

import hvac
import pytest
from hvac.exceptions import InternalServerError, InvalidPath, InvalidRequest

from mockkms import MockKMS
from tests.vault.auth.cloud.clouds import round_trips

_ROLES = ["arn:aws:iam::1:role/path/a", "arn:aws:iam::1:role/b"]


def prepare(kms: MockKMS) -> None:
    kms.clock.freeze()
    hvac.Client(kms.url, token=kms.token).sys.enable_secrets_engine("aws")


pytestmark = [
    pytest.mark.flavors("vault", "vault-1.21"),
    pytest.mark.server(rng=3),
    pytest.mark.prepared(by=prepare),
]


def role(client: hvac.Client, **settings: Any) -> Any:
    return client.write_data("aws/roles/r", data=settings)


def test_users_get_keys_with_a_lease(client: hvac.Client, kms: MockKMS) -> None:
    client.secrets.aws.configure_lease("1m", "2m")
    assert client.secrets.aws.read_lease_config()["data"] == {"lease": "1m0s", "lease_max": "2m0s"}
    role(client, credential_type="iam_user", policy_arns="arn:aws:iam::aws:policy/ReadOnly")
    first, second = (client.secrets.aws.generate_credentials("r") for _ in range(2))
    assert re.fullmatch("AKIA[A-Z2-7]{16}", first["data"]["access_key"])
    assert first["data"]["access_key"] != second["data"]["access_key"]
    assert (first["data"]["session_token"], first["lease_duration"]) == (None, 60)
    assert "made up" in kms.journal.entries()[-1].hint
    assert client.sys.renew_lease(first["lease_id"], increment=3600)["lease_duration"] == 120
    client.sys.revoke_lease(second["lease_id"])
    kms.clock.advance(121)
    with pytest.raises(InvalidRequest, match="invalid lease"):
        client.sys.read_lease(first["lease_id"])


def test_roles_are_assumed_for_a_while(client: hvac.Client) -> None:
    role(client, credential_type="assumed_role", role_arns=_ROLES, default_sts_ttl="30m", max_sts_ttl="1h")
    with pytest.raises(InvalidRequest, match="unable to determine one"):
        client.read("aws/creds/r")
    found = client.write_data("aws/sts/r", data={"role_arn": _ROLES[0], "role_session_name": "me/too"})
    data = found["data"]
    assert (data["arn"], data["ttl"]) == ("arn:aws:sts::1:assumed-role/a/me_too", 1800)
    assert (data["session_token"], found["renewable"]) == (data["security_token"], False)
    assert data["access_key"].startswith("ASIA")
    unnamed = client.write_data("aws/creds/r", data={"role_arn": _ROLES[1], "ttl": "2h"})["data"]
    assert re.fullmatch(r"arn:aws:sts::1:assumed-role/b/vault-token-r-\d{10}-\w{20}", unnamed["arn"])
    assert unnamed["ttl"] == 3600
    with pytest.raises(InvalidRequest, match='role_arn "arn:other" not in allowed role arns for Vault role "r"'):
        client.write_data("aws/sts/r", data={"role_arn": "arn:other"})
    with pytest.raises(InvalidRequest, match=r"Error assuming role: ValidationError: .*greater than or equal to 900"):
        client.write_data("aws/sts/r", data={"role_arn": _ROLES[0], "ttl": 60})


def test_federation_needs_a_policy(client: hvac.Client) -> None:
    role(client, credential_type="federation_token")
    with pytest.raises(InvalidRequest, match="must specify at least one of policy_arns or policy_document with feder"):
        client.read("aws/sts/r")
    role(client, policy_document='{"Statement": [] }')
    assert client.read("aws/roles/r")["data"]["policy_document"] == '{"Statement":[]}'
    data = client.read("aws/sts/r")["data"]
    assert sorted(data) == ["access_key", "secret_key", "security_token", "session_token", "ttl"]


def test_sessions_with_an_mfa_device_need_a_code(client: hvac.Client) -> None:
    role(client, credential_type="session_token", mfa_serial_number="arn:aws:iam::1:mfa/d")
    with pytest.raises(InvalidRequest, match="AccessDenied: MultiFactorAuthentication failed"):
        client.read("aws/sts/r")
    data = client.write_data("aws/creds/r", data={"mfa_code": "123456", "ttl": "15m"})["data"]
    assert (sorted(data), data["ttl"]) == (["access_key", "secret_key", "session_token", "ttl"], 900)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({}, "did not supply credential_type"),
        ({"credential_type": "odd"}, "unrecognized credential type: odd"),
        ({"credential_type": "iam_user", "policy_document": "{"}, 'cannot parse policy document: "{"'),
        ({"credential_type": "iam_user", "max_sts_ttl": 900}, "max_sts_ttl parameter only valid for assumed_role, fed"),
        ({"credential_type": "iam_user", "user_path": "x"}, "the specified value for user_path is invalid"),
        ({"credential_type": "iam_user", "permissions_boundary_arn": "x"}, "arn: invalid prefix"),
        (
            {"credential_type": "iam_user", "permissions_boundary_arn": "arn:aws:s3:::b"},
            "expected a service of iam but",
        ),
        ({"credential_type": "iam_user", "role_arns": "a"}, "cannot supply role_arns when credential_type isn't assum"),
        ({"credential_type": "session_token", "policy_arns": "a"}, "cannot supply a policy or role when using"),
        (
            {"credential_type": "assumed_role", "default_sts_ttl": "2h", "max_sts_ttl": "1h"},
            "value must be less than or equal to",
        ),
        ({"policy": "x", "credential_type": "iam_user"}, "with an explicit credential_type"),
        ({"policy": "x", "role_arns": "a"}, "cannot supply deprecated role or policy parameters with role_arns"),
        ({"policy": "x"}, 'unable to parse supplied data: "x"'),
        ({"arn": "arn:aws:iam::1:user/u"}, "unable to parse supplied data"),
    ],
)
def test_roles_that_are_refused(client: hvac.Client, settings: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidRequest, match=text):
        role(client, **settings)
    assert client.list("aws/roles") is None


def test_deprecated_parameters(client: hvac.Client, kms: MockKMS) -> None:
    with pytest.raises(InternalServerError, match="only one of policy or arn should be provided"):
        role(client, policy="{}", arn="arn:x")
    assert "legacy role or policy parameter" in role(client, policy='{ "a": 1 }')["warnings"][0]
    shown = client.read("aws/roles/r")["data"]
    assert (shown["credential_type"], shown["policy_document"]) == ("iam_user,federation_token", '{"a":1}')
    assert client.read("aws/creds/r")["data"]["access_key"].startswith("AKIA")
    assert client.read("aws/sts/r")["data"]["access_key"].startswith("ASIA")
    round_trips(kms)
    role(client, arn="arn:aws:iam::1:role/a")
    with pytest.raises(InvalidRequest, match="attempted to retrieve assumed_role credentials through the creds path"):
        client.read("aws/creds/r")
    round_trips(kms)


def test_a_role_is_updated(client: hvac.Client) -> None:
    role(client, credential_type="iam_user", iam_groups="a,b")
    role(client, iam_tags={"k": "v"})
    shown = client.read("aws/roles/r")["data"]
    assert (shown["iam_groups"], shown["iam_tags"], shown["credential_type"]) == (["a", "b"], {"k": "v"}, "iam_user")
    assert (shown["role_arns"], shown["session_tags"]) == (None, None)
    client.delete("aws/roles/r")
    with pytest.raises(InvalidRequest, match='Role "r" not found'):
        client.read("aws/creds/r")


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ('{ "a": 1.0,\t"a" : 1e999 }', '{"a":1.0,"a":1e999}'),
        ('["a b\\\\", "\\u00e9 \\" :", -0 ]\n', '["a b\\\\","\\u00e9 \\" :",-0]'),
    ],
)
def test_policy_documents_lose_blanks_alone(client: hvac.Client, sent: str, kept: str) -> None:
    role(client, credential_type="iam_user", policy_document=sent)
    assert client.read("aws/roles/r")["data"]["policy_document"] == kept


@pytest.mark.parametrize("sent", [" ", '{"a": NaN}', "{", "{} x"])
def test_policy_documents_are_json_of_go(client: hvac.Client, sent: str) -> None:
    with pytest.raises(InvalidRequest, match="cannot parse policy document: "):
        role(client, credential_type="iam_user", policy_document=sent)


def test_root_credentials(client: hvac.Client) -> None:
    with pytest.raises(InternalServerError, match="no configuration found for config/root"):
        client.write_data("aws/config/rotate-root", data={})
    for sent, text in (
        ({"sts_fallback_endpoints": "a,b", "sts_fallback_regions": "c"}, "must be the same length"),
        ({"access_key": "A", "identity_token_audience": "a"}, "only one of 'access_key' or 'identity_token_audience'"),
        ({"identity_token_audience": "a"}, "missing required 'role_arn'"),
        ({"rotation_period": "1h"}, "rotation manager capabilities not supported in Vault community edition"),
    ):
        with pytest.raises(InvalidRequest, match=text):
            client.write_data("aws/config/root", data=sent)
    client.secrets.aws.configure_root_iam_credentials("AKIA", "hidden", region="eu-1")
    client.write_data(
        "aws/config/root", data={"sts_region": "eu-2", "sts_fallback_endpoints": "x", "sts_fallback_regions": "y"}
    )
    shown = client.read("aws/config/root")["data"]
    assert (shown["access_key"], shown["region"], shown["sts_region"]) == ("AKIA", "eu-1", "eu-2")
    assert (shown["username_template"].startswith("{{ if (eq"), "secret_key" in shown) == (True, False)
    fresh = client.secrets.aws.rotate_root_iam_credentials()["data"]["access_key"]
    assert client.read("aws/config/root")["data"]["access_key"] == fresh != "AKIA"
    client.write_data("aws/config/root", data={"access_key": ""})
    with pytest.raises(InvalidRequest, match="when either access_key or secret_key is empty"):
        client.secrets.aws.rotate_root_iam_credentials()


def test_names_follow_the_template(client: hvac.Client) -> None:
    template = '{{ if (eq .Type "STS") }}t{{ else }}{{ .DisplayName }}.{{ .PolicyName }}{{ end }}'
    client.write_data("aws/config/root", data={"username_template": template})
    role(client, credential_type="assumed_role", role_arns=_ROLES[1])
    assert client.read("aws/sts/r")["data"]["arn"].endswith("/token.r")
    client.write_data("aws/config/root", data={"username_template": "x" * 65})
    with pytest.raises(InternalServerError, match="exceeds the IAM username length limits of 64 chars"):
        client.read("aws/sts/r")


def test_static_roles_are_rotated(client: hvac.Client, kms: MockKMS) -> None:
    for sent, text in (
        ({}, 'missing "username" parameter'),
        ({"username": "u"}, 'missing "rotation_period" parameter'),
    ):
        with pytest.raises(InvalidRequest, match=text):
            client.write_data("aws/static-roles/s", data=sent)
    for sent, text in (
        ({"username": "u", "rotation_period": "30s"}, "must be greater than 60.00 seconds"),
        ({"username": "u", "external_id": "x"}, "only supported in Vault Enterprise"),
    ):
        with pytest.raises(InternalServerError, match=text):
            client.write_data("aws/static-roles/s", data=sent)
    data = client.write_data("aws/static-roles/s", data={"username": "u", "rotation_period": "1h"})["data"]
    assert (data["name"], data["username"], data["rotation_period"], data["id"][:4]) == ("s", "u", 3600, "AIDA")
    assert client.read("aws/static-roles/s")["data"] == data
    assert client.list("aws/static-roles")["data"]["keys"] == ["s"]
    first = client.read("aws/static-creds/s")["data"]
    assert client.read("aws/static-creds/s")["data"] == first
    kms.clock.advance("61m")
    second = client.read("aws/static-creds/s")["data"]
    assert first["access_key"] != second["access_key"]
    assert first["expiration"] < second["expiration"]
    round_trips(kms)
    client.delete("aws/static-roles/s")
    assert client.read("aws/static-creds/s") is None


def test_what_is_not_there(client: hvac.Client) -> None:
    assert client.read("aws/config/root") is None
    assert client.read("aws/config/lease") is None
    assert client.read("aws/roles/none") is None
    with pytest.raises(InvalidPath, match="unsupported path"):
        client.write_data("aws/none", data={})
    with pytest.raises(InvalidRequest, match="'lease_max' is a required parameter"):
        client.write_data("aws/config/lease", data={"lease": "1m"})
    with pytest.raises(InvalidRequest, match="Invalid lease: "):
        client.write_data("aws/config/lease", data={"lease": "x", "lease_max": "1m"})


@pytest.mark.parametrize(
    ("lease_max", "text"), [("3600", 'missing unit in duration "3600"'), ("2d", 'unknown unit "d" in duration "2d"')]
)
def test_lifetimes_have_a_unit_of_go(client: hvac.Client, lease_max: str, text: str) -> None:
    with pytest.raises(InvalidRequest, match=f"Invalid lease_max: time: {text}"):
        client.write_data("aws/config/lease", data={"lease": "1h", "lease_max": lease_max})
    assert client.read("aws/config/lease") is None


@pytest.mark.parametrize(
    ("lease", "shown", "granted"), [("1500ms", "1.5s", 1), ("5ms", "5ms", 1), ("-1h", "-1h0m0s", 768 * 3600)]
)
def test_lifetimes_keep_their_fractions(
    client: hvac.Client, kms: MockKMS, lease: str, shown: str, granted: int
) -> None:
    # path_config_lease.go of Vault's AWS engine keeps what time.ParseDuration returns, and shows it as Go prints it.
    client.secrets.aws.configure_lease(lease, "768h")
    assert client.secrets.aws.read_lease_config()["data"]["lease"] == shown
    role(client, credential_type="iam_user", policy_document=json.dumps({"a": ["b"]}))
    assert client.secrets.aws.generate_credentials("r")["lease_duration"] == granted
    round_trips(kms)


def test_worlds_and_dumps_keep_them(client: hvac.Client, kms: MockKMS) -> None:
    client.write_data("aws/config/root", data={"access_key": "A", "iam_endpoint": "http://127.0.0.1:1"})
    client.secrets.aws.configure_lease("1m", "2m")
    role(client, credential_type="iam_user", policy_document=json.dumps({"a": ["b"]}))
    round_trips(kms)
