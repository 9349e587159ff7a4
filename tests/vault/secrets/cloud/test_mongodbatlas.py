"""The MongoDB Atlas engine. Source of the rules: ``vault-plugin-secrets-mongodbatlas`` and its API documentation."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.vault.driving import World
from tests.vault.secrets.standin import data_of, lease_of, mounted, round_trip

pytestmark = pytest.mark.flavors("vault")


def test_settings(world: World) -> None:
    write = mounted(world, "mongodbatlas")
    assert world.ask("read", "e/config").errors == ["1 error occurred:\n\t* empty config entry\n\n"]
    assert write("config", public_key="a").errors == ["1 error occurred:\n\t* private_key is empty\n\n"]
    write("config", public_key="a", private_key="b")
    assert data_of(world.ask("read", "e/config")) == {"public_key": "a"}


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({}, "organization_id or project_id are required"),
        ({"project_id": "p"}, "roles is required for organization and project keys"),
        (
            {"project_id": "p", "organization_id": "o", "roles": "R"},
            "roles is required if both organization_id and project_id are supplied",
        ),
        ({"project_id": "p", "roles": "R", "ttl": 2, "max_ttl": 1}, "ttl exceeds max_ttl"),
    ],
)
def test_roles_are_checked(world: World, settings: dict[str, Any], text: str) -> None:
    answer = mounted(world, "mongodbatlas")("roles/r", **settings)
    assert (answer.status, answer.errors) == (400, [text])


def test_keys_are_made_up_with_a_lease(world: World) -> None:
    write = mounted(world, "mongodbatlas")
    write("roles/R", project_id="p", roles="A,B", ttl="1m", max_ttl="2m")
    assert data_of(world.ask("read", "e/roles/r")) == {
        "cidr_blocks": None, "database_name": "", "ip_addresses": None, "max_ttl": 120, "organization_id": "",
        "project_id": "p", "project_roles": None, "roles": ["A", "B"], "ttl": 60,
    }  # fmt: skip
    assert world.ask("read", "e/creds/r").errors == ["empty config entry"]
    write("config", public_key="a", private_key="b")
    made = world.ask("read", "e/creds/r")
    data = data_of(made)
    assert re.fullmatch("[a-z]{8}", data["public_key"])
    assert re.fullmatch("vault-r-[0-9A-Za-z]{20}", data["description"])
    assert len(data["private_key"]) == 36
    lease = lease_of(made)
    assert (lease.ttl, lease.renewable) == (60, True)
    # The plugin renews by the role's maximum.
    assert lease_of(world.write("sys/leases/renew", {"lease_id": lease.lease_id})).ttl == 120
    assert world.write("sys/leases/revoke", {"lease_id": lease.lease_id}).errors is None
    world.ask("delete", "e/roles/r")
    gone = "error retrieving credential: credential is nil"
    assert world.ask("read", "e/creds/r").errors == [f"1 error occurred:\n\t* {gone}\n\n"]


def test_worlds_and_dumps_keep_it() -> None:
    mount = {
        "type": "mongodbatlas",
        "config": {"public_key": "a", "private_key": "b"},
        "roles": {"r": {"project_id": "p", "roles": ["A"], "ttl": 60}},
    }
    assert round_trip(mount) == mount
