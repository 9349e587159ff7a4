"""Kubernetes logins, with the service accounts that the world says its cluster knows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from mockkms.crypto import jws
from mockkms.vault.message import Response
from tests.vault.driving import World

KEY = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))
ACCOUNT = {"kubernetes.io": {"namespace": "prod", "serviceaccount": {"name": "app", "uid": "u-1"}}}


@pytest.fixture
def world() -> World:
    made = World()
    mount = made.core.mount("", "auth/k/", "kubernetes")
    mount.state.reviewed.append({"name": "app", "namespace": "prod", "uid": "u-1"})
    made.write("auth/k/config", {"kubernetes_host": "https://k.test", "kubernetes_ca_cert": "x"})
    bounds = {"bound_service_account_names": "a*", "bound_service_account_namespaces": "prod"}
    made.write("auth/k/role/R", {**bounds, "token_policies": "p"})
    return made


def login(world: World, claims: dict[str, Any], **more: str) -> Response:
    token = jws.sign(json.dumps(claims), KEY, "EdDSA", "k")
    return world.write("auth/k/login", {"role": "r", "jwt": token, **more}, token="")


def test_a_reviewed_account_logs_in(world: World) -> None:
    auth = login(world, ACCOUNT).auth
    assert auth is not None
    assert auth.policies == ["default", "p"]
    assert (auth.metadata or {})["service_account_name"] == "app"
    assert world.self_of(auth.client_token)["display_name"] == "k-prod-app"


@pytest.mark.parametrize(
    ("part", "status", "error"),
    [
        ({"name": "bad", "uid": "u-1"}, 403, "service account name not authorized"),
        ({"name": "app", "uid": ""}, 500, "could not parse UID from claims"),
        ({"name": "app", "uid": "u-2"}, 403, "permission denied"),
    ],
)
def test_other_accounts_do_not(world: World, part: dict[str, str], status: int, error: str) -> None:
    claims = {"kubernetes.io": {"namespace": "prod", "serviceaccount": part}}
    answer = login(world, claims)
    assert (answer.status, answer.errors) == (status, [error])


def test_roles_are_checked(world: World) -> None:
    answer = world.write(
        "auth/k/role/x", {"bound_service_account_names": "*,a", "bound_service_account_namespaces": "n"}
    )
    assert answer.errors == ['can not mix "*" with values']
    listed = world.ask("list", "auth/k/role/").data
    assert listed == {"keys": ["r"]}
