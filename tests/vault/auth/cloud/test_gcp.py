"""Google Cloud logins.

Rules: https://github.com/hashicorp/vault-plugin-auth-gcp (``path_login.go``, ``authorizer_gce.go``, ``gcp_role.go``).
"""

from __future__ import annotations

import json
from typing import Any

import hvac
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hvac.exceptions import InternalServerError, InvalidRequest, UnexpectedError

from mockkms import MockKMS
from mockkms.crypto import jws
from tests.vault.auth.cloud.clouds import KEY, NOW, pem, root, round_trips
from tests.vault.auth.cloud.conftest import Seeded

_NOW = 1767268800
_GOOGLE = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_EMAIL = "app@project-1.iam.gserviceaccount.com"
_ACCOUNT = {"email": _EMAIL, "unique_id": "1234", "project_id": "project-1", "keys": [pem(KEY)]}
_MACHINE = {
    "name": "web-1",
    "project_id": "project-1",
    "zone": "europe-west1-b",
    "instance_id": "77",
    "labels": {"env": "prod"},
    "groups": ["web"],
}
_COMPUTE = {
    "project_id": "project-1",
    "project_number": 11,
    "zone": "europe-west1-b",
    "instance_id": "77",
    "instance_name": "web-1",
    "instance_creation_timestamp": 1000,
}


def token(key: rsa.RSAPrivateKey = KEY, algorithm: str = "RS256", role: str = "iam", **changes: Any) -> str:
    claims = {"sub": _EMAIL, "aud": f"vault/{role}", "exp": _NOW + 600, **changes}
    return jws.sign(
        json.dumps({name: value for name, value in claims.items() if value is not None}), key, algorithm, "k1"
    )


def machine_token(key: rsa.RSAPrivateKey = _GOOGLE, **changes: Any) -> str:
    return token(key, role="gce", google={"compute_engine": {**_COMPUTE, **changes}})


def world(
    seeded: Seeded, iam: dict[str, Any] | None = None, gce: dict[str, Any] | None = None, **section: Any
) -> MockKMS:
    roles = {
        "iam": {"type": "iam", "bound_service_accounts": [_EMAIL], "token_policies": ["p"], **(iam or {})},
        "gce": {"type": "gce", "bound_projects": ["project-1"], **(gce or {})},
    }
    usual = {
        "roles": roles,
        "service_accounts": [_ACCOUNT],
        "instances": [_MACHINE],
        "issuer_keys": [pem(_GOOGLE)],
        "projects": [{"id": "project-1", "ancestors": ["folder-2", "organization-3"]}],
    }
    return seeded("gcp", NOW, **{**usual, **section})


def log_in(kms: MockKMS, jwt: str, role: str = "iam") -> dict[str, Any]:
    found: dict[str, Any] = hvac.Client(kms.url).auth.gcp.login(role, jwt)["auth"]
    return found


def test_a_service_account_logs_in(seeded: Seeded) -> None:
    kms = world(seeded)
    found = log_in(kms, token())
    metadata = {"project_id": "project-1", "role": "iam", "service_account_id": "1234", "service_account_email": _EMAIL}
    assert (found["metadata"], found["token_policies"]) == (metadata, ["default", "p"])
    entity = root(kms).secrets.identity.read_entity(found["entity_id"])["data"]
    role = root(kms).read("auth/gcp/role/iam")["data"]
    assert entity["aliases"][0]["name"] == role["role_id"]
    client = hvac.Client(kms.url, token=found["client_token"])
    client.auth.token.renew_self()
    root(kms).write("auth/gcp/role/iam", bound_service_accounts="other")
    with pytest.raises(InvalidRequest, match="service account is no longer authorized for role iam"):
        client.auth.token.renew_self()
    root(kms).write("auth/gcp/role/iam", token_policies="q")
    with pytest.raises(InvalidRequest, match='policies on role "iam" have changed, cannot renew'):
        client.auth.token.renew_self()
    root(kms).delete("auth/gcp/role/iam")
    with pytest.raises(InvalidRequest, match='role "iam" no longer exists'):
        client.auth.token.renew_self()


