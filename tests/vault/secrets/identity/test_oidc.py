"""Identity tokens: real signatures, rotation, introspection."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockkms.crypto import jws
from tests.vault.driving import START, World

TEMPLATE = '{"groups": {{identity.entity.groups.names}}, "me": {{identity.entity.name}}}'


def prepare(world: World) -> None:
    world.core.mount("", "auth/up/", "userpass")
    world.write("auth/up/users/ann", {"password": "pw", "token_policies": "root-like"})
    world.write("sys/policies/acl/root-like", {"policy": 'path "identity/*" { capabilities = ["read", "update"] }'})
    world.write("identity/oidc/key/k", {"algorithm": "EdDSA", "allowed_client_ids": "*", "verification_ttl": 3600})
    world.write("identity/oidc/role/r", {"key": "k", "template": TEMPLATE, "ttl": 600, "client_id": "app"})


pytestmark = pytest.mark.prepared(by=prepare)


def signed(world: World) -> tuple[str, str]:
    auth = world.write("auth/up/login/ann", {"password": "pw"}, token="").auth
    assert auth is not None
    data = world.ask("read", "identity/oidc/token/r", token=auth.client_token).data
    assert data is not None
    return data["token"], auth.entity_id


def introspected(world: World, token: str, **more: str) -> dict[str, Any]:
    raw = world.write("identity/oidc/introspect", {"token": token, **more}).raw
    assert raw is not None
    document: dict[str, Any] = json.loads(raw)
    return document


def test_tokens_name_the_entity_and_verify_with_the_published_key(world: World) -> None:
    token, id = signed(world)
    parsed = jws.parse(token)
    claims = parsed.claims()
    assert (claims["sub"], claims["aud"], claims["exp"]) == (id, "app", int(START) + 600)
    assert claims["groups"] is None  # As of a real OpenBao: an entity without groups has no list.
    keys = world.ask("read", "identity/oidc/.well-known/keys", token="").raw
    assert keys is not None
    assert parsed.header["kid"] in [key["kid"] for key in json.loads(keys)["keys"]]


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "ES512", "RS256", "EdDSA"])
def test_every_algorithm_signs(world: World, algorithm: str) -> None:
    world.write("identity/oidc/key/k", {"algorithm": algorithm})
    token, _ = signed(world)
    parsed = jws.parse(token)
    ring = world.core.state.identity.oidc[""].keys["k"].ring
    (key,) = (one.load().public_key() for one in ring if one.id == parsed.header["kid"])
    assert jws.verified(parsed, key)
    assert not jws.verified(jws.parse(token[:-6] + "AAAAAA"), key)


def test_old_signatures_stay_valid_for_a_while(world: World) -> None:
    token, _ = signed(world)
    world.write("identity/oidc/key/k/rotate", {"verification_ttl": 60})
    assert introspected(world, token) == {"active": True}
    world.later(61)
    assert introspected(world, token) == {"active": False, "error": "unable to validate the token signature"}


def test_introspection_checks_the_claims(world: World) -> None:
    token, id = signed(world)
    assert introspected(world, token, client_id="x")["error"].endswith("invalid audience claim (aud)")
    world.later(661)
    assert introspected(world, token)["error"].endswith("token is expired (exp)")
    token, _ = signed(world)
    world.ask("delete", f"identity/entity/id/{id}")
    assert introspected(world, token)["error"] == "entity was not found"


@pytest.mark.parametrize(
    ("role", "error"),
    [
        ({"key": "none"}, 'cannot find key "none"'),
        ({}, "the key parameter is required"),
        ({"key": "k", "ttl": 7200}, "a role's token ttl cannot be longer than"),
        ({"key": "k", "ttl": 1, "template": '{"sub": 1}'}, 'top level key "sub" not allowed.'),
        ({"key": "k", "ttl": 1, "template": "{bad"}, "error parsing template JSON: invalid character 'b' looking for"),
        ({"key": "k", "ttl": 1, "template": "{{identity.entity.x}}"}, "error parsing template: no value could be"),
    ],
)
def test_refused_roles(world: World, role: dict[str, Any], error: str) -> None:
    assert (world.write("identity/oidc/role/new", role).errors or [""])[0].startswith(error)


def test_a_key_in_use_cannot_be_deleted(world: World) -> None:
    assert world.ask("delete", "identity/oidc/key/k").status == 400
    world.ask("delete", "identity/oidc/role/r")
    assert world.ask("delete", "identity/oidc/key/k").status == 204


def test_after_a_merge_an_older_token_cannot_get_an_identity_token(world: World) -> None:
    auth = world.write("auth/up/login/ann", {"password": "pw"}, token="").auth
    assert auth is not None
    other = (world.write("identity/entity", {"name": "other"}).data or {})["id"]
    merge = {"to_entity_id": other, "from_entity_ids": [auth.entity_id]}
    assert world.write("identity/entity/merge", merge).status == 204
    refused = world.ask("read", "identity/oidc/token/r", token=auth.client_token)
    text = f'error loading entity ID "{auth.entity_id}"'
    assert (refused.status, refused.errors) == (500, [f"1 error occurred:\n\t* {text}\n\n"])
