"""The Google Cloud engine. Source of the rules: ``vault-plugin-secrets-gcp`` and its API documentation."""

from __future__ import annotations

import base64
import json
from typing import Any

import hvac
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from mockkms import MockKMS
from mockkms.vault.framework.message import Response
from tests.vault.driving import START, World
from tests.vault.secrets.standin import data_of, lease_of, mounted, round_trip

pytestmark = pytest.mark.flavors("vault")
_RESOURCE = "//cloudresourcemanager.googleapis.com/projects/p"
_BINDINGS = f'resource "{_RESOURCE}" {{\n  roles = ["roles/viewer", "projects/p/roles/own"]\n}}\n'
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_EMAIL = "app@p.iam.gserviceaccount.com"


def go_error(answer: Response) -> str:
    assert answer.status == 500, answer
    return (answer.errors or [""])[0].removeprefix("1 error occurred:\n\t* ").removesuffix("\n\n")


def test_settings(world: World) -> None:
    write = mounted(world, "gcp")
    assert world.ask("read", "e/config").status == 404
    assert write("config", credentials="{").status == 400
    write("config", credentials=json.dumps({"client_email": _EMAIL, "project_id": "p"}), ttl="1h", max_ttl="2h")
    shown = data_of(world.ask("read", "e/config"))
    assert (shown["ttl"], shown["max_ttl"], "credentials" in shown) == (3600, 7200, False)
    federated = write("config", identity_token_audience="a")
    assert federated.errors == ["only one of 'credentials' or 'identity_token_audience' can be set"]


def test_the_root_key_rotates(world: World) -> None:
    write = mounted(world, "gcp")
    assert go_error(write("config/rotate-root")) == "no configuration"
    write("config", credentials=json.dumps({"client_email": _EMAIL, "project_id": "p"}))
    first, second = (data_of(write("config/rotate-root"))["private_key_id"] for _ in range(2))
    assert (len(first), first == second) == (40, False)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"secret_type": "odd"}, 'invalid "secret_type" value: "odd"'),
        ({}, "project argument is required for new role set"),
        ({"project": ""}, "given empty project"),
        ({"project": "p"}, "token_scopes must be provided for creating access token role set"),
        ({"project": "p", "token_scopes": _SCOPE}, "bindings are required for new role set"),
        ({"project": "p", "secret_type": "service_account_key", "bindings": ""}, "bindings are empty"),
        (
            {"project": "p", "token_scopes": _SCOPE, "bindings": 'resource "x" {\n roles = ["odd"]\n}'},
            'unable to parse bindings: unable to parse bindings: 1 error occurred:\n\t* (line 0) invalid role "odd" '
            '(line 2) must be one of following formats: "projects/X/roles/Y", "organizations/X/roles/Y", '
            '"roles/X"\n\n',
        ),
    ],
)
def test_role_sets_are_checked(world: World, settings: dict[str, Any], text: str) -> None:
    answer = mounted(world, "gcp")("roleset/r", **settings)
    assert (answer.status, answer.errors) == (400, [text])


def test_role_sets_have_an_account_and_tokens(world: World) -> None:
    write = mounted(world, "gcp")
    encoded = base64.b64encode(_BINDINGS.encode()).decode()
    write("roleset/r", project="p", token_scopes=_SCOPE, bindings=encoded)
    account = f"vaultr-{int(START)}@p.iam.gserviceaccount.com"
    assert data_of(world.ask("read", "e/roleset/r")) == {
        "bindings": {_RESOURCE: ["projects/p/roles/own", "roles/viewer"]}, "project": "p",
        "secret_type": "access_token", "service_account_email": account, "token_scopes": [_SCOPE],
    }  # fmt: skip
    for path in ("rolesets/", "roleset/"):
        assert data_of(world.ask("list", f"e/{path}")) == {"keys": ["r"]}
    for path in ("roleset/r/token", "token/r"):
        made = world.ask("read", f"e/{path}")
        data = data_of(made)
        assert data["token"].startswith("ya29.c.")
        assert (data["token_ttl"], data["expires_at_seconds"], made.lease) == (3599, int(START) + 3599, None)
    refused = world.ask("read", "e/key/r").errors
    assert refused == ['role set "r" cannot generate service account keys (has secret type access_token)']
    world.later(10)
    write("roleset/r/rotate")
    assert data_of(world.ask("read", "e/roleset/r"))["service_account_email"] != account
    assert write("roleset/r/rotate-key").errors is None
    assert write("roleset/r", secret_type="service_account_key").errors == [
        "cannot change secret_type after roleset creation"
    ]