def test_tokens_of_google_log_service_accounts_in_too(seeded: Seeded) -> None:
    assert log_in(world(seeded), token(_GOOGLE, sub="1234"))["client_token"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"exp": _NOW - 61}, "JWT is expired or does not have proper 'exp' claim"),
        ({"exp": None}, "JWT is expired or does not have proper 'exp' claim"),
        ({"exp": _NOW + 3700}, "JWT must expire in 60 minutes, expires in 1h1m40s"),
        ({"exp": _NOW + 1000}, "role requires that service account JWTs expire within 900 seconds"),
        ({"aud": "vault/other"}, "at least one of the JWT claim 'aud' must end in \"vault/iam\""),
        ({"sub": None}, "expected 'sub' claim from JWT"),
        ({"sub": "nobody"}, 'unable to get public key "k1" for JWT subject "nobody"'),
        ({"algorithm": "RS512"}, 'unexpected signature algorithm "RS512"'),
        ({"key": rsa.generate_private_key(public_exponent=65537, key_size=2048)}, "error in cryptographic primitive"),
    ],
)
def test_tokens_that_are_refused(seeded: Seeded, changes: dict[str, Any], text: str) -> None:
    kms = world(seeded, issuer_keys=[])
    with pytest.raises(InvalidRequest, match=text):
        log_in(kms, token(**changes))


def test_bounds_of_service_accounts(seeded: Seeded) -> None:
    kms = world(seeded, {"bound_service_accounts": ["*"], "bound_projects": ["other"]})
    with pytest.raises(InvalidRequest, match=r"not in bound projects \[other\]"):
        log_in(kms, token())
    kms = world(seeded, {"bound_service_accounts": ["other"]})
    with pytest.raises(InvalidRequest, match=r"\(id: 1234\) is not authorized for role"):
        log_in(kms, token())
    kms = world(seeded, {"bound_service_accounts": ["*"]})
    assert log_in(kms, token())["client_token"]


def test_a_machine_logs_in(seeded: Seeded) -> None:
    gce = {"bound_labels": ["env:prod"], "bound_zones": ["europe-west1-b"], "bound_instance_groups": ["web"]}
    kms = world(seeded, gce={**gce, "bound_service_accounts": ["1234"]})
    found = log_in(kms, machine_token(), "gce")
    assert found["metadata"]["instance_creation_timestamp"] == "1000"
    assert (found["metadata"]["zone"], found["metadata"]["project_number"]) == ("europe-west1-b", "11")
    client = hvac.Client(kms.url, token=found["client_token"])
    client.auth.token.renew_self()
    root(kms).auth.gcp.edit_labels_on_gce_role("gce", add=["env:test"])
    with pytest.raises(InvalidRequest, match='could not renew token for role gce: instance missing bound label "env:t'):
        client.auth.token.renew_self()


@pytest.mark.parametrize(
    ("gce", "text"),
    [
        ({"bound_labels": ["env:test"]}, 'instance missing bound label "env:test"'),
        ({"bound_zones": ["us-east1-a"]}, 'instance not in bound zones \\["us-east1-a"\\]'),
        ({"bound_regions": ["us-east1"]}, 'instance not in bound regions \\["us-east1"\\]'),
        ({"bound_projects": ["o"]}, 'instance "77" \\(project "project-1"\\) not in bound projects \\[o\\]'),
        ({"bound_service_accounts": ["o"]}, 'service account "1234" .* is not in bound service accounts \\["o"\\]'),
        (
            {"bound_instance_groups": ["o"], "bound_regions": ["europe-west1"]},
            'instance group "o" does not exist in regions \\["europe-west1"\\] for project "project-1"',
        ),
    ],
)
def test_bounds_of_machines(seeded: Seeded, gce: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidRequest, match=text):
        log_in(world(seeded, gce=gce), machine_token(), "gce")


