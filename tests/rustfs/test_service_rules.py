"""The current contract where its source is the only witness: deletions, health, rotation ages, order of checks."""

from __future__ import annotations

from typing import Any

import pytest

from mockkms.rustfs import RustfsAdmin
from mockkms.rustfs.state import RustfsEnvironment
from mockkms.vault.framework.message import Operation, Request
from mockkms.vault.kernel.core import Core
from mockkms.world.entropy import Entropy
from tests.rustfs.driver import call, fresh, frozen

LOCAL = {"backend_type": "Local", "key_dir": "/var/keys", "master_key": "m"}
TRANSIT = {
    "backend_type": "VaultTransit",
    "address": "https://vault.example.com:8200",
    "auth_method": {"Token": {"token": "t"}},
}
KV2 = {**TRANSIT, "backend_type": "VaultKV2"}
NOW = {"key_id": "k", "force_immediate": True, "confirm_key_id": "k"}


def running(body: dict[str, Any], *names: str) -> RustfsAdmin:
    """A running service with keys, which may delete at once."""
    admin = fresh(api="current")
    assert call(admin, "POST", "/configure", json=body)[1]["success"]
    assert call(admin, "POST", "/start")[1]["status"] == "Running"
    for name in names:
        assert call(admin, "POST", "/keys", json={"tags": {"name": name}})[0].status == 200
    admin.state.environment.immediate_deletion = True
    return admin


def delete(admin: RustfsAdmin) -> tuple[int, Any]:
    reply, body = call(admin, "DELETE", "/keys/delete", json=NOW)
    return reply.status, body["deletion_date"]


@pytest.mark.parametrize("backend", [TRANSIT, KV2])
def test_an_immediate_deletion_in_a_vault_takes_two_requests(backend: dict[str, Any]) -> None:
    admin = running(backend, "k")
    assert delete(admin) == (200, None)
    shown = call(admin, "GET", "/keys/k")[1]["key_metadata"]
    assert (shown["key_state"], shown["deletion_date"]) == ("PendingDeletion", "2026-01-01T00:00:00+00:00[Etc/UTC]")
    assert call(admin, "POST", "/keys/cancel-deletion", json={"key_id": "k"})[0].status == 200
    assert delete(admin) == (200, None)
    assert delete(admin) == (200, None)
    assert call(admin, "GET", "/keys/k")[0].status == 404


def test_a_key_marked_for_immediate_deletion_is_swept_within_a_minute() -> None:
    admin = running(KV2, "k")
    delete(admin)
    other = fresh(api="current")
    other.seed(admin.dump())
    assert other.state.keys["k"].marked
    other.core.clock.advance(59)
    assert call(other, "GET", "/keys/k")[0].status == 200
    other.core.clock.advance(1)
    assert call(other, "GET", "/keys/k")[0].status == 404


@pytest.mark.parametrize("backend", [LOCAL, TRANSIT, KV2])
def test_the_default_key_is_not_deleted(backend: dict[str, Any]) -> None:
    admin = running({**backend, "default_key_id": "k"}, "k")
    reply, body = call(admin, "DELETE", "/keys/delete", json=NOW)
    assert (reply.status, body["message"]) == (
        409,
        "Failed to delete key: Key k is still referenced by configuration and its material must not be destroyed: "
        "kms-service-default-key. Remove or repoint the listed configuration, then retry",
    )
    assert body["impact"]["references"][0]["kind"] == "service-default-key"
    assert call(admin, "DELETE", "/keys/delete", json={"key_id": "k"})[0].status == 200
    admin.core.clock.advance(31 * 86400)
    assert call(admin, "GET", "/keys/k")[1]["key_metadata"]["key_state"] == "PendingDeletion"
    body = {**backend, "master_key": None} if backend is LOCAL else backend
    assert call(admin, "POST", "/reconfigure", json=body)[1]["success"]
    assert call(admin, "GET", "/keys/k")[0].status == 404


@pytest.mark.parametrize(("backend", "doubled"), [(LOCAL, True), (KV2, True), (TRANSIT, False)])
def test_an_unknown_key_is_not_deleted(backend: dict[str, Any], doubled: bool) -> None:
    reply, body = call(running(backend), "DELETE", "/keys/delete", json={"key_id": "x"})
    text = "Key x not found" if doubled else "x"
    assert (reply.status, body["message"]) == (404, f"Failed to delete key: Key not found: {text}")