def test_keys_have_a_lease_while_the_bindings_stay(world: World) -> None:
    write = mounted(world, "gcp")
    write("config", ttl="1m", max_ttl="2m")
    write("roleset/r", project="p", secret_type="service_account_key", bindings=_BINDINGS)
    made = world.ask("read", "e/roleset/r/key", {"ttl": "30s"})
    data = data_of(made)
    file = json.loads(base64.b64decode(data["private_key_data"]))
    assert (file["type"], file["project_id"], data["key_type"]) == (
        "service_account", "p", "TYPE_GOOGLE_CREDENTIALS_FILE",
    )  # fmt: skip
    load_pem_private_key(file["private_key"].encode(), None)
    lease = lease_of(made)
    assert (lease.ttl, lease.renewable) == (30, True)
    world.later(20)
    assert lease_of(world.write("sys/leases/renew", {"lease_id": lease.lease_id})).ttl == 60
    write("roleset/r", bindings=_BINDINGS.replace("viewer", "editor"))
    refused = world.write("sys/leases/renew", {"lease_id": lease.lease_id})
    assert "role set 'r' bindings were updated since secret was generated, cannot renew" in str(refused.errors)


def test_static_accounts(world: World) -> None:
    write = mounted(world, "gcp")
    assert write("static-account/s", token_scopes=_SCOPE).errors == ["email is required"]
    write("static-account/s", service_account_email=_EMAIL, token_scopes=_SCOPE)
    assert data_of(world.ask("read", "e/static-account/s")) == {
        "secret_type": "access_token", "service_account_email": _EMAIL, "service_account_project": "p",
        "token_scopes": [_SCOPE],
    }  # fmt: skip
    assert data_of(world.ask("read", "e/static-account/s/token"))["token_ttl"] == 3599
    assert write("static-account/s", service_account_email="b@p").errors == ["cannot update email"]
    write("static-account/k", service_account_email=_EMAIL, secret_type="service_account_key", bindings=_BINDINGS)
    assert lease_of(world.ask("read", "e/static-account/k/key")).renewable
    assert data_of(world.ask("list", "e/static-accounts/")) == {"keys": ["k", "s"]}
    refused = write("static-account/k/rotate-key").errors
    assert refused == ["cannot rotate key for non-access-token static account"]


@pytest.mark.parametrize(
    "path",
    [
        "roleset/none/rotate", "roleset/none/rotate-key", "roleset/none/token", "token/none", "roleset/none/key",
        "key/none", "static-account/none/rotate-key",
    ],
)  # fmt: skip
def test_a_write_below_what_is_not_there_is_a_create_that_no_path_supports(world: World, path: str) -> None:
    refused = mounted(world, "gcp")(path)
    assert (refused.status, refused.errors) == (405, ["1 error occurred:\n\t* unsupported operation\n\n"])


def test_reads_below_what_is_not_there_say_so(world: World) -> None:
    mounted(world, "gcp")
    assert world.ask("read", "e/token/none").errors == ["role set 'none' does not exists"]


def test_impersonated_accounts(world: World) -> None:
    write = mounted(world, "gcp")
    write("config", ttl="10m", max_ttl="30m")
    write("impersonated-account/i", service_account_email=_EMAIL, token_scopes=_SCOPE, ttl="1h")
    assert data_of(world.ask("read", "e/impersonated-account/i")) == {
        "service_account_email": _EMAIL, "service_account_project": "p", "token_scopes": [_SCOPE], "ttl": 3600,
    }  # fmt: skip
    made = world.ask("read", "e/impersonated-account/i/token")
    assert data_of(made)["token_ttl"] == 1799
    assert made.warnings == [
        'using backend max ttl "30m0s" which is less than impersonated account ttl "1h0m0s" for token'
    ]


def test_hvac_and_the_journal(kms: MockKMS, client: hvac.Client) -> None:
    client.sys.enable_secrets_engine("gcp")
    gcp = client.secrets.gcp
    gcp.configure(credentials=json.dumps({"client_email": _EMAIL}), ttl=60, max_ttl=120)
    gcp.create_or_update_roleset("r", "p", _BINDINGS, "service_account_key")
    assert gcp.list_rolesets()["data"]["keys"] == ["r"]
    assert gcp.generate_service_account_key("r")["lease_duration"] == 60
    assert kms.journal.entries()[-1].hint == "Google Cloud is not asked: its answer is made up"
    gcp.create_or_update_static_account("s", _EMAIL, token_scopes=[_SCOPE])
    assert gcp.generate_static_account_oauth2_access_token("s")["data"]["token_ttl"] == 3599
    gcp.create_or_update_impersonated_account("i", _EMAIL, token_scopes=[_SCOPE])
    assert gcp.generate_impersonated_account_oauth2_access_token("i")["data"]["token_ttl"] == 59
    gcp.delete_roleset("r")


