"""Libraries of accounts of LDAP mounts.

Source of the rules: ``path_checkout_sets.go`` and ``path_checkouts.go`` of ``vault-plugin-secrets-openldap`` and of
OpenBao.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mockkms.vault.framework.message import Response
from tests.outside.directory_server import Directory
from tests.vault.driving import World
from tests.vault.secrets.directories.conftest import PEOPLE
from tests.vault.secrets.standin import data_of, lease_of, mounted

pytestmark = pytest.mark.flavors("vault", "openbao")
Write = Callable[..., Response]


def client_token(world: World, name: str) -> str:
    """A token whose policy allows everything below the mount."""
    world.write("sys/policies/acl/all", {"policy": 'path "e/*" { capabilities = ["create", "read", "update"] }'})
    return world.token(policies=["all"], display_name=name)


def quoted(world: World) -> str:
    mark = '"' if world.core.product.texts.product == "Vault" else "'"
    return f"{mark}service_account_names{mark}"


def test_sets_have_the_defaults_of_the_plugin(world: World, elsewhere: Write) -> None:
    elsewhere("library/S", service_account_names="ann,ben")
    assert data_of(world.ask("read", "e/library/s")) == {
        "disable_check_in_enforcement": False, "max_ttl": 86400, "service_account_names": ["ann", "ben"],
        "ttl": 86400,
    }  # fmt: skip
    assert data_of(world.ask("list", "e/library/")) == {"keys": ["s"]}
    assert data_of(world.ask("read", "e/library/s/status")) == {"ann": {"available": True}, "ben": {"available": True}}


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({}, "{names} must be provided"),
        (
            {"service_account_names": "a", "ttl": 20, "max_ttl": 10},
            "max_ttl (10000000000 seconds) may not be less than ttl (20000000000 seconds)",
        ),
        ({"service_account_names": "taken"}, '"taken" is already managed by the secrets engine'),
    ],
)
def test_sets_are_checked(world: World, elsewhere: Write, settings: dict[str, Any], text: str) -> None:
    elsewhere("static-role/r", username="taken", rotation_period=60)
    answer = elsewhere("library/s", **settings)
    assert (answer.status, answer.errors) == (400, [text.format(names=quoted(world))])


def test_settings_come_first(world: World) -> None:
    write = mounted(world, "ldap")
    assert write("library/s", service_account_names="a").errors == ["config must exist to create a library"]


def test_accounts_are_checked_out_one_after_the_other(world: World, elsewhere: Write) -> None:
    elsewhere("library/s", service_account_names="ann,ben", ttl="1h", max_ttl="2h")
    first, second = elsewhere("library/s/check-out", ttl="10m"), elsewhere("library/s/check-out", ttl="3h")
    assert [data_of(one)["service_account_name"] for one in (first, second)] == ["ann", "ben"]
    assert (lease_of(first).ttl, lease_of(first).renewable, lease_of(second).ttl) == (600, True, 3600)
    assert elsewhere("library/s/check-out").errors == ["No service accounts available for check-out."]
    several = elsewhere("library/s/check-in").errors
    assert several == [
        f"when multiple service accounts are checked out, the {quoted(world)} to check in must be provided"
    ]
    refused = world.ask("delete", "e/library/s")
    assert refused.errors == ["\"ann\" can't be deleted because it is currently checked out'"]
    assert data_of(elsewhere("library/s/check-in", service_account_names="ann,ben")) == {"check_ins": ["ann", "ben"]}
    renewed = world.write("sys/leases/renew", {"lease_id": lease_of(first).lease_id})
    assert renewed.errors == ["ann is already checked in, please call check-out to regain it"]
    again = data_of(elsewhere("library/s/check-out"))
    assert again["password"] != data_of(first)["password"]


def test_the_end_of_the_lease_checks_in(world: World, elsewhere: Write) -> None:
    elsewhere("library/s", service_account_names="ann", ttl=60)
    made = elsewhere("library/s/check-out")
    world.later(50)
    assert lease_of(world.write("sys/leases/renew", {"lease_id": lease_of(made).lease_id})).ttl == 60
    status = data_of(world.ask("read", "e/library/s/status"))["ann"]
    assert (status["available"], len(status["borrower_client_token"])) == (False, 40)
    world.later(61)
    assert data_of(world.ask("read", "e/library/s/status")) == {"ann": {"available": True}}
    assert data_of(elsewhere("library/s/check-out"))["password"] != data_of(made)["password"]


def test_only_the_borrower_checks_in(world: World, elsewhere: Write) -> None:
    elsewhere("library/s", service_account_names="ann")
    borrower, other = client_token(world, "a"), client_token(world, "b")
    world.write("e/library/s/check-out", token=borrower)
    assert data_of(world.write("e/library/s/check-in", token=other)) == {"check_ins": []}
    refused = world.write("e/library/s/check-in", {"service_account_names": "ann"}, token=other)
    assert refused.errors == ["\"ann\" can't be checked in because it wasn't checked out by the caller"]
    assert data_of(world.write("e/library/s/check-in", token=borrower)) == {"check_ins": ["ann"]}
    world.write("e/library/s/check-out", token=borrower)
    assert data_of(world.write("e/library/manage/s/check-in", token=other)) == {"check_ins": ["ann"]}
    world.write("e/library/s/check-out", token=borrower)
    elsewhere("library/s", disable_check_in_enforcement=True)
    assert data_of(world.write("e/library/s/check-in", token=other)) == {"check_ins": ["ann"]}


def test_tokens_of_one_entity_are_one_borrower(world: World, elsewhere: Write) -> None:
    elsewhere("library/s", service_account_names="ann")
    world.write("sys/auth/userpass", {"type": "userpass"})
    client_token(world, "x")
    world.write("auth/userpass/users/u", {"password": "p", "token_policies": "all"})
    tokens = []
    for _ in range(2):
        auth = world.write("auth/userpass/login/u", {"password": "p"}, token="").auth
        assert auth is not None
        tokens.append(auth.client_token)
    world.write("e/library/s/check-out", token=tokens[0])
    assert data_of(world.ask("read", "e/library/s/status"))["ann"]["borrower_entity_id"]
    assert data_of(world.write("e/library/s/check-in", token=tokens[1])) == {"check_ins": ["ann"]}


def test_sets_change_while_nothing_is_checked_out(world: World, elsewhere: Write) -> None:
    elsewhere("library/s", service_account_names="ann,ben")
    elsewhere("library/s/check-out")
    kept = elsewhere("library/s", service_account_names="ben")
    assert kept.errors == ["\"ann\" can't be deleted because it is currently checked out'"]
    assert elsewhere("library/s", service_account_names="ann,carl").errors is None
    assert set(data_of(world.ask("read", "e/library/s/status"))) == {"ann", "carl"}
    assert elsewhere("library/t", service_account_names="ben").errors is None
    assert elsewhere("library/none/check-out").errors == ['"none" doesn\'t exist']


def test_passwords_change_in_a_directory_on_this_machine(world: World, here: Write, directory: Directory) -> None:
    here("library/s", service_account_names="ann")
    found = directory.entries[f"cn=ann,{PEOPLE}"]
    made = data_of(here("library/s/check-out"))
    assert found["userpassword"] == [made["password"]]
    here("library/s/check-in")
    assert found["userpassword"] != [made["password"]]