def test_a_service_whose_vault_is_sealed_is_running_and_unhealthy() -> None:
    core = Core(clock=frozen(), entropy=Entropy(1))
    core.bootstrap("root")
    core.handle(Request(Operation.UPDATE, "sys/mounts/transit", data={"type": "transit"}, token="root"))
    admin = RustfsAdmin(core, api="current", vault="embedded")
    body = {**TRANSIT, "auth_method": {"Token": {"token": "root"}}}
    assert call(admin, "POST", "/configure", json=body)[1]["success"]
    assert call(admin, "POST", "/start")[1]["status"] == "Running"
    seen = []
    for sealed in (False, True, True, False):
        core.seal.barrier.sealed = sealed
        found = call(admin, "GET", "/service-status")[1]
        seen.append((found["status"], found["healthy"], call(admin, "GET", "/status")[1]["backend_status"]))
    well, ill = ("Running", True, "healthy"), ("Running", False, "error")
    assert seen == [well, ill, ill, well]


@pytest.mark.parametrize("stopped", [False, True])
def test_a_reload_runs_the_service(stopped: bool) -> None:
    admin = running(LOCAL, "k")
    if stopped:
        call(admin, "POST", "/stop")
    _, body = call(admin, "POST", "/reload")
    assert (body["success"], body["status"]) == (True, "Running")
    assert (admin.state.cache.entries == {}) is stopped  # a service that runs already is left alone


def test_what_a_static_backend_cannot_do() -> None:
    admin = fresh(api="current")
    admin.seed({"static": {"key_id": "main", "secret_key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}})
    main = {"key_id": "main"}
    requests = [
        ("POST", "/keys", {"tags": {"name": "x"}}, 501, "failed to create key", "create_key"),
        ("DELETE", "/keys/delete", main, 501, "Failed to delete key", "delete_key"),
        ("POST", "/keys/cancel-deletion", main, 500, "Failed to cancel key deletion", "cancel_key_deletion"),
    ]
    for method, path, body, status, doing, operation in requests:
        reply, answer = call(admin, method, path, json=body)
        text = f"{doing}: Operation '{operation}' is not supported by KMS backend 'static'"
        assert (reply.status, answer["message"]) == (status, text)
    assert call(admin, "POST", "/keys", json={"tags": {"name": "main"}})[0].status == 409
    assert call(admin, "GET", "/keys/x")[0].status == 404
    assert call(admin, "POST", "/generate-data-key", json={"key_id": "a/b", "key_spec": "Aes256"})[0].status == 404


@pytest.mark.parametrize("paths", [{"client_cert_path": "/c"}, {"client_key_path": "/k"}])
def test_a_client_certificate_and_its_key_belong_together(paths: dict[str, str]) -> None:
    text = "Vault client_cert_path and client_key_path must be configured together for mTLS"
    for body in (TRANSIT, KV2):
        message = call(fresh(api="current"), "POST", "/configure", json={**body, **paths})[1]["message"]
        assert message == f"Failed to configure KMS: Configuration error: {text}"


def test_texts_of_refusals() -> None:
    admin = running(LOCAL, "k")
    body = {"key_id": "k", "force_immediate": True, "confirm_key_id": "j"}
    message = call(admin, "DELETE", "/keys/delete", json=body)[1]["message"]
    assert message.endswith("immediate deletion of key k requires confirm_key_id to repeat the key id exactly")
    reply, _ = call(admin, "POST", "/create-key", "keyId=a", json={"tags": {"name": "b"}})
    assert reply.status == 400
    assert b"key name in the query (a) and in tags.name (b) differ" in reply.body
    reply, answer = call(admin, "POST", "/keys/rekey")
    assert (reply.status, answer["error"]) == (
        501, "the configured KMS backend does not support rewrapping data-key envelopes"
    )  # fmt: skip
    reply, _ = call(admin, "POST", "/keys/rekey", body=b"{")
    assert b"invalid rekey request body: EOF while parsing an object" in reply.body
    call(admin, "POST", "/stop")
    reply, _ = call(admin, "POST", "/create-key", "keyId=a", json={"tags": {"name": "b"}})
    assert (reply.status, b"kms service is not initialized" in reply.body) == (500, True)


def test_a_local_backend_after_a_vault_keeps_its_own_settings() -> None:
    admin = fresh(api="current")
    assert call(admin, "POST", "/configure", json=TRANSIT)[1]["success"]
    body = {**LOCAL, "file_permissions": 384}
    assert call(admin, "POST", "/configure", json=body)[1]["message"] == "KMS configured successfully"
    shown = call(admin, "GET", "/service-status")[1]["config_summary"]["backend_summary"]
    assert (shown["has_master_key"], shown["file_permissions"]) == (True, 384)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "Failed to configure KMS: Configuration error: "
         "Vault Transit Kubernetes ServiceAccount token path cannot be empty"),
        ("/t", "KMS configured successfully"),
    ],
)  # fmt: skip
def test_a_kubernetes_login_needs_the_path_of_its_token(path: str, message: str) -> None:
    body = {**TRANSIT, "auth_method": {"Kubernetes": {"role": "r", "jwt_path": path}}}
    assert call(fresh(api="current"), "POST", "/configure", json=body)[1]["message"] == message


