"""Nulls, and values of other types than a parameter: what OpenBao 2.6.2 answers to them (measured)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vault.driving import World

MOUNTS = {
    "auth/jwt": "jwt", "auth/kerberos": "kerberos", "auth/ldap": "ldap", "kubernetes": "kubernetes", "ldap": "ldap",
    "database": "database", "rabbitmq": "rabbitmq", "pki": "pki", "ssh": "ssh",
}  # fmt: skip
JWT = {"role_type": "jwt", "user_claim": "sub", "bound_subject": "jane"}
LABELS = {"allowed_kubernetes_namespaces": "*", "service_account_name": "web"}
PG = {
    "plugin_name": "postgresql-database-plugin", "verify_connection": False, "username": "root", "password": "S3cret-9",
    "connection_url": "postgresql://{{username}}:{{password}}@db/app",
}  # fmt: skip
REDIS = {
    "plugin_name": "redis-database-plugin", "verify_connection": False, "username": "root", "password": "S3cret-9",
    "host": "db", "port": 6379,
}  # fmt: skip
CASSANDRA = {**REDIS, "plugin_name": "cassandra-database-plugin", "hosts": "db"}
_DECODED = "decoding failed due to the following error(s):\n\n"


@pytest.fixture
def mounted(world: World) -> World:
    for path, mount_type in MOUNTS.items():
        tree = "sys/auth" if path.startswith("auth/") else "sys/mounts"
        assert world.write(f"{tree}/{path.removeprefix('auth/')}", {"type": mount_type}).errors is None
    return world


@pytest.mark.parametrize(
    ("path", "data", "name"),
    [
        ("identity/entity/name/web", {}, "metadata"),
        ("identity/group/name/web", {}, "metadata"),
        ("auth/jwt/role/web", JWT, "bound_claims"),
        ("auth/jwt/role/web", JWT, "claim_mappings"),
        ("kubernetes/roles/web", LABELS, "extra_labels"),
        ("kubernetes/roles/web", LABELS, "extra_annotations"),
        ("sys/mounts/other", {"type": "kv"}, "options"),
        ("sys/auth/other", {"type": "userpass"}, "options"),
    ],
)
@pytest.mark.parametrize(("sent", "shown"), [(None, None), ({}, {}), ([], {}), ({"a": "b"}, {"a": "b"})])
def test_null_is_not_an_empty_object(
    mounted: World, path: str, data: dict[str, Any], name: str, sent: object, shown: object
) -> None:
    assert mounted.write(path, {**data, name: sent}).errors is None
    assert (mounted.ask("read", path).data or {})[name] == shown


def test_custom_metadata_of_an_alias_may_be_null(mounted: World) -> None:
    accessor = (mounted.ask("read", "sys/auth/jwt").data or {})["accessor"]
    alias = {"name": "jane", "mount_accessor": accessor}
    made = mounted.write("identity/entity-alias", {**alias, "custom_metadata": None}).data or {}
    path = f"identity/entity-alias/id/{made['id']}"
    assert (mounted.ask("read", path).data or {})["custom_metadata"] is None
    mounted.write(path, {"custom_metadata": {"a": "b"}})
    mounted.write(path, {**alias, "custom_metadata": None})
    assert (mounted.ask("read", path).data or {})["custom_metadata"] is None


@pytest.mark.parametrize("path", ["auth/ldap/config", "auth/kerberos/config/ldap"])
def test_a_time_of_a_directory_sent_as_null_gets_its_default(mounted: World, path: str) -> None:
    mounted.write(path, {"request_timeout": 5, "connection_timeout": 6})
    mounted.write(path, {"request_timeout": None})
    shown = mounted.ask("read", path).data or {}
    assert (shown["request_timeout"], shown["connection_timeout"]) == (90, 6)


def test_lists_that_were_never_sent_are_null(mounted: World) -> None:
    mounted.write("kubernetes/roles/a", {**LABELS, "allowed_kubernetes_namespace_selector": "{}"})
    mounted.write("kubernetes/roles/b", {**LABELS, "token_default_audiences": ""})
    shown = [(mounted.ask("read", f"kubernetes/roles/{name}").data or {})["token_default_audiences"] for name in "ab"]
    assert shown == [None, []]


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({**PG, "max_open_connections": "many"}, f"{_DECODED}'max_open_connections' cannot parse value as 'int': "),
        ({**PG, "connection_url": []}, f"{_DECODED}'connection_url' expected type 'string', got unconvertible type "),
        ({**PG, "disable_escaping": 7}, f"{_DECODED}'disable_escaping' cannot parse value as 'bool': "),
        ({**PG, "username_template": None}, "failed to retrieve username_template: invalid value at username_template"),
        ({**PG, "username_template": 7}, "failed to retrieve username_template: invalid value at username_template"),
        ({**REDIS, "port": {}}, f"{_DECODED}'port' expected type 'int', got unconvertible type "),
        ({**CASSANDRA, "tls": []}, f"failed to initialize: {_DECODED}'tls' expected type 'bool', "),
        ({**CASSANDRA, "hosts": ""}, "failed to initialize: hosts cannot be empty"),
        (
            {**CASSANDRA, "connect_timeout": []},
            "failed to initialize: invalid connect_timeout: could not parse duration",
        ),
        ({**REDIS, "port": "0"}, "port cannot be empty"),
        ({**REDIS, "tls": "true"}, "ca_cert cannot be empty"),
    ],
)
def test_settings_of_plugins_have_types(mounted: World, settings: dict[str, Any], fault: str) -> None:
    [error] = mounted.write("database/config/db", settings).errors or []
    assert error.startswith(f"error creating database object: {fault}")


def test_numbers_below_zero_are_kept_and_not_shown(mounted: World) -> None:
    mounted.write("auth/jwt/role/web", {**JWT, "num_uses": -1, "poll_interval": -1})
    shown = mounted.ask("read", "auth/jwt/role/web").data or {}
    assert (shown["token_num_uses"], "num_uses" in shown, "poll_interval" in shown) == (-1, False, False)
    assert mounted.write("database/config/pg", {**PG, "max_connection_lifetime": -1}).errors is None


@pytest.mark.parametrize(
    ("path", "data", "error"),
    [
        ("pki/roles/web", {"not_after_bound": "never"}, "Unknown value for field `not_after_bound`. Possible values"),
        ("pki/roles/web", {"not_before_bound": ""}, "Unknown value for field `not_before_bound`. Possible values"),
        (
            "rabbitmq/roles/web",
            {"tags": "a", "vhost_topics": 1},
            "failed to unmarshal vhost_topics: json: cannot unmarshal number into Go value of type "
            "map[string]map[string]rabbitmq.vhostTopicPermission",
        ),
    ],
)
def test_other_values_are_refused_with_400(mounted: World, path: str, data: dict[str, Any], error: str) -> None:
    answer = mounted.write(path, data)
    assert (answer.status, (answer.errors or [""])[0].startswith(error)) == (400, True), answer.errors


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ({"binddn": "cn=admin", "bindpass": "s", "url": None}, "at least one url must be provided"),
        ({"binddn": "cn=admin", "url": "ldap://db"}, "cannot derive UserBindDN"),
    ],
)
def test_a_directory_that_cannot_be_asked_is_refused(mounted: World, sent: dict[str, Any], text: str) -> None:
    answer = mounted.write("ldap/config", sent)
    assert (answer.status, answer.errors) == (500, [f"1 error occurred:\n\t* {text}\n\n"])


def test_a_policy_that_expired_in_1970_is_refused(mounted: World) -> None:
    answer = mounted.write("sys/policies/acl/old", {"policy": 'path "a" { capabilities = ["read"] }', "expiration": 0})
    assert (answer.status, answer.errors) == (
        400,
        ["refusing to update policy as expiration time has already elapsed"],
    )


@pytest.mark.parametrize(("kind", "text"), [("entity", "missing entity id"), ("group", "missing group ID")])
def test_an_empty_identifier_of_a_login_enforcement_is_refused(mounted: World, kind: str, text: str) -> None:
    made = mounted.write("identity/mfa/method/totp", {"issuer": "Example"}).data or {}
    sent = {"mfa_method_ids": [made["method_id"]], f"identity_{kind}_ids": [None]}
    answer = mounted.write("identity/mfa/login-enforcement/people", sent)
    assert (answer.status, answer.errors) == (500, [f"1 error occurred:\n\t* {text}\n\n"])


def test_sizes_of_keys_without_nulls(mounted: World) -> None:
    sizes = {"a": None, "b": [None, 1], "c": [], "d": True, "e": "256,384"}
    role = {"key_type": "ca", "allow_user_certificates": True, "allowed_user_key_lengths": sizes}
    assert mounted.write("ssh/roles/web", role).errors is None
    shown = (mounted.ask("read", "ssh/roles/web").data or {})["allowed_user_key_lengths"]
    assert shown == {"a": None, "b": [1], "c": None, "d": [1], "e": [256, 384]}
