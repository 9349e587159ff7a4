"""The current contract: life cycle of service and keys, the three error styles, backends, bundles, sweeps."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mockkms.rustfs import RustfsAdmin
from mockkms.rustfs.contracts import v2
from mockkms.rustfs.state import RustfsEnvironment
from tests.rustfs.driver import call, fresh

LOCAL = {"backend_type": "Local", "key_dir": "/var/keys", "master_key": "m"}
VAULT = {
    "address": "https://vault.example.com:8200",
    "auth_method": {"Token": {"token": "t"}},
}


def running(body: dict[str, Any] | None = None) -> RustfsAdmin:
    """A running service."""
    admin = fresh(api="current")
    assert call(admin, "POST", "/configure", json=body or LOCAL)[1]["status"] == "Configured"
    assert call(admin, "POST", "/start")[1]["status"] == "Running"
    return admin


def make(admin: RustfsAdmin, name: str, **more: Any) -> dict[str, Any]:
    reply, body = call(admin, "POST", "/keys", json={"tags": {"name": name}, **more})
    assert (reply.status, body["message"]) == (200, "key created successfully")
    metadata: dict[str, Any] = body["key_metadata"]
    return metadata


def test_there_are_35_routes() -> None:
    assert len(v2.ROUTES) == 35


def test_the_service_goes_through_its_states() -> None:
    admin = fresh(api="current")

    def states(method: str, path: str, **options: Any) -> tuple[bool, Any]:
        _, body = call(admin, method, path, **options)
        return body["success"], body["status"]

    missing = {"Error": "Cannot start KMS: no configuration provided"}
    assert states("POST", "/start") == (False, missing)
    assert call(admin, "GET", "/service-status")[1]["status"] == missing
    assert states("POST", "/stop") == (True, "NotConfigured")
    assert states("POST", "/configure", json=LOCAL) == (True, "Configured")
    assert states("POST", "/start") == (True, "Running")
    assert states("POST", "/start") == (False, "Running")
    assert states("POST", "/start", json={"force": True}) == (True, "Running")
    assert states("POST", "/configure", json={**LOCAL, "master_key": ""}) == (False, "Running")
    assert states("POST", "/reconfigure", json={**LOCAL, "master_key": None, "timeout_seconds": 9}) == (True, "Running")
    assert call(admin, "GET", "/service-status")[1]["config_summary"]["timeout_seconds"] == 9
    assert states("POST", "/reload") == (True, "Running")
    assert states("POST", "/stop") == (True, "Configured")
    assert call(admin, "GET", "/keys")[0].status == 503


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"backend_type": "AWS", "region": "eu"}, "Changing from the Local KMS backend is not supported"),
        ({**LOCAL, "key_dir": "/other"}, "Changing the Local KMS key directory is not supported"),
        ({**LOCAL, "file_permissions": 384}, "Changing Local KMS file permissions is not supported"),
        (LOCAL, "Changing the Local KMS master key is not supported"),
    ],
)
def test_a_local_backend_keeps_what_it_was(change: dict[str, Any], text: str) -> None:
    reply, _ = call(running(), "POST", "/reconfigure", json=change)
    assert (reply.status, reply.headers, reply.body.decode()) == (400, {}, text)


def test_no_secret_comes_back() -> None:
    role = {"AppRole": {"role_id": "rrr", "secret_id": "sss"}}
    admin = running({"backend_type": "vault-kv2", **VAULT, "auth_method": role})
    paths = ("/service-status", "/status", "/config", "/backup")
    answers = b"".join(call(admin, "GET", path)[0].body for path in paths)
    assert b"approle" in answers
    assert not re.search(rb"rrr|sss", answers)


def test_a_dead_address_fails_and_the_old_service_serves_on() -> None:
    admin = running({"backend_type": "VaultTransit", **VAULT})
    dead = {"backend_type": "VaultTransit", "address": "https://127.0.0.1:9", "auth_method": {"Token": {"token": " "}}}
    _, body = call(admin, "POST", "/reconfigure", json=dead)
    assert (body["success"], body["status"]) == (False, "Running")
    summary = call(admin, "GET", "/service-status")[1]["config_summary"]["backend_summary"]
    assert summary["address"] == VAULT["address"]
    admin = fresh(api="current")
    call(admin, "POST", "/configure", json={**dead, "auth_method": {"Token": {"token": "x"}}})
    _, body = call(admin, "POST", "/start")
    assert body["status"]["Error"].startswith("Failed to create KMS backend: Backend error: Vault Transit health check")


def test_a_key_lives_through_every_state() -> None:
    admin = running()
    made = make(admin, "k", description="")
    assert (made["description"], made["key_state"], made["origin"]) == ("", "Enabled", "KMS")
    assert made["creation_date"] == "2026-01-01T00:00:00+00:00[Etc/UTC]"

    def state(method: str, path: str, **options: Any) -> tuple[int, str]:
        reply, body = call(admin, method, path, **options)
        shown = (body or {}).get("key_metadata") or {}
        return reply.status, shown.get("key_state", "")

    key = {"key_id": "k"}
    spec = {**key, "key_spec": "Aes256"}
    assert state("POST", "/keys/disable", json=key) == (200, "Disabled")
    assert state("POST", "/generate-data-key", json=spec)[0] == 400
    assert state("POST", "/keys/enable", query="keyId=k") == (200, "Enabled")
    _, deleted = call(admin, "DELETE", "/keys/delete", json={**key, "pending_window_in_days": 7})
    assert deleted["deletion_date"] == "2026-01-08T00:00:00+00:00[Etc/UTC]"
    assert state("POST", "/keys/enable", json=key) == (400, "")
    assert state("POST", "/keys/cancel-deletion", json=key) == (200, "Enabled")
    call(admin, "DELETE", "/keys/delete", query="keyId=k&pending_window_in_days=7")
    admin.core.clock.advance(7 * 86400 - 1)
    assert state("GET", "/keys/k") == (200, "PendingDeletion")
    admin.core.clock.advance(1)
    assert state("GET", "/keys/k") == (404, "")
    assert [key["key_id"] for key in call(admin, "GET", "/keys")[1]["keys"]] == ["rustfs-internal-kms-probe"]


def test_immediate_deletion_needs_the_server_and_a_confirmation() -> None:
    admin = running()
    make(admin, "k")
    body = {"key_id": "k", "force_immediate": True, "confirm_key_id": "k"}
    assert "RUSTFS_KMS_ALLOW_IMMEDIATE_DELETION" in call(admin, "DELETE", "/keys/delete", json=body)[1]["message"]
    admin.state.environment.immediate_deletion = True
    assert call(admin, "DELETE", "/keys/delete", json={**body, "confirm_key_id": "j"})[0].status == 400
    assert call(admin, "DELETE", "/keys/delete", json=body)[1]["deletion_date"] is None
    assert call(admin, "GET", "/keys/k")[0].status == 404


def test_pages_follow_each_other_to_the_end() -> None:
    admin = running()
    names = ["é", "Z", "a", "b", "c d"]
    for name in names:
        make(admin, name)
    found, marker = [], ""
    for _ in range(10):
        _, page = call(admin, "GET", "/keys", f"limit=2&marker={marker}")
        found += [key["key_id"] for key in page["keys"]]
        if not page["truncated"]:
            break
        marker = page["next_marker"].replace(" ", "+")
    assert found == sorted([*names, "rustfs-internal-kms-probe"], key=str.encode)
    assert page["next_marker"] is None


@pytest.mark.parametrize(
    ("query", "status"),
    [("limit=%2B1", 200), ("limit=", 400), ("limit=%D9%A1", 400), ("limit=18446744073709551616", 400), ("status", 400)],
)
def test_a_limit_or_filter_is_applied_or_refused(query: str, status: int) -> None:
    admin = running()
    assert call(admin, "GET", "/keys", query)[0].status == status
    assert call(admin, "GET", "/list-keys", query)[0].status == status


@pytest.mark.parametrize(
    ("backend", "again"), [("Local", (409, None)), ("VaultTransit", (409, "one")), ("VaultKV2", (200, "two"))]
)
def test_creating_again_is_refused_or_replaces_by_backend(backend: str, again: tuple[int, str | None]) -> None:
    admin = running(LOCAL if backend == "Local" else {"backend_type": backend, **VAULT})
    make(admin, "k", description="one")
    reply, body = call(admin, "POST", "/keys", json={"tags": {"name": "k"}, "description": "two"})
    assert reply.status == again[0]
    if again[0] == 200:
        assert body["key_metadata"]["description"] == again[1]
    same = call(admin, "POST", "/keys", json={"tags": {"name": "k"}, "description": "one"})[0].status
    assert same == (409 if backend == "Local" else 200)


def test_tags_and_descriptions() -> None:
    admin = running()
    make(admin, "k")
    change = {"key_id": "k", "tags": {"a": "1", "b": "2"}}
    assert call(admin, "POST", "/keys/tag", json=change)[1]["key_metadata"]["tags"] == {"name": "k", "a": "1", "b": "2"}
    untag = {"key_id": "k", "tag_keys": ["a", "zz"]}
    assert call(admin, "POST", "/keys/untag", json=untag)[1]["key_metadata"]["tags"] == {"name": "k", "b": "2"}
    assert call(admin, "POST", "/keys/untag", json={"key_id": "k", "tag_keys": ["name"]})[0].status == 400
    for text, shown in (("d", "d"), ("", None)):
        body = {"key_id": "k", "description": text}
        assert call(admin, "POST", "/keys/update-description", json=body)[1]["key_metadata"]["description"] == shown
    assert call(admin, "POST", "/keys/tag")[0].headers["Content-Type"] == "application/xml"


def test_data_keys_differ_and_their_envelopes_are_real() -> None:
    admin = running()
    make(admin, "k")
    body = {"key_id": "k", "key_spec": "Aes256", "encryption_context": {"b": "1", "a": "2"}}
    first, second = (call(admin, "POST", "/generate-data-key", json=body)[1] for _ in range(2))
    assert first["plaintext_key"] != second["plaintext_key"]
    envelope = json.loads(base64.b64decode(first["ciphertext_blob"]))
    assert list(envelope) == [
        "key_id", "master_key_id", "key_spec", "encrypted_key", "nonce", "encryption_context", "created_at"
    ]  # fmt: skip
    assert (envelope["key_spec"], envelope["encryption_context"]) == ("AES_256", {"b": "1", "a": "2"})
    nonce, sealed = (bytes(envelope[name]) for name in ("nonce", "encrypted_key"))
    opened = AESGCM(admin.state.keys["k"].material[0]).decrypt(nonce, sealed, b"")  # the local backend binds no context
    assert opened == base64.b64decode(first["plaintext_key"])


def test_a_static_service_has_one_key_that_nothing_changes() -> None:
    admin = fresh(api="current")
    admin.seed({"static": {"key_id": "static-key", "secret_key": base64.b64encode(bytes(32)).decode()}})
    assert call(admin, "GET", "/service-status")[1]["status"] == "Running"
    assert [key["key_id"] for key in call(admin, "GET", "/keys")[1]["keys"]] == ["static-key"]
    assert call(admin, "GET", "/keys/static-key")[1]["key_metadata"]["origin"] == "EXTERNAL"
    assert call(admin, "GET", "/config")[1]["default_key_id"] == "static-key"
    for verb in ("enable", "disable", "rotate"):
        assert call(admin, "POST", f"/keys/{verb}", json={"key_id": "static-key"})[0].status == 501
    assert call(admin, "POST", "/keys", json={"tags": {"name": "static-key"}})[0].status == 409
    assert call(admin, "POST", "/keys", json={"tags": {"name": "other"}})[0].status == 501
    reply, made = call(admin, "POST", "/generate-data-key", json={"key_id": "static-key", "key_spec": "Aes128"})
    assert reply.status == 200
    envelope = json.loads(base64.b64decode(made["ciphertext_blob"]))
    opened = AESGCM(bytes(32)).decrypt(bytes(envelope["nonce"]), bytes(envelope["encrypted_key"]), b"{}")
    assert opened == base64.b64decode(made["plaintext_key"])
    assert "AAAAAAAA" not in str(call(admin, "GET", "/service-status")[1])


def test_a_bundle_goes_back_into_an_empty_store() -> None:
    admin = running()
    assert call(admin, "POST", "/backup")[0].status == 412
    admin.state.environment = RustfsEnvironment(backup_dir="/var/backup", backup_kek_id="kek")
    make(admin, "k")
    assert call(admin, "POST", "/backup", json={"backup_id": "b1"})[1]["artifact_count"] == 3
    call(admin, "POST", "/stop")
    body = {"bundle": "b1", "confirm_backup_id": "b1", "confirm_conflict_policy": "restore-into-empty-target"}
    assert call(admin, "POST", "/restore", json=body)[0].status == 409
    admin.state.keys.clear()
    assert call(admin, "POST", "/restore/dry-run", json={"bundle": "b1"})[1]["report"]["conflicts"] == []
    assert call(admin, "POST", "/restore", json=body)[0].status == 200
    call(admin, "POST", "/start")
    assert call(admin, "GET", "/keys/k")[0].status == 200


def test_a_sweep_runs_and_is_completed() -> None:
    assert call(running(), "POST", "/keys/rekey")[0].status == 501
    admin = running({"backend_type": "VaultTransit", **VAULT})
    assert call(admin, "GET", "/keys/rekey/status")[0].status == 404
    started = call(admin, "POST", "/keys/rekey")[1]
    assert call(admin, "GET", "/keys/rekey/status")[1] == {**started, "state": "completed"}


def test_a_body_over_the_limit_is_refused() -> None:
    reply, _ = call(running(), "POST", "/keys", body=b" " * (3 * 1024 * 1024))
    assert (reply.status, b"EntityTooLarge" in reply.body) == (400, True)


@pytest.mark.parametrize("api", ["guide", "handler", "auto"])
def test_a_body_over_the_limit_is_refused_by_the_older_contract_too(api: str) -> None:
    admin = fresh(api=api)
    for path in ("/configure", "/key/create", "/rewrap"):
        reply, _ = call(admin, "POST", path, body=b"[" + b"{}," * (1024 * 1024) + b"1]")
        assert (reply.status, b"EntityTooLarge" in reply.body) == (400, True)


@pytest.mark.parametrize("body", [b"{", b"[]", b"5", b"null", b'"x"', b"\xff", b'{"key_id":{}}', b"[" * 9000])
def test_no_body_makes_more_than_a_refusal(body: bytes) -> None:
    for method, path in v2.ROUTES:
        reply, _ = call(running(), method, path, body=body)
        assert reply.status in (200, 400, 404, 409, 412, 501), (method, path, reply.body)


@pytest.mark.parametrize("path", ["/keys/tag", "/keys/untag", "/keys/update-description"])
@pytest.mark.parametrize("query", ["", "keyId=k"])
def test_metadata_changes_need_a_body(path: str, query: str) -> None:
    reply, _ = call(running(), "POST", path, query)
    assert reply.status == 400
    assert b"<Code>InvalidRequest</Code><Message>a request body is required</Message>" in reply.body