@pytest.mark.parametrize(
    ("backend", "age", "rotated", "due", "reason"),
    [
        (KV2, 0, False, False, None),
        (KV2, 7200, False, True, "never_rotated"),
        (KV2, 7200, True, True, "age"),
        (KV2, 7201, False, False, None),
        (KV2, 60, True, True, "age"),
        (TRANSIT, 7200, True, True, "never_rotated"),  # this backend does not record rotations
        (LOCAL, 7200, False, False, "unsupported"),
    ],
)
def test_lists_report_keys_that_are_due_for_rotation(
    backend: dict[str, Any], age: int, rotated: bool, due: bool, reason: str | None
) -> None:
    admin = running(backend, "k")
    admin.state.environment.rotation_max_age = age
    if rotated:
        assert call(admin, "POST", "/keys/rotate", json={"key_id": "k"})[0].status == 200
    admin.core.clock.advance(7200 if age != 60 else 3600)
    (key,) = call(admin, "GET", "/keys", "limit=1")[1]["keys"]
    assert (key["key_id"], key["rotation_due"], key.get("rotation_due_reason")) == ("k", due, reason)


DIGITS = "9" * 5000


def test_numbers_of_thousands_of_digits() -> None:
    admin = running(LOCAL, "k")
    reply, body = call(admin, "GET", "/keys", f"limit={DIGITS}")
    assert (reply.status, body["message"]) == (400, f"invalid limit '{DIGITS}': expected a non-negative integer")
    assert call(admin, "GET", "/list-keys", f"limit=%2B{'0' * 5000}2")[0].status == 200
    reply, _ = call(admin, "DELETE", "/keys/delete", f"keyId=k&pending_window_in_days={DIGITS}")
    assert reply.status == 200  # no number of this size: the default


@pytest.mark.parametrize(
    ("name", "fault"), [("..", "path traversal"), (".x", "must not start with a dot"), ("é" * 65, "longer than 128 ")]
)
def test_the_name_of_a_bundle_is_checked_after_the_service(name: str, fault: str) -> None:
    admin = fresh(api="current")
    body = {"bundle": name, "confirm_backup_id": name, "confirm_conflict_policy": "fail"}
    requests = [("/restore/dry-run", {"bundle": name}), ("/restore", body)]
    assert [call(admin, "POST", path, json=sent)[0].status for path, sent in requests] == [409, 409]
    admin.state.environment = RustfsEnvironment(backup_dir="/var/backup", backup_kek_id="kek")
    assert call(admin, "POST", "/configure", json=TRANSIT)[1]["success"]
    for path, sent in requests:
        reply, answer = call(admin, "POST", path, json=sent)
        assert reply.status == 400
        assert f": {fault}" in answer["message"]
    call(admin, "POST", "/start")
    assert [call(admin, "POST", path, json=sent)[0].status for path, sent in requests] == [400, 409]
