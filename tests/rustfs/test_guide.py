"""The documented contract: every example and table of the usage guide, driven without HTTP."""

from __future__ import annotations

import json as jsonlib
import pickle
import re
from typing import Any

import pytest

from mockkms.rustfs import AdminReply, RustfsAdmin
from tests.rustfs.driver import CONFIGURE, call, configured, fresh

KEY_FIELDS = ["keyId", "keyName", "status", "createdAt", "algorithm"]
KEY_ID = r"rustfs-key-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
KEY_ROUTES = [("GET", "/key/status"), ("PUT", "/key/enable"), ("PUT", "/key/disable")]


def code(reply: AdminReply) -> tuple[int, str]:
    """Status and error code of a JSON error, whose three members are checked on the way."""
    body = jsonlib.loads(reply.body)
    assert list(body) == ["code", "message", "description"]
    return reply.status, body["code"]


def test_configure_answers_as_the_guide_shows() -> None:
    admin = fresh()
    reply, body = call(admin, "POST", "/configure", json=CONFIGURE)
    assert (reply.status, reply.headers) == (200, {"Content-Type": "application/json"})
    assert list(body.items()) == [
        ("success", True), ("message", "KMS configured successfully"), ("kms_type", "vault")
    ]  # fmt: skip


def test_the_whole_body_of_the_guide_is_taken() -> None:
    body = {
        "kms_type": "vault",
        "vault_address": "https://vault.example.com:8200",
        "vault_token": "your-vault-token",
        "vault_namespace": "admin",
        "vault_mount_path": "transit",
        "vault_timeout_seconds": 30,
        "vault_app_role_id": "your-app-role-id",
        "vault_app_role_secret_id": "your-app-role-secret",
    }
    admin = fresh()
    assert call(admin, "POST", "/configure", json=body)[0].status == 200
    assert admin.state.settings is not None
    assert admin.state.settings.auth_method == "approle"


def test_create_shows_four_members_and_status_five() -> None:
    admin = configured()
    reply, created = call(admin, "POST", "/key/create", "keyName=my-encryption-key")
    assert reply.status == 200
    assert list(created) == KEY_FIELDS[:4]
    assert re.fullmatch(KEY_ID, created["keyId"])
    assert created["createdAt"] == "2026-01-01T00:00:00Z"
    _, shown = call(admin, "GET", "/key/status", "keyName=my-encryption-key")
    assert shown == {**created, "algorithm": "AES-256"}
    assert list(shown) == KEY_FIELDS


def test_a_key_without_a_name_gets_one() -> None:
    admin = configured()
    _, first = call(admin, "POST", "/key/create")
    _, second = call(admin, "POST", "/key/create")
    assert first["keyName"] == first["keyId"] != second["keyName"]
    assert call(admin, "GET", "/key/status", f"keyName={first['keyName']}")[1]["keyId"] == first["keyId"]


def test_disable_and_enable_show_the_key_and_repeat() -> None:
    admin = configured()
    call(admin, "POST", "/key/create", "keyName=k")
    words = {"disable": "Disabled", "enable": "Enabled"}
    for route, status in (item for item in words.items() for _ in range(2)):
        reply, body = call(admin, "PUT", f"/key/{route}", "keyName=k")
        assert (reply.status, body["status"], list(body)) == (200, status, KEY_FIELDS)
        assert call(admin, "GET", "/key/status", "keyName=k")[1] == body


def test_list_is_empty_then_holds_every_key() -> None:
    admin = configured()
    assert call(admin, "GET", "/key/list")[1] == {"keys": []}
    for name in ("b", "a"):
        call(admin, "POST", "/key/create", f"keyName={name}")
    call(admin, "PUT", "/key/disable", "keyName=a")
    keys = call(admin, "GET", "/key/list")[1]["keys"]
    assert [(key["keyName"], key["status"]) for key in keys] == [("b", "Enabled"), ("a", "Disabled")]
    assert all(list(key) == KEY_FIELDS for key in keys)


@pytest.mark.parametrize("kms_type", ["vault", "local"])
def test_status_names_the_configured_backend(kms_type: str) -> None:
    admin = fresh()
    call(admin, "POST", "/configure", json={**CONFIGURE, "kms_type": kms_type})
    assert call(admin, "GET", "/status")[1] == {"status": "Active", "backend": kms_type, "healthy": True}


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/key/create"), ("GET", "/key/list"), ("GET", "/status"), *KEY_ROUTES]
)
def test_nothing_works_before_configure(method: str, path: str) -> None:
    reply, body = call(fresh(), method, path, "keyName=k")
    assert reply.status == 503
    assert body == {
        "code": "KMSNotConfigured",
        "message": "KMS is not configured",
        "description": "Key Management Service is not available",
    }


@pytest.mark.parametrize(("method", "path"), KEY_ROUTES)
@pytest.mark.parametrize("query", ["", "keyName", "keyname=k", "name=k"])
def test_a_missing_name_is_found_before_anything_else(method: str, path: str, query: str) -> None:
    for admin in (fresh(), configured()):
        assert code(call(admin, method, path, query)[0]) == (400, "MissingParameter")


@pytest.mark.parametrize(("method", "path"), KEY_ROUTES)
def test_an_unknown_key_is_not_found(method: str, path: str) -> None:
    reply, body = call(configured(), method, path, "keyName=nope")
    assert code(reply) == (404, "KeyNotFound")
    assert (body["message"], body["description"]) == ("Key 'nope' not found", "The specified key does not exist")


