"""The Terraform engine. Source of the rules: ``vault-plugin-secrets-terraform`` and its API documentation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.vault.driving import World
from tests.vault.secrets.standin import StandIn, data_of, lease_of, mounted, round_trip, standing_in

pytestmark = pytest.mark.flavors("vault")


@pytest.fixture
def server() -> Iterator[StandIn]:
    with standing_in() as found:
        yield found


def test_settings_have_the_defaults_of_the_plugin(world: World) -> None:
    write = mounted(world, "terraform")
    write("config", token="t")
    assert data_of(world.ask("read", "e/config")) == {"address": "https://app.terraform.io", "base_path": "/api/v2/"}
    write("config", address="https://tfe.example.com")
    assert data_of(world.ask("read", "e/config"))["address"] == "https://tfe.example.com"


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({}, "must provide an organization name, team id, or user id"),
        ({"credential_type": "odd", "user_id": "u"}, "unrecognized credential type: odd"),
        (
            {"user_id": "u", "organization": "o"},
            "cannot provide a user_id in combination with organization or team_id",
        ),
        ({"user_id": "u", "ttl": 2, "max_ttl": 1}, "ttl cannot be greater than max_ttl"),
        (
            {"team_id": "t", "ttl": 2},
            "cannot provide description, ttl, or max_ttl with credential_type = team_legacy, try credential_type = "
            "team.",
        ),
    ],
)
def test_roles_are_checked(world: World, settings: dict[str, Any], text: str) -> None:
    write = mounted(world, "terraform")
    write("config", token="t")
    answer = write("role/r", **settings)
    assert (answer.status, answer.errors) == (400, [text])


def test_tokens_of_users_have_a_lease(world: World) -> None:
    write = mounted(world, "terraform")
    write("role/U", user_id="user-1", ttl="1m", max_ttl="90s")
    assert data_of(world.ask("read", "e/role/u")) == {
        "credential_type": "user", "max_ttl": 90, "name": "u", "ttl": 60, "user_id": "user-1",
    }  # fmt: skip
    unset = "client configuration was nil"
    assert world.ask("read", "e/creds/u").errors == [f"1 error occurred:\n\t* {unset}\n\n"]
    write("config", token="t")
    made = world.ask("read", "e/creds/u")
    assert set(data_of(made)) == {"token", "token_id"}
    assert ".atlasv1." in data_of(made)["token"]
    assert lease_of(made).ttl == 60
    world.later(50)
    assert lease_of(world.write("sys/leases/renew", {"lease_id": lease_of(made).lease_id})).ttl == 40
    assert write("rotate-role/u").errors == ["cannot rotate credentials for user roles"]


def test_an_organization_has_one_token(world: World) -> None:
    write = mounted(world, "terraform")
    write("config", token="t")
    write("role/o", organization="acme")
    assert data_of(world.ask("read", "e/role/o")) == {"max_ttl": 0, "name": "o", "organization": "acme", "ttl": 0}
    first = world.ask("read", "e/creds/o")
    assert first.lease is None
    assert data_of(first) == data_of(world.ask("read", "e/creds/o"))
    assert {name: data_of(first)[name] for name in ("organization", "role", "team_id")} == {
        "organization": "acme", "role": "o", "team_id": "",
    }  # fmt: skip
    write("rotate-role/o")
    assert data_of(world.ask("read", "e/creds/o"))["token"] != data_of(first)["token"]


def test_tokens_of_teams_expire(world: World) -> None:
    write = mounted(world, "terraform")
    write("config", token="t")
    write("role/t", team_id="team-1", credential_type="team", description="ci", max_ttl="2h")
    made = data_of(world.ask("read", "e/creds/t"))
    assert made["description"].startswith("ci(")
    assert made["expired_at"] == "2027-02-16T08:00:00Z"


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        ({"organization": "acme"}, None),
        ({"team_id": "t"}, "team_legacy"),
        ({"team_id": "t", "credential_type": "team"}, "team"),
        ({"team_id": "t", "organization": "acme"}, "team"),
        ({"user_id": "u"}, "user"),
    ],
)
def test_the_kind_of_token_is_shown_as_by_the_plugin(world: World, settings: dict[str, str], shown: str | None) -> None:
    """``toResponseData``: a team of an organization is of the new kind, and an organization has none."""
    write = mounted(world, "terraform")
    write("config", token="t")
    write("role/r", **settings)
    assert data_of(world.ask("read", "e/role/r")).get("credential_type") == shown


def test_a_server_on_this_machine_makes_and_deletes_tokens(world: World, server: StandIn) -> None:
    write = mounted(world, "terraform")
    write("config", token="t", address=server.url)
    made = {"data": {"id": "at-1", "attributes": {"token": "x.atlasv1.y", "description": None}}}
    server.answers["POST", "/api/v2/"] = 201, made
    write("role/o", organization="acme")
    write("role/u", user_id="user-1", description="d")
    answer = world.ask("read", "e/creds/u")
    assert data_of(answer) == {"token": "x.atlasv1.y", "token_id": "at-1"}
    world.write("sys/leases/revoke", {"lease_id": lease_of(answer).lease_id})
    assert server.lines == [
        "GET /api/v2/organizations/acme", "POST /api/v2/organizations/acme/authentication-token",
        "POST /api/v2/users/user-1/authentication-tokens", "DELETE /api/v2/authentication-tokens/at-1",
    ]  # fmt: skip
    assert server.asked[2].headers["Authorization"] == "Bearer t"
    assert server.asked[2].body["data"]["attributes"] == {"description": "d"}
    server.answers["POST", "/api/v2/"] = 401, {}
    refused = world.ask("read", "e/creds/u")
    assert refused.errors == ["1 error occurred:\n\t* error creating Terraform token: unauthorized\n\n"]


def test_worlds_and_dumps_keep_it() -> None:
    mount = {
        "type": "terraform",
        "config": {"address": "http://127.0.0.1:1", "token": "t"},
        "roles": {
            "o": {"organization": "acme", "credential_type": "organization", "token": "x", "token_id": "at-1"},
            "u": {"user_id": "user-1", "credential_type": "user", "ttl": 60},
        },
    }
    assert round_trip(mount) == mount
