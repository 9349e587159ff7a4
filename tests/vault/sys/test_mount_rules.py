"""Rules of mounting, tuning, moving and reloading, read off the real server's source."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vault.driving import World


def error(world: World, path: str, data: dict[str, Any], **more: Any) -> str:
    response = world.write(path, data, **more)
    assert response.errors is not None
    assert response.status == 400
    return response.errors[0]


def shown(world: World, path: str) -> dict[str, Any]:
    data = world.ask("read", path).data
    assert data is not None
    return data


def test_settings_are_known_in_any_case_and_lists_keep_empty_items(world: World) -> None:
    config = {
        "DEFAULT_LEASE_TTL": "1h",
        "allowed_response_headers": "a,,b ",
        "audit_non_hmac_request_keys": ["x", None],
    }
    assert world.write("sys/mounts/m", {"type": "kv", "config": config}).errors is None
    found = shown(world, "sys/mounts/m")["config"]
    assert found["default_lease_ttl"] == 3600
    assert found["allowed_response_headers"] == ["a", "", "b"]
    assert found["audit_non_hmac_request_keys"] == ["x", ""]


@pytest.mark.parametrize(
    "config",
    [
        {"user_lockout_config": "x"},
        {"user_lockout_config": {"lockout_threshold": "5"}},
        {"user_lockout_config": {"lockout_threshold": -1}},
        {"user_lockout_config": {"disable_lockout": 1}},
        {"passthrough_request_headers": {}},
        {"max_lease_ttl": []},
    ],
)
def test_a_setting_of_another_type_is_refused(world: World, config: dict[str, Any]) -> None:
    assert error(world, "sys/auth/m", {"type": "userpass", "config": config}) == (
        "unable to convert given auth config information"
    )


def test_lockout_settings_of_a_new_mount_are_checked_and_ignored(world: World) -> None:
    config = {"user_lockout_config": {"lockout_threshold": 5, "lockout_duration": 7, "disable_lockout": True}}
    assert world.write("sys/auth/m", {"type": "userpass", "config": config}).errors is None
    assert "user_lockout_config" not in shown(world, "sys/auth/m")["config"]


def test_leases_are_compared_in_fractions_of_a_second(world: World) -> None:
    config = {"default_lease_ttl": "1500ms", "max_lease_ttl": "1s"}
    assert error(world, "sys/mounts/m", {"type": "kv", "config": config}) == (
        "given default lease TTL greater than given max lease TTL"
    )
    assert error(world, "sys/mounts/secret/tune", config) == (
        "backend max lease TTL of 1 would be less than backend default lease TTL of 1"
    )


@pytest.mark.parametrize(
    ("path", "type", "version", "text"),
    [
        ("mounts", "kv-v2", "v9.9", "cannot select non-builtin version of secrets plugin kv"),
        ("mounts", "database", "9", "cannot select non-builtin version of secrets plugin database"),
        ("mounts", "transit", "1.2-rc1", "plugin not found in the catalog: transit, version=v1.2.0-rc1"),
        ("auth", "approle", "1.2.3.4+x", "plugin not found in the catalog: approle, version=v1.2.3.4+x"),
        ("mounts", "kv", "one", 'version "one" is not a valid semantic version: malformed version: one'),
        ("mounts", "kv", "1.", 'version "1." is not a valid semantic version: malformed version: 1.'),
        (
            "mounts", "kv", "99999999999999999999",
            'version "99999999999999999999" is not a valid semantic version: error parsing version: '
            'strconv.ParseInt: parsing "99999999999999999999": value out of range',
        ),
    ],
)  # fmt: skip
def test_versions_of_plugins(world: World, path: str, type: str, version: str, text: str) -> None:
    assert error(world, f"sys/{path}/m", {"type": type, "config": {"plugin_version": version}}) == text


def test_a_version_that_is_not_there_shows_after_the_path(world: World) -> None:
    body = {"type": "transit", "config": {"plugin_version": "9.9.9"}}
    assert error(world, "sys/mounts/secret", body) == "path is already in use at secret/"


def test_a_mount_named_like_a_child_namespace_is_refused(world: World) -> None:
    assert world.write("sys/namespaces/team").errors is None
    assert error(world, "sys/mounts/team/kv", {"type": "kv"}) == "existing mount at team/"
    assert error(world, "sys/mounts/team", {"type": "kv"}) == "existing mount at team/auth/token/"
    assert error(world, "sys/remount", {"from": "secret", "to": "team/sys/x"}).startswith("cannot remount to")
    # Within the namespace its own name is free.
    assert world.write("sys/mounts/team", {"type": "kv"}, namespace="team").errors is None


def test_a_mount_that_ends_like_the_system_backend_counts_as_a_namespace(world: World) -> None:
    assert world.write("sys/mounts/testsys", {"type": "kv"}).errors is None
    assert error(world, "sys/mounts/test2", {"type": "kv"}) == "existing mount at test"
    assert error(world, "sys/remount", {"from": "secret", "to": "test2"}) == 'path already in use at "test"'


@pytest.mark.parametrize(
    ("to", "text"),
    [
        ("/", 'invalid destination mount path "/"'),
        ("//", "invalid destination mount: path '/' does not match cleaned path '//'"),
        ("///a", "invalid destination mount: path '//a/' does not match cleaned path '/a/'"),
        ("a/../b", "invalid destination mount: path 'a/../b/' does not match cleaned path 'b/'"),
    ],
)
def test_a_destination_has_to_be_clean(world: World, to: str, text: str) -> None:
    assert error(world, "sys/remount", {"from": "secret", "to": to}) == text


def test_unknown_lockout_settings_are_ignored_and_known_ones_found_in_any_case(world: World) -> None:
    world.write("sys/auth/up", {"type": "userpass"})
    lockout = {"foo": True, "Lockout_Threshold": 3, "lockout_duration": "1500ms", "lockout_disable": None}
    assert world.write("sys/auth/up/tune", {"user_lockout_config": lockout}).errors is None
    found = shown(world, "sys/auth/up/tune")
    assert found["user_lockout_threshold"] == 3
    assert found["user_lockout_duration"] == 1
    assert found["user_lockout_disable"] is False
    refused = {"user_lockout_config": {"lockout_threshold": True}}
    assert error(world, "sys/auth/token/tune", refused) == "unable to convert given user lockout config information"
    assert error(world, "sys/auth/token/tune", {"user_lockout_config": {"foo": 1}}) == (
        'tuning of user lockout configuration for auth type "token" not allowed'
    )


@pytest.mark.parametrize("version", ["0x2", " 2", "2_0"])
def test_the_version_of_a_kv_mount_is_a_plain_decimal(world: World, version: str) -> None:
    assert error(world, "sys/mounts/secret/tune", {"options": {"version": version}}) == (
        f'unable to parse options: strconv.ParseInt: parsing "{version}": invalid syntax'
    )


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"plugin": "nope"}, 'plugin not found in the catalog: "nope"'),
        ({"plugin": "system"}, 'singleton plugin cannot be reloaded: "system"'),
        (
            {"plugin": "mysql-database-plugin"},
            'plugin "mysql-database-plugin" cannot be reloaded, only plugins of type auth and secret can be reloaded',
        ),
        (
            {"mounts": "secret,nope,sys/auth/none"},
            '2 errors occurred:\n\t* cannot fetch mount entry on "nope/"\n'
            '\t* cannot fetch mount entry on "auth/none/"\n\n',
        ),
        (
            {"mounts": ["sys/"]},
            '1 error occurred:\n\t* cannot reload plugin on "sys/": singleton plugin cannot be reloaded: "system"\n\n',
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_reloaded(world: World, body: dict[str, Any], text: str) -> None:
    assert error(world, "sys/plugins/reload/backend", body) == text


def test_mounts_are_reloaded_by_their_paths(world: World) -> None:
    assert world.write("sys/plugins/reload/backend", {"mounts": "secret"}).data is not None


def test_rewrapping_looks_into_the_cubbyhole_of_the_asking_namespace(world: World) -> None:
    world.write("sys/namespaces/team")
    wrapped = world.write("sys/wrapping/wrap", {"a": "b"}, wrap_ttl=60, namespace="team").wrap_info
    assert wrapped is not None
    assert error(world, "sys/wrapping/rewrap", {"token": wrapped.token}) == (
        "no information found; wrapping token may be from a previous OpenBao version"
    )


def test_mounts_of_a_namespace_below_are_seen_from_above_and_not_disabled_there(world: World) -> None:
    world.write("sys/namespaces/team")
    world.write("sys/mounts/kv", {"type": "kv"}, namespace="team")
    assert shown(world, "sys/internal/ui/mounts/team/kv")["path"] == "team/kv/"
    assert shown(world, "sys/internal/ui/mounts/team/auth/token")["path"] == "team/auth/token/"
    world.write("sys/policies/acl/p", {"policy": 'path "team/kv/*" { capabilities = ["read"] }'})
    token = world.token(policies=["p"])
    assert world.ask("read", "sys/internal/ui/mounts/team/kv", token=token).errors is None
    assert world.ask("read", "sys/internal/ui/mounts/team/sys", token=token).status == 403
    refused = world.ask("delete", "sys/mounts/team/kv")
    assert (refused.status, refused.errors) == (400, ["failed to taint entry in mounts table"])


def test_a_pre_release_in_the_catalog_stands_behind_a_dash(world: World) -> None:
    refused = world.ask("read", "sys/plugins/catalog/secret/kv", {"version": "1.2rc1"})
    assert refused.errors == ['version "1.2rc1" is not a valid semantic version: malformed version: 1.2rc1']
    assert world.ask("read", "sys/plugins/catalog/secret/kv", {"version": "1.2-rc1"}).status == 404
    body = {"type": "pki", "config": {"plugin_version": "1.2rc1"}}
    assert error(world, "sys/mounts/x", body) == "plugin not found in the catalog: pki, version=v1.2.0-rc1"


def test_of_several_mounts_in_the_way_the_oldest_is_named(world: World) -> None:
    for path in ("a/z", "a/b"):
        world.write(f"sys/mounts/{path}", {"type": "kv"})
    assert error(world, "sys/mounts/a", {"type": "kv"}) == "path is already in use at a/z/"
