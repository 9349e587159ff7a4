"""The Azure engine. Source of the rules: ``vault-plugin-secrets-azure`` and its API documentation."""

from __future__ import annotations

import json
from typing import Any

import hvac
import pytest

from mockkms import MockKMS
from mockkms.vault.framework.message import Response
from tests.vault.driving import World
from tests.vault.secrets.standin import data_of, lease_of, mounted, round_trip

pytestmark = pytest.mark.flavors("vault")
_CONFIG = {"subscription_id": "sub", "tenant_id": "ten", "client_id": "c", "client_secret": "s"}
_READER = [{"role_name": "Reader", "scope": "/subscriptions/sub"}]
_READER_ID = "/subscriptions/sub/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"


def go_error(answer: Response) -> str:
    assert answer.status == 500, answer
    return (answer.errors or [""])[0].removeprefix("1 error occurred:\n\t* ").removesuffix("\n\n")


def test_settings_have_the_defaults_of_the_plugin(world: World) -> None:
    write = mounted(world, "azure")
    unset = data_of(world.ask("read", "e/config"))
    assert (unset["tenant_id"], unset["root_password_ttl"]) == ("", 0)
    write("config", **_CONFIG, environment="AzurePublicCloud")
    assert data_of(world.ask("read", "e/config")) == {
        "client_id": "c", "disable_automated_rotation": False, "environment": "AzurePublicCloud",
        "identity_token_audience": "", "identity_token_ttl": 0, "root_password_ttl": 15768000, "rotation_period": 0,
        "rotation_policy": "", "rotation_schedule": "", "rotation_window": 0, "subscription_id": "sub",
        "tenant_id": "ten",
    }  # fmt: skip
    world.ask("delete", "e/config")
    assert data_of(world.ask("read", "e/config")) == unset


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"environment": "odd"}, 'err: no cloud configuration matching the name "ODD"'),
        ({"identity_token_audience": "a"}, "only one of 'client_secret' or 'identity_token_audience' can be set"),
        (
            {"identity_token_audience": "a", "client_secret": ""},
            "plugin workload identity not supported in Vault community edition",
        ),
        ({"rotation_period": 60}, "rotation manager capabilities not supported in Vault community edition"),
    ],
)
def test_settings_are_checked(world: World, settings: dict[str, Any], text: str) -> None:
    answer = mounted(world, "azure")("config", **{**_CONFIG, **settings})
    assert answer.status == 400
    assert text in (answer.errors or [""])[0]


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({}, "either Azure role definitions, group definitions, or an Application Object ID must be provided"),
        ({"ttl": 2, "max_ttl": 1}, "ttl cannot be greater than max_ttl"),
        ({"max_ttl": 2, "explicit_max_ttl": 1}, "max_ttl cannot be greater than explicit_max_ttl"),
        ({"tags": "a b"}, "whitespaces are not allowed in tags"),
        (
            {"application_object_id": "a", "permanently_delete": True},
            "permanently_delete must be false if application_object_id is provided",
        ),
        ({"azure_roles": "["}, "error parsing Azure roles '[': unexpected EOF"),
        ({"azure_roles": ""}, "error parsing Azure roles '': 'data' being decoded is nil"),
        (
            {"azure_groups": "[1]"},
            "error parsing Azure groups '[1]': json: cannot unmarshal number into Go value of type "
            "azuresecrets.AzureGroup",
        ),
        (
            {"azure_roles": json.dumps(_READER * 2)},
            f"duplicate role_id and scope: '{_READER_ID}', '/subscriptions/sub'",
        ),
        (
            {"sign_in_audience": "x"},
            "Invalid value for sign_in_audience field. Valid values are: AzureADMyOrg, AzureADMultipleOrgs, "
            "AzureADandPersonalMicrosoftAccount, PersonalMicrosoftAccount",
        ),
    ],
)
def test_roles_are_checked(world: World, settings: dict[str, Any], text: str) -> None:
    write = mounted(world, "azure")
    write("config", **_CONFIG)
    answer = write("roles/r", **settings)
    assert (answer.status, answer.errors) == (400, [text])


