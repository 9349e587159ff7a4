"""A world's ``rustfs:`` section, to state and back."""

from __future__ import annotations

import base64
import datetime
from dataclasses import replace
from typing import Any

import pytest

from mockkms.rustfs import RustfsAdmin
from mockkms.vault.framework.world_section import SpecFault
from tests.rustfs.driver import call, configured, fresh

WORLD: dict[str, Any] = {
    "configured": True,
    "kms_type": "vault",
    "vault_address": "https://vault.example.com:8200",
    "vault_token": "t",
    "api": "guide",
    "vault": "any",
    "keys": {
        "my-encryption-key": {"status": "Enabled", "created": "2024-01-15T10:30:00Z", "key_id": "rustfs-key-1"},
        "backup-key": {"status": "Disabled", "created": datetime.datetime(2024, 1, 14, 15, 20, tzinfo=datetime.UTC)},
        "bare": None,
    },
}


def test_the_guides_list_comes_from_a_seed() -> None:
    admin = fresh()
    admin.seed(WORLD)
    first, second, third = call(admin, "GET", "/key/list")[1]["keys"]
    assert first == {
        "keyId": "rustfs-key-1",
        "keyName": "my-encryption-key",
        "status": "Enabled",
        "createdAt": "2024-01-15T10:30:00Z",
        "algorithm": "AES-256",
    }
    assert (second["status"], second["createdAt"]) == ("Disabled", "2024-01-14T15:20:00Z")
    assert third["createdAt"] == "2026-01-01T00:00:00Z"


def test_the_shortest_seed_is_a_configured_service() -> None:
    admin = fresh()
    admin.seed({"configured": True})
    assert call(admin, "GET", "/status")[1] == {"status": "Active", "backend": "vault", "healthy": True}
    admin.seed({})
    assert call(admin, "GET", "/status")[0].status == 503


def again(admin: RustfsAdmin) -> RustfsAdmin:
    """Another admin API, made from what the first one dumps."""
    other = fresh()
    other.seed(admin.dump())
    return other


@pytest.mark.parametrize("api", ["guide", "handler", "auto", "current"])
def test_what_is_dumped_loads_to_the_same_state(api: str) -> None:
    admin = fresh()
    admin.seed({**WORLD, "api": api, "users": {"me": "secret"}, "environment": {"immediate_deletion": True}})
    assert again(admin).state == admin.state


def test_a_static_key_is_dumped_and_loaded() -> None:
    admin = fresh(api="current")
    secret = base64.b64encode(bytes(range(32))).decode()
    admin.seed({"api": "current", "static": {"key_id": "k", "secret_key": secret, "default_key_id": "d"}})
    assert admin.state.keys["k"].material == [bytes(range(32))]
    assert again(admin).state == admin.state
    assert admin.state.contract == "v2"
    admin.seed({"configured": False, "static": {"key_id": "k", "secret_key": secret}})
    assert not admin.state.running


def test_a_current_service_is_dumped_whole() -> None:
    admin = fresh(api="current")
    body = {
        "backend_type": "Local",
        "key_dir": "/var/keys",
        "master_key": "m",
        "default_key_id": "k",
        "timeout_seconds": 5,
    }
    assert call(admin, "POST", "/configure", json=body)[1]["success"]
    call(admin, "POST", "/start")
    call(admin, "POST", "/keys", json={"tags": {"name": "k", "a": "b"}, "description": "d"})
    call(admin, "DELETE", "/keys/delete", "keyId=k")
    other = again(admin)
    assert replace(admin.state, cache=other.state.cache) == other.state
    assert call(other, "GET", "/keys/k")[1] == call(admin, "GET", "/keys/k")[1]


@pytest.mark.parametrize(
    ("seed", "where"),
    [
        ({"api": "v9"}, "api"),
        ({"confgured": True}, "confgured"),
        ({"configured": True, "kms_type": "aws"}, "kms_type"),
        ({"configured": True, "vault_timeout_seconds": 0}, "vault_timeout_seconds"),
        ({"keys": {"k": {"status": "On"}}}, "keys.k.status"),
        ({"keys": {"k": {"colour": 1}}}, "keys.k.colour"),
        ({"keys": {"k": {"created": "soon"}}}, "keys.k.created"),
        ({"keys": {"k": {"material": ["AAAA"]}}}, "keys.k.material[0]"),
        ({"keys": {"k": 5}}, "keys.k"),
        ({"keys": ["k"]}, "keys"),
        ({"settings": {"backend": "Paper"}}, "settings.backend"),
        ({"settings": {"bakend": "Local"}}, "settings.bakend"),
        ({"environment": {"home": "/"}}, "environment.home"),
        ({"iam": {"users": {"u": {}}}}, "iam.users.u"),
    ],
)
def test_a_bad_seed_names_the_place_and_changes_nothing(seed: dict[str, Any], where: str) -> None:
    admin = configured()
    before = admin.dump()
    with pytest.raises(SpecFault) as caught:
        admin.seed(seed)
    assert caught.value.path == where
    assert admin.dump() == before