def test_worlds_and_dumps_keep_it() -> None:
    mount = {
        "type": "gcp",
        "config": {"ttl": 60},
        "role_sets": {
            "r": {
                "project": "p", "bindings": _BINDINGS, "token_scopes": [_SCOPE],
                "service_account_email": "vaultr-1@p.iam.gserviceaccount.com",
            },
        },
        "static_accounts": {"s": {"service_account_email": _EMAIL, "token_scopes": [_SCOPE]}},
        "impersonated_accounts": {"i": {"service_account_email": _EMAIL, "token_scopes": [_SCOPE], "ttl": 60}},
    }  # fmt: skip
    assert round_trip(mount) == mount


@pytest.mark.parametrize(
    ("resource", "fault"),
    [
        ("x", "invalid relative resource name x (too few tokens)"),
        ("projects/p/Topics/t", "invalid relative resource name projects/p/Topics/t (invalid collection ID Topics)"),
        ("projects//topics/t", "invalid relative resource name projects//topics/t (invalid resource sub-ID )"),
        ("projects/p/global", "invalid relative resource name projects/p/global (last collection '' has no ID)"),
        ("projects/p/things/t", 'invalid resource "projects/p/things/t": unsupported resource type: projects/things'),
        ("a%zz/b", 'resource "a%zz/b" is invalid URI'),
        ("//Odd.googleapis.com/projects/p", "invalid full name '//Odd.googleapis.com/projects/p'"),
        (
            "//odd.googleapis.com/projects/p",
            'invalid resource "//odd.googleapis.com/projects/p": unsupported service odd for resource projects',
        ),
        (
            "//pubsub.googleapis.com/projects",
            "error parsing relative resource path in full resource name '//pubsub.googleapis.com/projects': "
            "invalid relative resource name projects (too few tokens)",
        ),
        ("https:projects/p", "invalid self link 'https:projects/p' must have scheme/host"),
        (
            "https://a.com/b",
            "self link 'https://a.com/b' is not for project-level resource, must contain 'projects/')",
        ),
        (
            "https://a.com/projects/p",
            'invalid resource "https://a.com/projects/p": unsupported service/version for resource with prefix '
            "https://a.com/",
        ),
    ],
)
def test_names_of_resources_are_checked(world: World, resource: str, fault: str) -> None:
    """Sources: the plugin's ``resource_parser.go`` and ``role_set.go``, and ``go-gcp-common``, ``resource_name.go``."""
    write = mounted(world, "gcp")
    bindings = f'resource "{resource}" {{ roles = ["roles/viewer"] }}'
    answer = write("roleset/r", project="p", token_scopes=_SCOPE, bindings=bindings)
    prefix = "error getting service account and creating IAM bindings after creation: retry failed: "
    assert (answer.status, answer.errors) == (400, [prefix + fault])
    assert world.ask("read", "e/roleset/r").status == 404
    account = {"service_account_email": _EMAIL, "token_scopes": _SCOPE}
    assert write("static-account/s", **account, bindings=bindings).errors == [f"retry failed: {fault}"]
    write("static-account/s", **account)
    assert write("static-account/s", bindings=bindings).errors == [f"unable to update: {fault}"]


@pytest.mark.parametrize(
    "resource",
    [
        "projects/p",
        "//cloudresourcemanager.googleapis.com/projects/p",
        "projects/p/topics/t",
        "projects/p/zones/z/instances/i",
        "projects/p/global/images/i",
        "//storage.googleapis.com/b/bucket",
        "https://compute.googleapis.com/compute/beta/projects/p/zones/z/instances/i",
        "https://pubsub.googleapis.com/v1/projects/p/topics/t",
    ],
)
def test_resources_that_have_policies(world: World, resource: str) -> None:
    write = mounted(world, "gcp")
    bindings = f'resource "{resource}" {{ roles = ["roles/viewer"] }}'
    assert write("roleset/r", project="p", token_scopes=_SCOPE, bindings=bindings).errors is None
    assert data_of(world.ask("read", "e/roleset/r"))["bindings"] == {resource: ["roles/viewer"]}
