"""The token auth method: what may be requested, by whom, with which role."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vault.driving import World

MAKER = 'path "auth/token/create*" { capabilities = ["update"] }'


def prepare(world: World) -> None:
    world.write("sys/policies/acl/maker", {"policy": MAKER})


pytestmark = pytest.mark.prepared(by=prepare)


def refusal(world: World, path: str, data: dict[str, Any], token: str) -> str:
    response = world.write(path, data, token=token)
    assert response.errors is not None
    return response.errors[0]


@pytest.mark.parametrize(
    ("requested", "text"),
    [
        ({"no_parent": True}, "root or sudo privileges required to create orphan token"),
        ({"period": "1h"}, "root or sudo privileges required to create periodic token"),
        ({"id": "mine"}, "root or sudo privileges required to specify token id"),
        ({"policies": ["other"]}, "child policies must be subset of parent"),
        ({"policies": ["root"]}, "child policies must be subset of parent"),
        ({"policies": ["maker", "response-wrapping"]}, "child policies must be subset of parent"),
        ({"type": "odd"}, "invalid 'token_type' value"),
        ({"type": "batch", "num_uses": 2}, 'batch tokens cannot have "num_uses" set'),
        ({"type": "batch", "period": "1h"}, 'batch tokens cannot have "period" set'),
        ({"num_uses": -1}, "number of uses cannot be negative"),
        ({"ttl": "-5"}, "ttl must be positive"),
        ({"lease": "-5"}, "lease must be positive"),
        ({"explicit_max_ttl": "-5"}, "explicit_max_ttl must be positive"),
        ({"ttl": "x"}, 'time: invalid duration "x"'),
        ({"entity_alias": "a"}, "'entity_alias' is only allowed in combination with token role"),
    ],
)
def test_a_plain_token_is_refused(world: World, requested: dict[str, Any], text: str) -> None:
    token = world.token(policies=["maker"])
    assert refusal(world, "auth/token/create", requested, token) == text


@pytest.mark.parametrize("name", ["explicit_max_ttl", "period"])
@pytest.mark.flavors("openbao", "vault", "vault-1.21")
def test_the_name_of_an_odd_lifetime_is_quoted(world: World, name: str) -> None:
    """Source: vault/token_store.go of both; only OpenBao uses single quotes."""
    quoted = f"'{name}'" if world.core.product.name == "openbao" else f'"{name}"'
    refused = refusal(world, "auth/token/create", {"type": "batch", name: "x"}, "root")
    assert refused == f"{quoted} value could not be parsed"


@pytest.mark.parametrize(
    ("requested", "text"),
    [
        ({"id": "s.mine"}, "custom token ID cannot have the 's.' prefix"),
        ({"id": "hvs.mine"}, "custom token ID cannot have the 'hvs.' prefix"),
        ({"id": "my.own"}, "custom token ID cannot have a '.' in the value"),
        ({"id": "root"}, "cannot create a token with a duplicate ID"),
        ({"policies": ["root"], "type": "batch"}, "batch tokens cannot be root tokens"),
        ({"policies": ["response-wrapping"]}, 'cannot assign policy "response-wrapping"'),
    ],
)
def test_even_root_is_refused(world: World, requested: dict[str, Any], text: str) -> None:
    assert refusal(world, "auth/token/create", requested, "root") == text


def test_children_inherit_policies_but_not_meta(world: World) -> None:
    parent = world.token(policies=["maker"], meta={"team": "blue"})
    child = world.self_of(world.token(by=parent))
    assert (child["policies"], child["meta"], child["orphan"]) == (["default", "maker"], None, False)


@pytest.mark.parametrize(("meta", "shown"), [(None, None), ({}, {}), ([], {}), ({"a": None}, {"a": ""})])
def test_no_meta_and_empty_meta_are_not_the_same(world: World, meta: Any, shown: Any) -> None:
    assert world.self_of(world.token(policies=["default"], meta=meta))["meta"] == shown


def test_a_period_renews_for_ever_and_an_explicit_maximum_ends_it(world: World) -> None:
    endless = world.token(policies=["default"], period="1h")
    ended = world.token(policies=["default"], period="1h", explicit_max_ttl="3h")
    for _ in range(4):
        world.later(3000)
        assert world.write("auth/token/renew-self", token=endless).errors is None
        world.write("auth/token/renew-self", token=ended)
    assert world.alive(endless)
    assert not world.alive(ended)


def test_a_renewal_uses_the_current_role(world: World) -> None:
    world.write("auth/token/roles/r", {"allowed_policies": "default", "token_period": "10m"})
    token = world.token(path="auth/token/create/r")
    world.write("auth/token/roles/r", {"token_period": "20m"})
    auth = world.write("auth/token/renew-self", token=token).auth
    assert auth is not None
    assert auth.lease_duration == 1200
    world.ask("delete", "auth/token/roles/r")
    assert world.write("auth/token/renew-self", token=token).errors == [
        '1 error occurred:\n\t* failed to renew entry: original token role "r" could not be found, not renewing\n\n'
    ]


@pytest.mark.parametrize(
    ("role", "requested", "policies"),
    [
        ({"allowed_policies": "a,b"}, {}, ["a", "b", "default"]),
        ({"allowed_policies": "a,b"}, {"policies": ["b"]}, ["b", "default"]),
        ({"allowed_policies_glob": "a-*"}, {"policies": ["a-1"]}, ["a-1", "default"]),
        ({"allowed_policies_glob": "a-*", "token_no_default_policy": True}, {"policies": ["a-1"]}, ["a-1"]),
        ({"allowed_policies_glob": "a-*"}, {"policies": ["b-1"]}, None),
        ({"disallowed_policies": "x"}, {"policies": ["y"]}, ["default", "y"]),
        ({"disallowed_policies": "default"}, {"policies": ["y"]}, ["y"]),
        ({"allowed_policies": "a"}, {"no_default_policy": True}, ["a"]),
    ],
)
def test_a_roles_policies(
    world: World, role: dict[str, Any], requested: dict[str, Any], policies: list[str] | None
) -> None:
    world.write("auth/token/roles/r", role)
    response = world.write("auth/token/create/r", requested)
    assert (response.auth.policies if response.auth else None) == policies


@pytest.mark.parametrize("bad", ["y", "x-1"])
def test_a_role_forbids_by_name_and_by_glob(world: World, bad: str) -> None:
    world.write("auth/token/roles/r", {"disallowed_policies": "y", "disallowed_policies_glob": "x-*"})
    text = refusal(world, "auth/token/create/r", {"policies": [bad]}, "root")
    assert text == f'token policy "{bad}" is disallowed by this role'


def test_a_refused_write_leaves_the_role_as_it_was(world: World) -> None:
    world.write("auth/token/roles/r", {"token_num_uses": 3})
    world.write("auth/token/roles/r", {"orphan": True, "token_num_uses": -1})
    role = world.ask("read", "auth/token/roles/r").data
    assert role is not None
    assert (role["token_num_uses"], role["orphan"]) == (3, False)


@pytest.mark.parametrize(
    ("role", "later", "text"),
    [
        ({"token_type": "default-batch"}, {"token_period": "1h"}, "periodic tokens"),
        ({"token_type": "default-batch"}, {"token_num_uses": 2}, "tokens with limited use count"),
        ({"token_type": "batch", "orphan": True, "renewable": False}, {"token_period": "1h"}, "periodic tokens"),
    ],
)
def test_the_stored_type_of_a_role_limits_a_later_write(
    world: World, role: dict[str, Any], later: dict[str, Any], text: str
) -> None:
    assert world.write("auth/token/roles/r", role).errors is None
    assert refusal(world, "auth/token/roles/r", later, "root") == (
        f"error parsing role fields: 'token_type' cannot be 'batch' or 'default_batch' when set to generate {text}"
    )
    # With a type that is sent the stored one is not looked at.
    assert world.write("auth/token/roles/r", {**later, "token_type": "default-batch"}).errors is None


def test_a_roles_fields_are_read_before_its_type(world: World) -> None:
    both = {"token_type": "odd", "token_num_uses": -1}
    assert refusal(world, "auth/token/roles/r", both, "root") == (
        "error parsing role fields: 'token_num_uses' cannot be negative"
    )
    assert refusal(world, "auth/token/roles/r", {"token_type": 'o"d'}, "root") == (
        'invalid \'token_type\' value "o\\"d"'
    )
    assert refusal(world, "auth/token/roles/r", {**both, "token_type": None}, "root") == (
        "Invalid 'token_type' value: null"
    )


def test_the_alias_of_a_disabled_entity_makes_no_token(world: World) -> None:
    world.write("auth/token/roles/r", {"allowed_entity_aliases": "web"})
    made = world.write("auth/token/create/r", {"entity_alias": "web"})
    assert made.auth is not None
    world.write(f"identity/entity/id/{made.auth.entity_id}", {"disabled": True})
    answer = world.write("auth/token/create/r", {"entity_alias": "web"})
    assert (answer.status, answer.errors) == (403, ["entity from given entity alias is disabled"])


def test_tokens_other_than_text_are_refused_first(world: World) -> None:
    answer = world.write("auth/token/lookup", {"token": 5}, token="bogus")
    assert (answer.status, answer.errors) == (403, ["invalid token"])


def test_accessors_reveal_no_token(world: World) -> None:
    token = world.token(policies=["default"])
    accessor = world.self_of(token)["accessor"]
    found = world.write("auth/token/lookup-accessor", {"accessor": accessor}).data
    assert found is not None
    assert found["id"] == ""
    renewed = world.write("auth/token/renew-accessor", {"accessor": accessor}).auth
    assert renewed is not None
    assert renewed.client_token == ""
    assert world.write("auth/token/revoke-accessor", {"accessor": accessor}).status == 204
    assert not world.alive(token)


ILLEGAL = "illegal base64 data at input byte "


@pytest.mark.parametrize("flavor", ["vault", "vault-1.21", "openbao"])
@pytest.mark.parametrize(
    ("token", "byte"), [("hvb.bogus", 4), ("b.bogus", 4), ("hvb.ab+d", 2), ("b.ab.cd.ns", 2), ("b.abcde.", 5)]
)
def test_a_malformed_batch_token_fails_the_token_check(flavor: str, token: str, byte: int) -> None:
    world = World(flavor)
    for path in ("auth/token/lookup-self", "sys/internal/ui/mounts", "nowhere/x"):
        answer = world.ask("read", path, token=token)
        assert (answer.status, answer.errors) == (500, [f"error performing token check: {ILLEGAL}{byte}"])


@pytest.mark.parametrize("token", ["b.", "b.abcd", "hvb.ab", "b.a\nb", "s.bogus"])
def test_a_readable_token_of_another_server_is_only_denied(world: World, token: str) -> None:
    assert world.ask("read", "auth/token/lookup-self", token=token).status == 403


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("auth/token/lookup", 400, f"{ILLEGAL}4"),
        ("auth/token/renew", 500, f"1 error occurred:\n\t* error looking up token to renew: {ILLEGAL}4\n\n"),
        ("auth/token/revoke", 500, f"1 error occurred:\n\t* {ILLEGAL}4\n\n"),
        (
            "auth/token/revoke-orphan",
            500,
            f"1 error occurred:\n\t* error when looking up token to revoke: {ILLEGAL}4\n\n",
        ),
        ("sys/capabilities", 500, f"1 error occurred:\n\t* {ILLEGAL}4\n\n"),
        ("sys/wrapping/unwrap", 403, f"error validating wrapping token: {ILLEGAL}4"),
    ],
)
def test_a_malformed_batch_token_as_a_parameter(world: World, path: str, status: int, text: str) -> None:
    answer = world.write(path, {"token": "b.bogus", **({"path": "x"} if path.endswith("capabilities") else {})})
    assert (answer.status, answer.errors) == (status, [text])