def test_settings_come_first(world: World) -> None:
    write = mounted(world, "azure")
    assert go_error(write("roles/r", azure_roles=json.dumps(_READER))) == "config is nil"
    assert go_error(world.ask("read", "e/roles/r")) == "config is nil"
    assert go_error(world.ask("read", "e/creds/r")) == "subscription_id is required"


def test_service_principals_are_made_up_with_a_lease(world: World) -> None:
    write = mounted(world, "azure")
    write("config", **_CONFIG)
    write("roles/R", azure_roles=json.dumps(_READER), azure_groups='[{"group_name": "g"}]', ttl="1m", max_ttl="2m")
    shown = data_of(world.ask("read", "e/roles/r"))
    assert shown["azure_roles"] == [{"role_id": _READER_ID, "role_name": "Reader", "scope": "/subscriptions/sub"}]
    assert [group["group_name"] for group in shown["azure_groups"]] == ["g"]
    assert (shown["ttl"], shown["explicit_max_ttl"], shown["tags"]) == (60, 0, None)
    made = world.ask("read", "e/creds/r")
    data = data_of(made)
    assert (len(data["client_id"]), len(data["client_secret"])) == (36, 40)
    world.later(50)
    assert lease_of(world.write("sys/leases/renew", {"lease_id": lease_of(made).lease_id})).ttl == 60
    assert world.write("sys/leases/revoke", {"lease_id": lease_of(made).lease_id}).errors is None
    assert world.ask("read", "e/creds/none").errors == ["role 'none' does not exist"]


def test_an_existing_application_gets_secrets(world: World) -> None:
    write = mounted(world, "azure")
    write("config", **_CONFIG)
    write("roles/r", application_object_id="app", explicit_max_ttl="1h")
    first, second = (data_of(world.ask("read", "e/creds/r")) for _ in range(2))
    assert first["client_id"] == second["client_id"]
    assert first["client_secret"] != second["client_secret"]
    assert lease_of(world.ask("read", "e/creds/r")).ttl == 3600


def test_the_root_secret_rotates(world: World) -> None:
    write = mounted(world, "azure")
    assert go_error(write("rotate-root")) == "config is nil"
    write("config", **_CONFIG, root_password_ttl="24h")
    write("rotate-root")
    assert data_of(world.ask("read", "e/config"))["root_password_expiration_date"] == "2027-01-16T08:00:00Z"


def test_hvac_and_the_journal(kms: MockKMS, client: hvac.Client) -> None:
    client.sys.enable_secrets_engine("azure")
    azure = client.secrets.azure
    azure.configure(subscription_id="sub", tenant_id="ten", client_id="c", client_secret="s")
    assert azure.read_config()["subscription_id"] == "sub"
    azure.create_or_update_role("r", azure_roles=_READER, ttl="5m")
    assert azure.list_roles()["keys"] == ["r"]
    assert set(azure.generate_credentials("r")) == {"client_id", "client_secret"}
    assert kms.journal.entries()[-1].hint == "Azure is not asked: its answer is made up"


@pytest.mark.flavors("vault", "vault-1.21")
@pytest.mark.parametrize("path", ["static-roles", "static-roles/r", "static-creds/r", "rotate-role/r", "token/r"])
def test_static_roles_are_of_the_enterprise_edition(world: World, path: str) -> None:
    """The change log of Vault 1.21.0 puts them into the "azure enterprise secrets plugin", and so does the API page.

    The community editions of 1.21 and 2.1 carry the public plugin, 0.23.0 and 0.25.0, whose ``backend.go`` has the
    paths ``config``, ``roles``, ``creds`` and ``rotate-root`` only.
    """
    write = mounted(world, "azure")
    write("config", **_CONFIG)
    for answer in (
        world.ask("read", f"e/{path}"),
        write(path, application_object_id="a"),
        world.ask("list", f"e/{path}"),
    ):
        assert (answer.status, answer.errors) == (404, ["1 error occurred:\n\t* unsupported path\n\n"])


def test_worlds_and_dumps_keep_it() -> None:
    role = {"role_name": "Reader", "role_id": _READER_ID, "scope": "/subscriptions/sub"}
    mount = {"type": "azure", "config": _CONFIG, "roles": {"r": {"azure_roles": json.dumps([role]), "ttl": 60}}}
    assert round_trip(mount) == mount
