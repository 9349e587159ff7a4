"""Mounts and auth methods: made, shown, tuned, moved, removed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vault.driving import World


def error(world: World, path: str, data: dict[str, Any], operation: str = "update") -> str:
    response = world.ask(operation, path, data)
    assert response.errors is not None
    assert response.status == 400
    return response.errors[0]


def test_a_mount_shows_what_it_was_made_with(world: World) -> None:
    config = {"default_lease_ttl": "1h", "max_lease_ttl": 7200, "audit_non_hmac_request_keys": "a, b"}
    body = {"type": "kv-v2", "description": "d", "config": config, "local": True}
    assert world.write("sys/mounts/team/kv", body).errors is None
    shown = world.ask("read", "sys/mounts/team/kv").data or {}
    assert shown["type"] == "kv"
    assert shown["options"] == {"version": "2"}
    assert shown["local"] is True
    assert shown["config"] == {
        "default_lease_ttl": 3600,
        "max_lease_ttl": 7200,
        "force_no_cache": False,
        "audit_non_hmac_request_keys": ["a", "b"],
    }
    assert shown["accessor"].startswith("kv_")


@pytest.mark.parametrize(
    ("path", "body", "text"),
    [
        ("sys/mounts/x", {"type": "nothing"}, "plugin not found in the catalog: nothing"),
        ("sys/mounts/x", {"type": "approle"}, "plugin not found in the catalog: approle"),
        ("sys/mounts/secret/below", {"type": "kv"}, "path is already in use at secret/"),
        ("sys/mounts/sys", {"type": "kv"}, 'cannot mount "sys/"'),
        ("sys/mounts/x", {"type": "cubbyhole"}, 'mount type of "cubbyhole" is not mountable'),
        ("sys/mounts/x", {"type": "kv", "config": {"force_no_cache": "yes"}}, "unable to convert given mount config"),
        ("sys/mounts/x", {"type": "kv", "config": {"allowed_response_headers": 5}}, "unable to convert given mount"),
        ("sys/mounts/x", {"type": "kv", "config": {"default_lease_ttl": "769h"}}, "system max lease TTL of 2764800"),
        ("sys/mounts/x", {"type": "kv", "config": {"plugin_version": "x"}}, 'version "x" is not a valid semantic'),
        ("sys/auth/x", {"type": "approle", "options": {"version": "2"}}, "does not allow setting a version"),
        ("sys/auth/token/below", {"type": "approle"}, "path is already in use at token/"),
    ],
)
def test_what_cannot_be_mounted(world: World, path: str, body: dict[str, Any], text: str) -> None:
    before = sorted(world.core.state.mounts.entries)
    assert text in error(world, path, body)
    assert sorted(world.core.state.mounts.entries) == before


def test_a_refused_change_leaves_nothing_behind(world: World) -> None:
    before = world.ask("read", "sys/mounts/secret/tune").data
    body = {"description": "new", "default_lease_ttl": "1h", "listing_visibility": "odd"}
    assert error(world, "sys/mounts/secret/tune", body) == "invalid listing_visibility odd"
    assert world.ask("read", "sys/mounts/secret/tune").data == before


def test_options_merge_and_an_empty_value_removes(world: World) -> None:
    world.write("sys/mounts/secret/tune", {"options": {"a": "1", "b": "2"}})
    world.write("sys/mounts/secret/tune", {"options": {"a": ""}})
    assert (world.ask("read", "sys/mounts/secret/tune").data or {})["options"] == {"b": "2", "version": "2"}
    assert error(world, "sys/mounts/secret/tune", {"options": {"version": "1"}}) == (
        "cannot downgrade mount from version 2"
    )


@pytest.mark.parametrize("threshold", ["-1", "1.5", "99999999999999999999"])
def test_a_lockout_threshold_is_a_number(world: World, threshold: str) -> None:
    world.write("sys/auth/up", {"type": "userpass"})
    body = {"user_lockout_config": {"lockout_threshold": threshold}}
    refused = error(world, "sys/auth/up/tune", body)
    assert refused.startswith("unable to parse user lockout threshold: strconv.ParseUint")


def test_a_moved_mount_takes_its_data_along(world: World) -> None:
    world.write("sys/mounts/old", {"type": "kv"})
    world.write("old/x", {"v": "1"})
    moved = world.write("sys/remount", {"from": "old", "to": "new/place"}).data or {}
    assert (world.ask("read", "new/place/x").data or {}) == {"v": "1"}
    assert world.ask("read", "old/x").status == 404
    status = world.ask("read", f"sys/remount/status/{moved['migration_id']}").data or {}
    assert status["migration_info"] == {
        "source_mount": "old/", "target_mount": "new/place/", "status": "success",
    }  # fmt: skip


def test_disabling_an_auth_method_ends_its_tokens(world: World) -> None:
    world.write("sys/auth/up", {"type": "userpass"})
    world.write("auth/up/users/ann", {"password": "x"})
    login = world.write("auth/up/login/ann", {"password": "x"}, token="")
    assert login.auth is not None
    assert world.alive(login.auth.client_token)
    world.ask("delete", "sys/auth/up")
    assert not world.alive(login.auth.client_token)


def test_the_interface_shows_without_a_token_only_what_is_open(world: World) -> None:
    world.write("sys/mounts/open", {"type": "kv", "config": {"listing_visibility": "unauth"}})
    shown = world.ask("read", "sys/internal/ui/mounts", token="").data or {}
    assert list(shown["secret"]) == ["open/"]
    assert shown["auth"] == {}
    refused = world.ask("read", "sys/internal/ui/mounts/secret", token=world.token(policies=["default"]))
    assert refused.status == 403
    assert refused.errors is not None
    assert "preflight" in refused.errors[0]
