"""The Nomad engine. Source of the rules: Vault's ``builtin/logical/nomad`` and its API documentation."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vault.driving import START, World
from tests.vault.secrets.standin import StandIn, data_of, lease_of, mounted, round_trip


@pytest.fixture
def flavor() -> str:
    return "vault"


def test_settings_are_changed_one_by_one(world: World) -> None:
    write = mounted(world, "nomad")
    assert world.ask("read", "e/config/access").status == 404
    write("config/access", address="https://nomad.example.com", token="t", ca_cert="pem", max_token_name_length=20)
    write("config/access", client_cert="c", client_key="k")
    assert data_of(world.ask("read", "e/config/access")) == {
        "address": "https://nomad.example.com", "ca_cert": "pem", "client_cert": "c", "max_token_name_length": 0,
    }  # fmt: skip
    world.ask("delete", "e/config/access")
    assert world.ask("read", "e/config/access").status == 404


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({}, "policies cannot be empty when using client tokens"),
        ({"type": "management", "policies": "p"}, "policies should be empty when using management tokens"),
        ({"type": "odd", "policies": "p"}, 'type must be "client" or "management"'),
    ],
)
def test_roles_are_checked(world: World, settings: dict[str, Any], text: str) -> None:
    answer = mounted(world, "nomad")("role/r", **settings)
    assert (answer.status, answer.errors) == (400, [text])


def test_tokens_have_the_lifetimes_of_the_mount(world: World) -> None:
    write = mounted(world, "nomad")
    write("role/r", policies="a,b", **{"global": True})
    assert data_of(world.ask("read", "e/role/r")) == {"global": True, "policies": ["a", "b"], "type": "client"}
    assert data_of(world.ask("list", "e/role/")) == {"keys": ["r"]}
    write("config/lease", ttl="1m", max_ttl="2m")
    assert data_of(world.ask("read", "e/config/lease")) == {"ttl": 60, "max_ttl": 120}
    made = world.ask("read", "e/creds/r")
    assert set(data_of(made)) == {"accessor_id", "secret_id"}
    assert lease_of(made).ttl == 60
    world.ask("delete", "e/config/lease")
    renewed = world.write("sys/leases/renew", {"lease_id": lease_of(made).lease_id})
    assert lease_of(renewed).ttl == 2764800
    assert world.ask("read", "e/creds/none").errors == ['role "none" not found']


def test_a_server_on_this_machine_makes_and_deletes_tokens(world: World, server: StandIn) -> None:
    write = mounted(world, "nomad")
    server.answers["PUT", "/v1/acl/token"] = 200, {"SecretID": "s", "AccessorID": "a"}
    server.answers["PUT", "/v1/acl/bootstrap"] = 200, {"SecretID": "first"}
    write("config/access", address=server.url, max_token_name_length=20)
    write("role/r", type="management")
    made = world.ask("read", "e/creds/r")
    assert data_of(made) == {"accessor_id": "a", "secret_id": "s"}
    asked = server.asked[-1]
    assert asked.headers["X-Nomad-Token"] == "first"
    name = f"vault-r-token-{int(START * 1e9)}"[:20]
    assert asked.body == {"Global": False, "Name": name, "Policies": None, "Type": "management"}
    world.write("sys/leases/revoke", {"lease_id": lease_of(made).lease_id})
    assert server.lines[-1] == "DELETE /v1/acl/token/a"


def test_a_server_that_refuses(world: World, server: StandIn) -> None:
    write = mounted(world, "nomad")
    server.answers["PUT", "/v1/acl/"] = 400, "ACL support disabled"
    assert write("config/access", address=server.url).errors == ["Token not provided and failed to bootstrap ACLs"]
    write("config/access", address=server.url, token="t")
    write("role/r", policies="p")
    refused = world.ask("read", "e/creds/r")
    text = "Unexpected response code: 400 (ACL support disabled)"
    assert (refused.status, refused.errors) == (500, [f"1 error occurred:\n\t* {text}\n\n"])


def test_worlds_and_dumps_keep_it() -> None:
    mount = {
        "type": "nomad",
        "access": {"address": "http://127.0.0.1:1", "token": "t"},
        "lease": {"ttl": 60},
        "roles": {"r": {"policies": ["p"], "global": True}},
    }
    assert round_trip(mount) == mount
