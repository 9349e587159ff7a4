"""Identity providers that JWT mounts know: what their settings must be, and where they have groups."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mockkms.crypto import jws
from mockkms.vault.framework.message import Response
from tests.vault.driving import START, World

KEY = ec.derive_private_key(7, ec.SECP256R1())
PEM = (
    KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
)
GRAPH = 'failed to fetch groups: "groups" claim not found in token: '
SOURCES: dict[str, Any] = {"_claim_names": {"groups": "s"}, "_claim_sources": {"s": {"endpoint": "https://graph.test"}}}


def configured(flavor: str, provider: dict[str, Any]) -> World:
    world = World(flavor)
    world.core.mount("", "auth/j/", "jwt")
    answer = world.write("auth/j/config", {"jwt_validation_pubkeys": PEM, "provider_config": provider})
    assert answer.errors is None
    world.write(
        "auth/j/role/r", {"role_type": "jwt", "user_claim": "sub", "groups_claim": "groups", "bound_subject": "a"}
    )
    return world


def login(world: World, claims: dict[str, Any], **more: str) -> Response:
    whole = {"sub": "a", "exp": int(START) + 60, **claims}
    token = jws.sign(json.dumps(whole), KEY, "ES256", "k")
    return world.write("auth/j/login", {"role": "r", "jwt": token, **more}, token="")


@pytest.mark.parametrize(
    ("flavor", "provider", "text"),
    [
        ("openbao", {"other": "x"}, "'provider' field not found in provider_config"),
        ("vault", {"provider": "odd"}, 'provider "odd" not found in custom providers'),
        ("vault", {"provider": "kubernetes"}, 'provider "kubernetes" not found in custom providers'),
        (
            "vault",
            {"provider": "gsuite", "groups_recurse_max_depth": -1},
            "error initializing \"gsuite\" provider_config: 'gsuite_recurse_max_depth' must be a positive integer",
        ),
        (
            "openbao",
            {"provider": "gsuite", "gsuite_service_account": "x"},
            'error initializing "gsuite" provider_config: error parsing service account JSON: '
            "invalid character 'x' looking for beginning of value",
        ),
    ],
)
def test_settings_are_checked(flavor: str, provider: dict[str, Any], text: str) -> None:
    world = World(flavor)
    world.core.mount("", "auth/j/", "jwt")
    answer = world.write("auth/j/config", {"jwt_validation_pubkeys": PEM, "provider_config": provider})
    assert answer.errors == [f"invalid provider_config: {text}"]


def test_a_service_account_is_not_shown() -> None:
    world = configured("vault", {"provider": "gsuite", "gsuite_service_account": "{}", "fetch_groups": True})
    shown = world.ask("read", "auth/j/config").data
    assert shown is not None
    assert shown["provider_config"] == {"provider": "gsuite", "fetch_groups": True}


@pytest.mark.parametrize("flavor", ["vault", "openbao"])
@pytest.mark.parametrize(("provider", "groups"), [("secureauth", "a,b"), ("ibmisam", "a b")])
def test_groups_in_one_text_are_taken_apart(flavor: str, provider: str, groups: str) -> None:
    world = configured(flavor, {"provider": provider})
    world.write("auth/j/role/r", {"role_type": "jwt", "bound_claims": {"groups": ["b"]}})
    assert login(world, {"groups": groups}).auth is not None
    assert login(world, {"groups": groups.replace("b", "c")}).auth is None


@pytest.mark.parametrize(
    ("flavor", "claims", "text"),
    [
        (
            "vault",
            {},
            "failed to fetch groups: unable to get claim sources: unable to locate groups claim "
            '"groups" in _claim_names',
        ),
        (
            "vault",
            {"_claim_names": {"groups": "s"}},
            "failed to fetch groups: unable to get claim sources: "
            "unable to locate /_claim_sources/s/endpoint in claims",
        ),
        ("vault", SOURCES, f"{GRAPH}access token is empty. Cannot call Microsoft Graph API"),
        ("openbao", SOURCES, f"{GRAPH}token unavailable to call Microsoft Graph API"),
    ],
)
def test_groups_that_azure_has_elsewhere(flavor: str, claims: dict[str, Any], text: str) -> None:
    assert login(configured(flavor, {"provider": "azure"}), claims).errors == [text]


@pytest.mark.parametrize(("flavor", "warned"), [("vault", False), ("vault-1.21", False), ("openbao", True)])
def test_vault_knows_an_access_token_for_groups(flavor: str, warned: bool) -> None:
    answer = login(configured(flavor, {}), {"groups": ["a"]}, distributed_claim_access_token="t")
    assert bool(answer.warnings) is warned
