"""The RabbitMQ engine. Source of the rules: ``builtin/logical/rabbitmq`` of Vault and OpenBao, and their API pages."""

from __future__ import annotations

import json
from typing import Any
from unittest import mock

import hvac
import pytest

from tests.vault.driving import World
from tests.vault.secrets.standin import StandIn, data_of, lease_of, mounted, round_trip

pytestmark = pytest.mark.flavors("vault", "openbao")

_ALL = {"configure": ".*", "write": ".*", "read": ".*"}
_NO_USER = "failed to create a new user with the generated credentials"
_TOPICS = {"/": {"amq.topic": {"write": "w", "read": "r"}}}


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({}, "missing connection_uri"),
        ({"connection_uri": "http://mq.example.com"}, "missing username"),
        ({"connection_uri": "http://mq.example.com", "username": "u"}, "missing password"),
    ],
)
def test_connections_are_checked(world: World, settings: dict[str, str], text: str) -> None:
    answer = mounted(world, "rabbitmq")("config/connection", **settings)
    assert (answer.status, answer.errors) == (400, [text])
    assert world.ask("read", "e/config/connection").status == 405


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"vhost_topics": "{}"}, "both tags and vhosts not specified"),
        ({"vhosts": "{"}, "failed to unmarshal vhosts: unexpected EOF"),
        (
            {"vhosts": '{"/": 1}'},
            "failed to unmarshal vhosts: json: cannot unmarshal number into Go value of type rabbitmq.vhostPermission",
        ),
    ],
)
def test_roles_are_checked(world: World, settings: dict[str, str], text: str) -> None:
    answer = mounted(world, "rabbitmq")("roles/r", **settings)
    assert (answer.status, answer.errors) == (400, [text])


@pytest.mark.flavors("vault", "vault-1.21", "openbao")
@pytest.mark.parametrize(
    ("given", "own", "shown"),
    [(None, {}, None), ("", {}, None), ("{}", {}, {}), (json.dumps(_TOPICS), _TOPICS, _TOPICS)],
)
def test_topics_of_a_role(world: World, flavor: str, given: str | None, own: object, shown: object) -> None:
    mounted(world, "rabbitmq")("roles/r", tags="t", **({} if given is None else {"vhost_topics": given}))
    data = data_of(world.ask("read", "e/roles/r"))
    assert (data["vhosts"], data["vhost_topics"]) == ({}, own if flavor == "openbao" else shown)


@pytest.mark.parametrize(
    ("uri", "text"),
    [
        ("x", 'failed to validate the connection: Get "x/api/users/": unsupported protocol scheme ""'),
        ("127.0.0.1:1", 'failed to create client: parse "127.0.0.1:1": first path segment in URL cannot contain colon'),
        ("http://[::1", """failed to create client: parse "http://[::1": missing ']' in host"""),
        (
            "http://127.0.0.1:99999",
            'failed to validate the connection: Get "http://127.0.0.1:99999/api/users/": '
            "dial tcp: address 99999: invalid port",
        ),
        (
            "http://user:pw@127.0.0.1:1/a b",
            'failed to validate the connection: Get "http://user:***@127.0.0.1:1/a%20b/api/users/": '
            "dial tcp 127.0.0.1:1: connect: connection refused",
        ),
    ],
)
def test_an_address_that_is_none_is_refused(world: World, uri: str, text: str) -> None:
    # Answers of OpenBao 2.6.2.
    write, settings = mounted(world, "rabbitmq"), {"connection_uri": uri, "username": "u", "password": "p"}
    assert write("config/connection", **settings).errors == [f"1 error occurred:\n\t* {text}\n\n"]
    assert write("config/connection", **settings, verify_connection=False).errors is None
    write("roles/r", tags="t")
    fault = (
        text.partition("failed to create client: ")[2] or "failed to create a new user with the generated credentials"
    )
    assert world.ask("read", "e/creds/r").errors == [f"1 error occurred:\n\t* {fault}\n\n"]


@pytest.mark.parametrize(
    ("status", "body", "text"),
    [
        (401, "", "Error: API responded with a 401 Unauthorized"),
        (403, '{"error": "e", "reason": "r"}', "Error 403 (e): r"),
        (403, "nope", "Error 403 (Error 403 from RabbitMQ: invalid character 'o' in literal null (expecting 'u')): "),
        (404, "", "Error 404 (Error 404 from RabbitMQ: EOF): "),
        (200, "hello", "invalid character 'h' looking for beginning of value"),
    ],
)
def test_what_the_server_refuses_is_worded_as_by_its_client(
    world: World, server: StandIn, status: int, body: str, text: str
) -> None:
    server.answers["GET", "/api/users/"] = status, body
    answer = mounted(world, "rabbitmq")("config/connection", connection_uri=server.url, username="u", password="p")
    assert answer.errors == [f"1 error occurred:\n\t* failed to validate the connection: {text}\n\n"]


def test_a_password_policy_must_exist(world: World) -> None:
    # GeneratePasswordFromPolicy in Vault's dynamic_system_view.go; OpenBao answers the same.
    write = mounted(world, "rabbitmq")
    settings = {"connection_uri": "http://mq.example.com", "username": "u", "password": "p"}
    write("config/connection", **settings, password_policy="none")
    write("roles/r", tags="t")
    assert world.ask("read", "e/creds/r").errors == ["1 error occurred:\n\t* no password policy found\n\n"]


