"""AppRole: the life of roles and secret ids."""

from __future__ import annotations

from typing import Any

import pytest

from mockkms.vault.auth.approle.secretid import parse_metadata
from mockkms.vault.framework.message import Response
from tests.vault.driving import World


def prepare(world: World) -> None:
    world.core.mount("", "auth/approle/", "approle")
    world.write("auth/approle/role/Web", {"role_id": "web-id", "token_policies": "app"})


pytestmark = pytest.mark.prepared(by=prepare)


def secret_id(world: World, **data: Any) -> str:
    answer = world.write("auth/approle/role/web/secret-id", data).data
    assert answer is not None
    return str(answer["secret_id"])


def login(world: World, secret: str, role_id: str = "web-id", **more: Any) -> Response:
    data = {"role_id": role_id, "secret_id": secret}
    return world.write("auth/approle/login", data, token="", **more)


INVALID = ["invalid role or secret ID"]


def test_a_login_gives_the_roles_policies_and_an_entity(world: World) -> None:
    auth = login(world, secret_id(world, metadata='{"job": "17"}')).auth
    assert auth is not None
    assert auth.policies == ["app", "default"]
    assert auth.metadata == {"job": "17", "role_name": "web"}
    assert auth.entity_id
    assert auth.orphan


def test_a_secret_id_is_used_up(world: World) -> None:
    secret = secret_id(world, num_uses=2)
    assert [login(world, secret).errors for _ in range(3)] == [None, None, INVALID]
    assert world.ask("list", "auth/approle/role/web/secret-id/").status == 404


def test_an_expired_secret_id_works_until_the_minutely_tidying(world: World) -> None:
    secret = secret_id(world, ttl="10m")
    world.later(659)
    assert login(world, secret).errors is None
    world.later(1)
    assert login(world, secret).errors == INVALID


def test_tidying_by_hand_removes_it_at_once(world: World) -> None:
    secret, other = secret_id(world, ttl="10m"), secret_id(world)
    world.later(600)
    assert world.write("auth/approle/tidy/secret-id").status == 202
    assert login(world, secret).errors == INVALID
    assert login(world, other).errors is None


def test_a_secret_id_is_bound_to_its_role_and_its_addresses(world: World) -> None:
    world.write("auth/approle/role/other", {"role_id": "other-id"})
    secret = secret_id(world, cidr_list=["10.0.0.0/8"])
    assert login(world, secret, "other-id").errors == INVALID
    assert login(world, secret, remote_address="10.1.1.1").errors is None
    assert login(world, secret, remote_address="11.1.1.1").errors == [
        'source address "11.1.1.1" unauthorized through CIDR restrictions on the secret ID'
    ]


def test_the_blocks_of_a_secret_id_lie_within_its_roles(world: World) -> None:
    world.write("auth/approle/role/web", {"secret_id_bound_cidrs": ["10.0.0.0/8"]})
    answer = world.write("auth/approle/role/web/secret-id", {"cidr_list": ["11.0.0.0/8"]})
    assert answer.status == 500
    assert answer.errors is not None
    assert 'on the role ["10.0.0.0/8"] and CIDR blocks on the secret ID ["11.0.0.0/8"]: %!w(<nil>)' in answer.errors[0]


def test_a_deleted_role_takes_everything_along(world: World) -> None:
    secret = secret_id(world)
    token = login(world, secret).auth
    assert token is not None
    world.ask("delete", "auth/approle/role/web")
    assert login(world, secret).errors == INVALID
    assert world.write("auth/token/renew-self", token=token.client_token).errors == [
        '1 error occurred:\n\t* failed to renew entry: role "web" does not exist during renewal\n\n'
    ]


def test_a_role_id_belongs_to_one_role(world: World) -> None:
    answer = world.write("auth/approle/role/other", {"role_id": "web-id"})
    assert answer.errors == ["1 error occurred:\n\t* role_id already in use\n\n"]


def test_a_refused_change_changes_nothing(world: World) -> None:
    world.write("auth/approle/role/web", {"token_ttl": 5, "secret_id_num_uses": -1})
    role = world.ask("read", "auth/approle/role/web").data
    assert role is not None
    assert (role["token_ttl"], role["secret_id_num_uses"]) == (0, 0)


def test_a_role_without_any_constraint_is_refused(world: World) -> None:
    answer = world.write("auth/approle/role/web", {"bind_secret_id": False})
    assert answer.errors == ["1 error occurred:\n\t* at least one constraint should be enabled on the role\n\n"]


@pytest.mark.parametrize(
    ("flavor", "text"),
    [("openbao", "missing role_id"), ("vault", "failed to determine alias name from login request")],
)
def test_a_login_without_role_id_fails_as_the_product_does(flavor: str, text: str) -> None:
    world = World(flavor)
    world.core.mount("", "auth/approle/", "approle")
    answer = world.write("auth/approle/login", {}, token="")
    assert (answer.status, answer.errors) == (500, [text])


@pytest.mark.parametrize(
    ("text", "metadata"),
    [
        ("", {}),
        ('{"A": "B"}', {"A": "B"}),
        ("A=B, c = d", {"a": "b", "c": "d"}),
        ("eyJBIjogIkIifQ==", {"A": "B"}),
    ],
)
def test_metadata_comes_in_many_forms(text: str, metadata: dict[str, str]) -> None:
    assert parse_metadata(text) == metadata


@pytest.mark.parametrize("text", ["not json", "a=b=c", "=x", '{"a": ""}', '{"a": 1}', "[" * 100_000])
def test_bad_metadata_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid"):
        parse_metadata(text)


def test_an_accessor_outlives_its_role_until_the_minutely_tidying(world: World) -> None:
    made = world.write("auth/approle/role/web/secret-id", {}).data
    assert made is not None
    accessor = {"secret_id_accessor": made["secret_id_accessor"]}
    world.ask("delete", "auth/approle/role/web")
    world.write("auth/approle/role/web", {"role_id": "web-id"})
    lookup, destroy = (f"auth/approle/role/web/secret-id-accessor/{what}" for what in ("lookup", "destroy"))
    assert world.write(lookup, accessor).status == 204
    refused = world.write(destroy, accessor)
    assert (refused.status, refused.errors) == (403, ["invalid secret id accessor"])
    world.later(60)
    assert world.write(lookup, accessor).status == 404
