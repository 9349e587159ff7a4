"""The Active Directory engine. Source of the rules: ``vault-plugin-secrets-ad`` and its API documentation."""

from __future__ import annotations

from typing import Any

import hvac
import pytest

from mockkms.vault.framework.message import Response
from tests.outside.directory_server import entry, running
from tests.vault.driving import World
from tests.vault.secrets.directories.conftest import CONFIG
from tests.vault.secrets.standin import data_of, mounted, round_trip

pytestmark = pytest.mark.flavors("vault")
_ELSEWHERE = {**CONFIG, "url": "ldaps://ad.example.com"}


def go_error(answer: Response) -> str:
    assert answer.status == 500, answer
    return (answer.errors or [""])[0].removeprefix("1 error occurred:\n\t* ").removesuffix("\n\n")


def test_settings_have_the_defaults_of_the_plugin(world: World) -> None:
    write = mounted(world, "ad")
    assert world.ask("read", "e/config").status == 404
    write("config", **_ELSEWHERE, ttl="1h")
    assert data_of(world.ask("read", "e/config")) == {
        "binddn": "cn=admin,dc=acme", "certificate": "", "formatter": "", "insecure_tls": False,
        "last_rotation_tolerance": 5, "length": 64, "max_ttl": 2764800, "password_policy": "", "starttls": False,
        "tls_max_version": "tls12", "tls_min_version": "tls12", "ttl": 3600, "upndomain": "",
        "url": "ldaps://ad.example.com", "use_pre111_group_cn_behavior": False, "userdn": "ou=people,dc=acme",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"ttl": 3, "max_ttl": 2}, "ttl must be smaller than or equal to max_ttl"),
        (
            {"length": 4},
            "it's not possible to generate a _secure_ password of length 4, please boost length to 14, though Vault "
            "recommends higher",
        ),
        ({"formatter": "x"}, "x must contain password replacement field of {{PASSWORD}}"),
        (
            {"formatter": "{{PASSWORD}}{{PASSWORD}}"},
            "{{PASSWORD}}{{PASSWORD}} must contain ONE password replacement field of {{PASSWORD}}",
        ),
        ({"password_policy": "p", "length": 8}, "cannot set password_policy and either length or formatter"),
    ],
)
def test_settings_are_checked(world: World, settings: dict[str, Any], text: str) -> None:
    assert go_error(mounted(world, "ad")("config", **_ELSEWHERE, **settings)) == text


def test_passwords_rotate_when_they_are_read(world: World) -> None:
    write = mounted(world, "ad")
    assert go_error(write("roles/r", service_account_name="app@acme.com")) == "the config is currently unset"
    write("config", **_ELSEWHERE, ttl="1h", max_ttl="2h")
    assert go_error(write("roles/r")) == '"service_account_name" is required'
    long = write("roles/r", service_account_name="app@acme.com", ttl="3h")
    assert go_error(long) == "requested ttl of 10800 seconds is over the max ttl of 7200 seconds"
    write("roles/R", service_account_name="app@acme.com", ttl="1h")
    assert data_of(world.ask("read", "e/roles/r")) == {"service_account_name": "app@acme.com", "ttl": 3600}
    first = data_of(world.ask("read", "e/creds/r"))
    assert (first["username"], first["current_password"][:6], set(first)) == (
        "app", "?@09AZ", {"username", "current_password"},
    )  # fmt: skip
    world.later(3600)
    assert data_of(world.ask("read", "e/creds/r")) == first
    world.later(1)
    second = data_of(world.ask("read", "e/creds/r"))
    assert second["last_password"] == first["current_password"]
    assert data_of(world.ask("read", "e/roles/r"))["last_vault_rotation"] == "2027-01-15T09:00:01Z"
    write("rotate-role/r")
    assert data_of(world.ask("read", "e/creds/r"))["last_password"] == second["current_password"]
    assert go_error(write("rotate-role/none")) == "role none does not exist"


def test_a_directory_on_this_machine(world: World) -> None:
    write = mounted(world, "ad")
    entries = {
        **entry("cn=admin,dc=acme", userpassword="first", objectclass="*"),
        **entry("cn=app,ou=people,dc=acme", userprincipalname="app@acme.com"),
    }
    with running(entries) as directory:
        write("config", **CONFIG, url=directory.url, length=20)
        write("roles/r", service_account_name="app@acme.com")
        password = data_of(world.ask("read", "e/creds/r"))["current_password"]
        [changed] = directory.entries["cn=app,ou=people,dc=acme"]["unicodepwd"]
        assert changed.encode("utf-8", "surrogateescape").decode("utf-16-le") == f'"{password}"'
        assert write("rotate-root").errors is None


def test_the_library(world: World) -> None:
    write = mounted(world, "ad")
    assert go_error(write("library/s", service_account_names="a")) == "the config is currently unset"
    write("config", **_ELSEWHERE)
    write("library/s", service_account_names="a@acme.com")
    twice = write("library/t", service_account_names="a@acme.com")
    assert twice.errors == ['"a@acme.com" is already managed by another set']
    assert data_of(write("library/s/check-out"))["service_account_name"] == "a@acme.com"
    assert data_of(world.ask("read", "e/library/s/status"))["a@acme.com"]["available"] is False
    assert data_of(write("library/s/check-in")) == {"check_ins": ["a@acme.com"]}
    assert data_of(world.ask("list", "e/library/")) == {"keys": ["s"]}


def test_hvac(client: hvac.Client) -> None:
    client.sys.enable_secrets_engine("ad")
    ad = client.secrets.activedirectory
    ad.configure(binddn="cn=admin", bindpass="p", url="ldaps://ad.example.com", userdn="dc=acme")
    assert ad.read_config()["data"]["binddn"] == "cn=admin"
    ad.create_or_update_role("r", service_account_name="app@acme.com", ttl="1h")
    assert ad.list_roles()["data"]["keys"] == ["r"]
    assert ad.read_role("r")["data"]["ttl"] == 3600
    assert ad.generate_credentials("r")["data"]["username"] == "app"
    ad.delete_role("r")


def test_worlds_and_dumps_keep_it() -> None:
    mount = {
        "type": "ad",
        "config": {**CONFIG, "url": "ldap://127.0.0.1:1", "ttl": 60, "max_ttl": 120},
        "roles": {"r": {"service_account_name": "app@acme.com", "ttl": 60, "current_password": "p"}},
        "library": {"s": {"service_account_names": ["a"], "accounts": {"a": {"password": "pa"}}}},
    }
    assert round_trip(mount) == mount