def test_users_are_made_up_for_a_server_elsewhere(world: World) -> None:
    write = mounted(world, "rabbitmq")
    world.write("sys/policies/password/digits", {"policy": 'length = 8\nrule "charset" { charset = "0123456789" }'})
    write("config/connection", connection_uri="http://mq.example.com:15672", username="u", password="p")
    write("roles/r", tags="management", vhosts=json.dumps({"/": {"read": ".*"}}))
    assert data_of(world.ask("read", "e/roles/r")) == {
        "tags": "management", "vhosts": {"/": {"configure": "", "read": ".*", "write": ""}}, "vhost_topics": mock.ANY,
    }  # fmt: skip
    write("config/lease", ttl="1m", max_ttl=90)
    assert data_of(world.ask("read", "e/config/lease")) == {"ttl": 60, "max_ttl": 90}
    made = world.ask("read", "e/creds/r")
    assert data_of(made)["username"].startswith("token-")
    assert len(data_of(made)["password"]) == 36
    world.later(40)
    assert lease_of(world.write("sys/leases/renew", {"lease_id": lease_of(made).lease_id})).ttl == 50
    write(
        "config/connection", connection_uri="http://mq.example.com", username="u", password="p",
        password_policy="digits", username_template="{{.RoleName}}-x",
    )  # fmt: skip
    data = data_of(world.ask("read", "e/creds/r"))
    assert (data["username"], len(data["password"]), data["password"].isdigit()) == ("r-x", 8, True)
    assert world.ask("read", "e/creds/none").errors == ["unknown role: none"]


def test_a_server_on_this_machine_makes_and_deletes_users(world: World, server: StandIn) -> None:
    write = mounted(world, "rabbitmq")
    write("config/connection", connection_uri=server.url, username="u", password="p", username_template="{{.RoleName}}")
    write("roles/r", tags="a,b", vhosts=json.dumps({"/": _ALL}), vhost_topics=json.dumps(_TOPICS))
    made = world.ask("read", "e/creds/r")
    world.write("sys/leases/revoke", {"lease_id": lease_of(made).lease_id})
    assert server.lines == [
        "GET /api/users/", "PUT /api/users/r", "PUT /api/permissions/%2F/r", "PUT /api/topic-permissions/%2F/r",
        "DELETE /api/users/r",
    ]  # fmt: skip
    assert server.asked[0].headers["Authorization"] == "Basic dTpw"
    assert server.asked[1].body == {"password": data_of(made)["password"], "tags": "a,b"}
    assert server.asked[2].body == _ALL
    assert server.asked[3].body == {"exchange": "amq.topic", "read": "r", "write": "w"}


def test_a_user_without_all_permissions_is_deleted(world: World, server: StandIn) -> None:
    write = mounted(world, "rabbitmq")
    write("config/connection", connection_uri=server.url, username="u", password="p", username_template="{{.RoleName}}")
    write("roles/r", vhosts=json.dumps({"gone": _ALL}))
    server.answers["PUT", "/api/permissions"] = 400, {"error": "bad_request", "reason": "vhost_not_found"}
    refused = world.ask("read", "e/creds/r")
    text = "Error 400 (bad_request): vhost_not_found"
    assert (refused.status, refused.errors) == (500, [f"1 error occurred:\n\t* {text}\n\n"])
    assert server.lines[-1] == "DELETE /api/users/r"


def test_a_connection_is_verified(world: World, server: StandIn) -> None:
    write = mounted(world, "rabbitmq")
    server.answers["GET", "/api/users/"] = 401, {}
    settings: dict[str, Any] = {"connection_uri": server.url, "username": "u", "password": "p"}
    text = "failed to validate the connection: Error: API responded with a 401 Unauthorized"
    refused = write("config/connection", **settings)
    assert (refused.status, refused.errors) == (500, [f"1 error occurred:\n\t* {text}\n\n"])
    assert write("config/connection", **settings, verify_connection=False).errors is None


def test_hvac(client: hvac.Client) -> None:
    client.sys.enable_secrets_engine("rabbitmq")
    client.secrets.rabbitmq.configure("http://mq.example.com", "u", "p")
    client.secrets.rabbitmq.configure_lease(60, 120)
    client.secrets.rabbitmq.create_role("r", tags="t", vhosts=json.dumps({"/": _ALL}))
    assert client.secrets.rabbitmq.read_role("r")["data"]["vhosts"] == {"/": _ALL}
    assert client.secrets.rabbitmq.generate_credentials("r")["lease_duration"] == 60
    client.secrets.rabbitmq.delete_role("r")


def test_worlds_and_dumps_keep_it() -> None:
    mount = {
        "type": "rabbitmq",
        "connection": {"connection_uri": "http://127.0.0.1:1", "username": "u", "password": "p"},
        "lease": {"ttl": 60},
        "roles": {"r": {"tags": "t", "vhosts": json.dumps({"/": _ALL})}},
    }
    assert round_trip(mount) == mount
