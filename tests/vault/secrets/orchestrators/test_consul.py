"""The Consul engine. Source of the rules: Vault's ``builtin/logical/consul`` and its API documentation."""

from __future__ import annotations

import base64
from typing import Any

import hvac
import pytest

from mockkms import MockKMS
from tests.vault.driving import START, World
from tests.vault.secrets.standin import StandIn, data_of, lease_of, mounted, round_trip

_ELSEWHERE = {"address": "consul.example.com:8500", "token": "t"}


@pytest.fixture
def flavor() -> str:
    return "vault"


def test_settings_are_required_and_hide_secrets(world: World) -> None:
    write = mounted(world, "consul")
    missing = world.ask("read", "e/config/access")
    assert (missing.status, missing.errors) == (
        400,
        [
            "access credentials for the backend itself haven't been configured; please configure them at the "
            "'/config/access' endpoint"
        ],
    )
    write("config/access", **_ELSEWHERE, ca_cert="pem")
    assert data_of(world.ask("read", "e/config/access")) == {"address": "consul.example.com:8500", "scheme": "http"}
    assert world.ask("delete", "e/config/access").status == 405


def test_roles_have_the_defaults_of_the_plugin(world: World) -> None:
    write = mounted(world, "consul")
    policy = base64.b64encode(b'key "" {}').decode()
    write("roles/old", policy=policy, lease="1h")
    assert data_of(world.ask("read", "e/roles/old")) == {
        "consul_namespace": "", "lease": 3600, "local": False, "max_ttl": 0, "partition": "", "policy": policy,
        "token_type": "client", "ttl": 3600,
    }  # fmt: skip
    write("roles/new", policies="a,b", node_identities=["n:dc1"], ttl=60, lease="1h", max_ttl="2m", partition="p")
    assert data_of(world.ask("read", "e/roles/new")) == {
        "consul_namespace": "", "consul_policies": ["a", "b"], "lease": 60, "local": False, "max_ttl": 120,
        "node_identities": ["n:dc1"], "partition": "p", "token_type": "client", "ttl": 60,
    }  # fmt: skip
    assert data_of(world.ask("list", "e/roles/")) == {"keys": ["new", "old"]}
    write("roles/new", consul_policies="c")
    assert data_of(world.ask("read", "e/roles/new"))["ttl"] == 0


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            {},
            "Use either a policy document, a list of policies or roles, or a set of service or node identities, "
            "depending on your Consul version",
        ),
        ({"policies": "a", "token_type": "odd"}, 'token_type must be "client" or "management"'),
        ({"policy": "a*"}, "Error decoding policy base64: illegal base64 data at input byte 1"),
    ],
)
def test_roles_are_checked(world: World, settings: dict[str, Any], text: str) -> None:
    answer = mounted(world, "consul")("roles/r", **settings)
    assert (answer.status, answer.errors) == (400, [text])


def test_tokens_are_made_up_for_a_server_elsewhere(world: World) -> None:
    write = mounted(world, "consul")
    assert world.ask("read", "e/creds/r").errors == ['role "r" not found']
    write("roles/r", consul_policies="p", ttl=60, max_ttl=90, local=True)
    write("config/access", **_ELSEWHERE)
    made = world.ask("read", "e/creds/r")
    data = data_of(made)
    assert {name: data[name] for name in ("consul_namespace", "local", "partition")} == {
        "consul_namespace": "", "local": True, "partition": "",
    }  # fmt: skip
    assert data["token"] != data["accessor"]
    lease = lease_of(made)
    assert (lease.ttl, lease.renewable) == (60, True)
    world.later(40)
    assert lease_of(world.write("sys/leases/renew", {"lease_id": lease.lease_id})).ttl == 50
    world.ask("delete", "e/roles/r")
    gone = world.write("sys/leases/renew", {"lease_id": lease.lease_id})
    assert (gone.status, gone.errors) == (400, ['issuing role "r" not found'])