def test_a_taken_name_is_refused_and_changes_nothing() -> None:
    admin = configured()
    call(admin, "POST", "/key/create", "keyName=k")
    before = pickle.dumps(admin.state)
    reply, body = call(admin, "POST", "/key/create", "keyName=k")
    assert code(reply) == (400, "KeyAlreadyExists")
    assert body["message"] == "Key 'k' already exists"
    assert pickle.dumps(admin.state) == before


@pytest.mark.parametrize(
    ("change", "expected", "message"),
    [
        ({"kms_type": "aws"}, "UnsupportedKmsType", "Unsupported KMS type: aws"),
        ({"kms_type": "Vault"}, "UnsupportedKmsType", "Unsupported KMS type: Vault"),
        ({"kms_type": None}, "InvalidRequest", "Invalid JSON format"),
        ({"kms_type": 5}, "InvalidRequest", "Invalid JSON format"),
        ({"vault_timeout_seconds": "30"}, "InvalidRequest", "Invalid JSON format"),
        ({"vault_timeout_seconds": -1}, "InvalidRequest", "Invalid JSON format"),
        ({"vault_timeout_seconds": 0}, "InvalidConfiguration", "Failed to create KMS manager"),
        ({"vault_mount_path": ""}, "InvalidConfiguration", "Failed to create KMS manager"),
        ({"vault_address": None}, "InvalidConfiguration", "vault_address is required for Vault KMS"),
        ({"vault_address": "vault.example.com"}, "InvalidConfiguration", "Invalid vault address format"),
        ({"vault_address": "http://"}, "InvalidConfiguration", "Invalid vault address format"),
        ({"vault_address": "http://h:99999"}, "InvalidConfiguration", "Invalid vault address format"),
        ({"vault_address": "http://127.0.0.1:9/"}, "InvalidConfiguration", "Failed to connect to Vault"),
        ({"vault_address": "ftp://h"}, "InvalidConfiguration", "Failed to create KMS manager"),
        ({"vault_token": None}, "InvalidConfiguration", "Either vault_token or both"),
        ({"vault_token": "a\nb"}, "InvalidConfiguration", "Failed to create KMS manager"),
        ({"vault_token": None, "vault_app_role_id": "r"}, "InvalidConfiguration", "Either vault_token or both"),
    ],
)
def test_a_bad_configuration_changes_nothing(change: dict[str, Any], expected: str, message: str) -> None:
    admin = configured()
    before = pickle.dumps(admin.state)
    reply, body = call(admin, "POST", "/configure", json={**CONFIGURE, **change})
    assert code(reply) == (400, expected)
    assert body["message"].startswith(message)
    assert pickle.dumps(admin.state) == before


BROKEN = [b"", b"{", b"[]", b"null", b"\xff", b'"x"', b"{}", b'{"kms_type":"local"} x', b"[" * 5000]


@pytest.mark.parametrize("raw", BROKEN)
def test_a_broken_body_is_an_invalid_request(raw: bytes) -> None:
    assert code(call(fresh(), "POST", "/configure", body=raw)[0]) == (400, "InvalidRequest")


def test_unknown_members_are_ignored_and_reconfiguring_replaces() -> None:
    admin = configured()
    call(admin, "POST", "/key/create", "keyName=k")
    assert call(admin, "POST", "/configure", json={"kms_type": "local", "more": [1, {"a": None}]})[0].status == 200
    assert call(admin, "GET", "/status")[1]["backend"] == "local"
    assert [key["keyName"] for key in call(admin, "GET", "/key/list")[1]["keys"]] == ["k"]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("keyName=a%20b", "a b"),
        ("keyName=a+b", "a+b"),
        ("key=x&keyName=y", "y"),
        ("key=x", "x"),
        ("keyName=1&keyName=2", "2"),
        ("keyName=a%3Db=c", "a=b=c"),
        ("keyName=%C3%A9&", "é"),
    ],
)
def test_the_query_is_read_as_the_server_reads_it(query: str, name: str) -> None:
    assert call(configured(), "POST", "/key/create", query)[1]["keyName"] == name


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/configure"),
        ("GET", "/key/list/"),
        ("POST", "/key/enable"),
        ("GET", ""),
        ("GET", "/key"),
        ("DELETE", "/status"),
    ],
)
def test_any_other_route_is_not_implemented(method: str, path: str) -> None:
    reply, _ = call(configured(), method, path)
    assert (reply.status, reply.headers["Content-Type"]) == (501, "application/xml")
    assert b"<Code>NotImplemented</Code>" in reply.body


def test_credentials_of_any_kind_are_let_through_by_default() -> None:
    for headers in ({}, {"Authorization": "Bearer x"}, {"authorization": "AWS4-HMAC-SHA256 nonsense"}):
        assert call(configured(), "GET", "/status", headers=headers)[0].status == 200


def test_a_snapshot_is_the_state_and_nothing_else() -> None:
    admin = configured()
    call(admin, "POST", "/key/create", "keyName=k")
    kept = pickle.dumps(admin.state)
    call(admin, "PUT", "/key/disable", "keyName=k")
    call(admin, "POST", "/key/create", "keyName=other")
    admin.state = pickle.loads(kept)
    assert [(key["keyName"], key["status"]) for key in call(admin, "GET", "/key/list")[1]["keys"]] == [("k", "Enabled")]


def test_an_unknown_setting_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="api='v9'"):
        RustfsAdmin(fresh().core, api="v9")