def test_machines_that_are_refused(seeded: Seeded) -> None:
    with pytest.raises(InvalidRequest, match="expected JWT to have claims with GCE metadata"):
        log_in(world(seeded), token(_GOOGLE, role="gce"), "gce")
    with pytest.raises(InvalidRequest, match="no Google OAuth2 provider key found for GCE role"):
        log_in(world(seeded, issuer_keys=[]), machine_token(), "gce")
    kms = world(seeded)
    with pytest.raises(InvalidRequest, match="unable to find instance associated with token: googleapi: Error 404"):
        log_in(kms, machine_token(instance_name="other"), "gce")
    assert "(`instances`)" in kms.journal.entries()[-1].hint
    stopped = world(seeded, instances=[{**_MACHINE, "status": "TERMINATED"}])
    with pytest.raises(InvalidRequest, match="web-1 found but has invalid status 'TERMINATED'"):
        log_in(stopped, machine_token(), "gce")
    younger = world(seeded, instances=[{**_MACHINE, "created": 2000}])
    with pytest.raises(InvalidRequest, match="metadata instance_creation_timestamp 2000 is before"):
        log_in(younger, machine_token(), "gce")


def test_group_aliases_are_those_above_a_project(seeded: Seeded) -> None:
    kms = world(seeded, {"add_group_aliases": True})
    client = root(kms)
    accessor = client.sys.list_auth_methods()["data"]["gcp/"]["accessor"]
    made = client.write_data("identity/group", data={"name": "f", "type": "external", "policies": ["folder"]})["data"]
    client.write("identity/group-alias", name="folder-2", mount_accessor=accessor, canonical_id=made["id"])
    assert log_in(kms, token())["identity_policies"] == ["folder"]


def test_aliases_and_metadata_are_chosen(seeded: Seeded) -> None:
    chosen = {"iam_alias": "unique_id", "iam_metadata": ["role"], "gce_alias": "instance_id"}
    kms = world(seeded, config=chosen)
    round_trips(kms)
    found = log_in(kms, token())
    assert found["metadata"] == {"role": "iam"}
    read = root(kms).secrets.identity.read_entity
    assert read(found["entity_id"])["data"]["aliases"][0]["name"] == "1234"
    assert read(log_in(kms, machine_token(), "gce")["entity_id"])["data"]["aliases"][0]["name"] == "gce-77"


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ({"type": "odd"}, "role type 'odd' is invalid"),
        ({}, "role type cannot be empty"),
        ({"type": "iam", "bound_service_accounts": "a,*"}, "cannot provide IAM service account wildcard"),
        ({"type": "iam", "bound_service_accounts": "a", "max_jwt_exp": "2h"}, "max_jwt_exp cannot be more than 60 m"),
        ({"type": "iam", "bound_service_accounts": "a", "bound_zones": "z"}, "invalid args found for role of type iam"),
        ({"type": "gce", "bound_labels": "A:b"}, 'invalid labels given: \\["A:b"\\]'),
        ({"type": "gce", "bound_instance_groups": "g"}, "region or zone information must be specified"),
        ({"type": "gce", "bound_zone": "z", "bound_zones": "z"}, 'cannot specify both "bound_zone" and "bound_zones"'),
    ],
)
def test_roles_that_are_refused(seeded: Seeded, sent: dict[str, str], text: str) -> None:
    kms = seeded("gcp")
    with pytest.raises(InvalidRequest, match=text):
        root(kms).write_data("auth/gcp/role/r", data=sent)


def test_roles_are_shown_by_their_type(seeded: Seeded) -> None:
    kms = world(seeded)
    client = root(kms)
    with pytest.raises(InvalidRequest, match="role type cannot be changed for an existing role"):
        client.write_data("auth/gcp/role/iam", data={"type": "gce"})
    assert "max_jwt_exp" not in client.read("auth/gcp/role/gce")["data"]
    client.write_data("auth/gcp/role/gce", data={"bound_labels": "b:1,a:2", "bound_region": "r"})
    shown = client.read("auth/gcp/role/gce")["data"]
    assert (shown["bound_labels"], shown["bound_regions"]) == ({"a": "2", "b": "1"}, ["r"])


