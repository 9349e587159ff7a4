"""Settings of mounts that only some products have, and what they do."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vault.driving import World

_SETTINGS: dict[str, Any] = {
    "allowed_managed_keys": ["a"],
    "delegated_auth_accessors": ["auth_approle_1"],
    "identity_token_key": "default",
    "trim_request_trailing_slashes": True,
}


pytestmark = pytest.mark.flavors("vault", "vault-1.21")


def test_a_mount_has_them_from_the_start_or_is_tuned(world: World) -> None:
    assert world.write("sys/mounts/one", {"type": "kv", "config": _SETTINGS}).errors is None
    assert world.write("sys/mounts/two", {"type": "kv"}).errors is None
    assert world.write("sys/mounts/two/tune", _SETTINGS).warnings == []
    for path in ("one", "two"):
        tuned = world.ask("read", f"sys/mounts/{path}/tune").data or {}
        assert _SETTINGS.items() <= tuned.items()
        assert _SETTINGS.items() <= (world.ask("read", f"sys/mounts/{path}").data or {})["config"].items()


def test_what_is_not_set_is_not_shown(world: World) -> None:
    assert not _SETTINGS.keys() & (world.ask("read", "sys/mounts/secret/tune").data or {}).keys()


def test_a_signing_key_must_be_there(world: World) -> None:
    wanted = {"identity_token_key": "none"}
    text = ['key "none" does not exist']
    assert world.write("sys/mounts/secret/tune", wanted).errors == text
    assert world.write("sys/mounts/kv", {"type": "kv", "config": wanted}).errors == text
    assert world.write("sys/auth/up", {"type": "userpass", "config": wanted}).errors == text
    assert world.write("identity/oidc/key/none", {}).errors is None
    assert world.write("sys/auth/up", {"type": "userpass", "config": wanted}).errors is None


def test_an_auth_method_has_no_keys_and_accessors_to_tune(world: World) -> None:
    world.write("sys/auth/up", {"type": "userpass"})
    told = world.write("sys/auth/up/tune", {"allowed_managed_keys": ["a"], "trim_request_trailing_slashes": True})
    assert told.errors is None
    assert "allowed_managed_keys" not in (world.ask("read", "sys/auth/up/tune").data or {})


def test_trailing_slashes_are_trimmed_where_asked_for(world: World) -> None:
    world.write("sys/mounts/kv", {"type": "kv"})
    assert world.write("kv/a/", {"v": 1}).errors == ["cannot write to a path ending in '/'"]
    world.write("sys/mounts/kv/tune", {"trim_request_trailing_slashes": True})
    assert world.write("kv/a/", {"v": 1}).errors is None
    assert world.ask("read", "kv/a").data == {"v": 1}


def test_the_other_product_ignores_them() -> None:
    world = World("openbao")
    assert world.write("sys/mounts/kv", {"type": "kv", "config": _SETTINGS}).errors is None
    assert not _SETTINGS.keys() & (world.ask("read", "sys/mounts/kv/tune").data or {}).keys()


@pytest.mark.parametrize("flavor", ["openbao", "vault"])
def test_a_default_lease_is_not_cut_to_the_largest_one(flavor: str) -> None:
    world = World(flavor)
    world.write("sys/mounts/kv", {"type": "kv", "config": {"max_lease_ttl": "10m"}})
    tuned = world.ask("read", "sys/mounts/kv/tune").data or {}
    assert (tuned["default_lease_ttl"], tuned["max_lease_ttl"]) == (2764800, 600)
    world.write("kv/a", {"v": 1})
    lease = world.ask("read", "kv/a").lease
    assert lease is not None
    assert lease.ttl == 2764800


@pytest.mark.parametrize("flavor", ["openbao", "vault"])
def test_names_outside_the_catalog_have_no_deprecation_status(flavor: str) -> None:
    world = World(flavor)
    world.write("sys/mounts/old", {"type": "generic"})
    world.write("sys/mounts/new", {"type": "kv"})
    shown = world.ask("read", "sys/mounts").data or {}
    assert "deprecation_status" not in shown["old/"]
    assert shown["new/"]["deprecation_status"] == "supported"