def test_a_server_on_this_machine_makes_and_deletes_tokens(world: World, server: StandIn) -> None:
    write = mounted(world, "consul")
    made = {"SecretID": "s", "AccessorID": "a", "Local": False, "Namespace": "ns", "Partition": ""}
    server.answers["PUT", "/v1/acl/token"] = 200, made
    write("config/access", address=server.url.removeprefix("http://"), token="root-token")
    write("roles/r", consul_policies="p", service_identities=["web:dc1,dc2", "db"], node_identities=["n:dc1"])
    answer = world.ask("read", "e/creds/r")
    assert data_of(answer) == {"accessor": "a", "consul_namespace": "ns", "local": False, "partition": "", "token": "s"}
    asked = server.asked[0]
    assert (asked.headers["X-Consul-Token"], asked.body) == (
        "root-token",
        {
            "Description": f"Vault r token {int(START * 1e9)}",
            "Local": False,
            "NodeIdentities": [{"NodeName": "n", "Datacenter": "dc1"}],
            "Policies": [{"Name": "p"}],
            "ServiceIdentities": [
                {"ServiceName": "web", "Datacenters": ["dc1", "dc2"]}, {"ServiceName": "db"},
            ],
        },
    )  # fmt: skip
    world.write("sys/leases/revoke", {"lease_id": lease_of(answer).lease_id})
    assert server.lines == ["PUT /v1/acl/token", "DELETE /v1/acl/token/a?ns=ns"]


def test_tokens_of_an_old_server(world: World, server: StandIn) -> None:
    write = mounted(world, "consul")
    server.answers["PUT", "/v1/acl/create"] = 200, {"ID": "old"}
    write("config/access", address=server.url, token="t")
    write("roles/r", token_type="management")
    answer = world.ask("read", "e/creds/r")
    assert data_of(answer) == {"token": "old"}
    world.write("sys/leases/revoke", {"lease_id": lease_of(answer).lease_id})
    assert server.lines == ["PUT /v1/acl/create", "PUT /v1/acl/destroy/old"]


def test_a_server_that_refuses(world: World, server: StandIn) -> None:
    write = mounted(world, "consul")
    server.answers["PUT", "/v1/acl/"] = 403, "Permission denied"
    refused = write("config/access", address=server.url)
    assert (refused.status, refused.errors) == (400, ["Token not provided and failed to bootstrap ACLs"])
    write("config/access", address=server.url, token="t")
    write("roles/r", consul_policies="p")
    assert world.ask("read", "e/creds/r").errors == ["Unexpected response code: 403 (Permission denied)"]
    write("config/access", address="127.0.0.1:1", token="t")
    assert world.ask("read", "e/creds/r").errors == [
        'Put "http://127.0.0.1:1/v1/acl/token": dial tcp 127.0.0.1:1: connect: connection refused'
    ]


def test_a_server_without_a_token_is_bootstrapped(world: World, server: StandIn) -> None:
    write = mounted(world, "consul")
    server.answers["PUT", "/v1/acl/bootstrap"] = 200, {"SecretID": "first"}
    write("config/access", address=server.url)
    write("roles/r", consul_policies="p")
    world.ask("read", "e/creds/r")
    assert server.asked[-1].headers["X-Consul-Token"] == "first"


def test_hvac_and_the_journal(kms: MockKMS, client: hvac.Client) -> None:
    client.sys.enable_secrets_engine("consul")
    client.secrets.consul.configure_access("consul.example.com", "t")
    client.secrets.consul.create_or_update_role("r", policies=["p"], ttl="5m")
    assert client.secrets.consul.list_roles()["data"]["keys"] == ["r"]
    assert client.secrets.consul.read_role("r")["data"]["consul_policies"] == ["p"]
    made = client.secrets.consul.generate_credentials("r")
    assert (made["lease_duration"], set(made["data"])) == (
        300, {"token", "accessor", "local", "consul_namespace", "partition"},
    )  # fmt: skip
    assert kms.journal.entries()[-1].hint == "the Consul server is not on this machine: its answer is made up"
    client.secrets.consul.delete_role("r")


def test_worlds_and_dumps_keep_it() -> None:
    """No server is asked while a world is loaded: none listens at the address."""
    mount = {
        "type": "consul",
        "access": {"address": "127.0.0.1:1", "token": "t"},
        "roles": {"r": {"consul_policies": ["p"], "ttl": 60}},
    }
    assert round_trip(mount) == mount