def test_settings(seeded: Seeded) -> None:
    kms = seeded("gcp")
    client = root(kms)
    assert "service_account_email" in client.read("auth/gcp/config")["data"]["iam_metadata"]
    for sent, text in (
        ({"credentials": "{"}, "failed to read credentials"),
        ({"credentials": "{}"}, "missing private key in credentials"),
        ({"iam_metadata": "odd"}, 'failed to parse iam metadata: "odd" contains an unavailable field'),
        ({"custom_endpoint": {"odd": "x"}}, 'invalid custom endpoint type "odd"'),
    ):
        with pytest.raises(InvalidRequest, match=text):
            client.write_data("auth/gcp/config", data=sent)
    with pytest.raises(UnexpectedError, match=r'unknown fields: \["credential"\]'):
        client.write_data("auth/gcp/config", data={"credential": "x"})
    with pytest.raises(InternalServerError, match="configuration does not have credentials"):
        client.write_data("auth/gcp/config/rotate-root", data={})
    key = {"client_email": _EMAIL, "private_key_id": "id", "private_key": "hidden"}
    client.write_data("auth/gcp/config", data={"credentials": json.dumps(key)})
    fresh = client.write_data("auth/gcp/config/rotate-root", data={})["data"]["private_key_id"]
    shown = client.read("auth/gcp/config")["data"]
    assert shown["private_key_id"] == fresh
    assert "hidden" not in str(shown)
    round_trips(kms)


_FOUND = "invalid args found for role of type"


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ({"type": ""}, "role type cannot be empty"),
        ({"type": "odd", "project_id": "a", "bound_projects": "b"}, "only one of 'bound_projects' or 'project_id'"),
        ({"type": "odd", "token_num_uses": -1}, "'token_num_uses' cannot be negative"),
        ({"token_num_uses": -1}, "'token_num_uses' cannot be negative"),
        ({"type": "iam", "bound_zones": "z", "ttl": "2h", "max_ttl": "1h"}, f"{_FOUND} iam: bound_zones"),
        ({"type": "iam", "ttl": "2h", "max_ttl": "1h"}, "IAM role type must have at least one service account"),
        ({"type": "gce", "ttl": "2h", "max_ttl": "1h"}, "ttl should be shorter than max_ttl"),
    ],
)
def test_the_first_fault_of_a_role(seeded: Seeded, sent: dict[str, Any], text: str) -> None:
    client = root(world(seeded))
    with pytest.raises(InvalidRequest, match=text):
        client.write_data("auth/gcp/role/new", data=sent)


def test_a_change_without_a_type_does_not_name_it(seeded: Seeded) -> None:
    with pytest.raises(InvalidRequest, match=f"{_FOUND} : bound_zones"):
        root(world(seeded)).write_data("auth/gcp/role/iam", data={"bound_zones": "z"})


@pytest.mark.parametrize(
    ("sent", "warned"),
    [
        ({"type": "iam", "service_accounts": "a", "project_id": "p"}, []),
        ({"type": "gce", "project_id": "p"}, []),
        ({"type": "gce", "bound_zone": "z"}, ["zone"]),
        ({"type": "gce", "bound_region": "r", "bound_instance_group": "g"}, ["region", "instance group"]),
    ],
)
def test_deprecated_bounds_of_machines_are_warned_about(
    seeded: Seeded, sent: dict[str, Any], warned: list[str]
) -> None:
    answer = root(world(seeded)).write_data("auth/gcp/role/new", data=sent)
    said = answer["warnings"] if isinstance(answer, dict) else []
    assert said == [
        f'The "bound_{word.replace(" ", "_")}" field is deprecated. Please use "bound_{word.replace(" ", "_")}s" '
        f"(plural) instead. You can still specify a single {word}, but multiple {word}s are also now supported. The "
        f'"bound_{word.replace(" ", "_")}" field will be removed in a later release, so please update accordingly.'
        for word in warned
    ]
