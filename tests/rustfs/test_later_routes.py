"""The five routes that the guide's code got later, whatever ``api`` says, but for ``current``."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mockkms.rustfs import RustfsAdmin
from mockkms.vault.framework.message import Operation, Request
from mockkms.vault.kernel.core import Core
from mockkms.world.entropy import Entropy
from tests.rustfs.driver import CONFIGURE, call, fresh, frozen

DAY = 86400
EARLIER = ["auto", "guide", "handler"]
LATER = [("POST", "/key/rotate"), ("DELETE", "/key/delete"), ("POST", "/rewrap"), ("POST", "/rewrap-bucket")]


def local(api: str) -> RustfsAdmin:
    admin = fresh(api=api)
    call(admin, "POST", "/configure", json={"kms_type": "local"})
    call(admin, "POST", "/key/create", "keyName=k")
    return admin


@pytest.mark.parametrize(("method", "path"), LATER)
def test_the_released_server_has_none_of_them(method: str, path: str) -> None:
    reply, _ = call(fresh(api="current"), method, path, "keyName=k")
    assert (reply.status, b"NotImplemented" in reply.body) == (501, True)


@pytest.mark.parametrize("api", ["guide", "handler"])
def test_paths_that_only_the_current_contract_has_are_served(api: str) -> None:
    admin = local(api)
    assert call(admin, "GET", "/service-status")[1]["status"] == "Running"
    assert call(admin, "GET", "/keys/k")[1]["key_metadata"]["key_id"] == "k"


@pytest.mark.parametrize("api", EARLIER)
@pytest.mark.parametrize(("method", "path"), LATER[:2])
def test_parameter_then_configuration_then_key(api: str, method: str, path: str) -> None:
    assert call(fresh(api=api), method, path)[1]["code"] == "MissingParameter"
    assert call(fresh(api=api), method, path, "keyName=x")[1]["code"] == "KMSNotConfigured"
    reply, body = call(local(api), method, path, "keyName=x")
    assert (reply.status, body["code"]) == ((400, "NoSuchKey") if api == "handler" else (404, "KeyNotFound"))


@pytest.mark.parametrize(("api", "status"), [("guide", "Enabled"), ("auto", "Enabled"), ("handler", "Active")])
def test_rotate_shows_the_key(api: str, status: str) -> None:
    admin = local(api)
    reply, body = call(admin, "POST", "/key/rotate", "key=k")
    assert (reply.status, body["keyName"], body["status"], body["algorithm"]) == (200, "k", status, "AES-256")
    assert len(admin.state.keys["k"].material) == 2


@pytest.mark.parametrize(
    ("query", "days"),
    [
        ("", 7),
        ("&pendingWindowDays=30", 30),
        ("&days=2", 2),
        ("&pendingWindowDays=30&days=2", 30),
        ("&days=0", 1),
        ("&days=-3", 1),
        ("&days=400", 365),
        ("&days=soon", 7),
    ],
)
def test_a_deleted_key_is_gone_after_its_window(query: str, days: int) -> None:
    admin = local("guide")
    reply, _ = call(admin, "DELETE", "/key/delete", f"keyName=k{query}")
    assert (reply.status, reply.body) == (200, b'"delete success"')
    admin.core.clock.advance(days * DAY - 1)
    assert call(admin, "GET", "/key/status", "keyName=k")[1]["status"] == "PendingDeletion"
    admin.core.clock.advance(1)
    assert call(admin, "GET", "/key/list")[1] == {"keys": []}
    assert call(admin, "GET", "/key/status", "keyName=k")[0].status == 404


def test_enabling_takes_a_deletion_back() -> None:
    admin = local("handler")
    call(admin, "DELETE", "/key/delete", "keyName=k")
    assert call(admin, "GET", "/key/status", "keyName=k")[1]["status"] == "PendingDeletion"
    call(admin, "PUT", "/key/enable", "keyName=k")
    admin.core.clock.advance(8 * DAY)
    assert call(admin, "GET", "/key/status", "keyName=k")[1]["status"] == "Active"


def test_config_is_the_handlers_only_where_it_is_asked_for() -> None:
    admin = fresh(api="handler")
    assert call(admin, "GET", "/config")[0].status == 503
    call(admin, "POST", "/configure", json={**CONFIGURE, "vault_namespace": "team", "vault_timeout_seconds": 5})
    shown = call(admin, "GET", "/config")[1]
    assert "your-vault-token" not in json.dumps(shown)
    assert shown == {
        "kms_type": "Vault",
        "default_key_id": None,
        "timeout_secs": 5,
        "retry_attempts": 3,
        "enable_audit": True,
        "audit_log_path": None,
        "backend": {
            "type": "vault",
            "address": CONFIGURE["vault_address"],
            "namespace": "team",
            "mount_path": "transit",
            "auth_method": "token",
        },
    }
    backend = call(local("handler"), "GET", "/config")[1]["backend"]
    assert backend == {"type": "local", "key_dir": "/tmp/kms_keys", "encrypt_files": False}
    assert "cache_enabled" in call(local("auto"), "GET", "/config")[1]


# -- rewrap, against the transit engine of the same world --------------------------------------------------------


@pytest.fixture
def core() -> Core:
    """A Vault with a transit key of one version."""
    core = Core(clock=frozen(), entropy=Entropy(1))
    core.bootstrap("root")
    ask(core, "sys/mounts/transit", type="transit")
    ask(core, "transit/keys/k")
    return core


def ask(core: Core, path: str, **data: Any) -> dict[str, Any]:
    response = core.handle(Request(Operation.UPDATE, path, data=data, token="root"))
    assert response.errors is None
    return dict(response.data or {})


def vaulted(core: Core, api: str = "guide") -> RustfsAdmin:
    admin = RustfsAdmin(core, api=api, vault="embedded")
    assert call(admin, "POST", "/configure", json={**CONFIGURE, "vault_token": "root"})[0].status == 200
    return admin


def framed(text: str, name: str = "k") -> str:
    """A ciphertext as the service keeps it."""
    return base64.b64encode(len(name).to_bytes(4, "big") + name.encode() + text.encode()).decode()


@pytest.mark.parametrize("context", [None, {"z": "1", "bucket": "b"}])
def test_rewrap_moves_a_ciphertext_to_the_newest_version(core: Core, context: dict[str, str] | None) -> None:
    admin = vaulted(core)
    bound = {"associated_data": base64.b64encode(b'{"bucket":"b","z":"1"}').decode()} if context else {}
    sealed = ask(core, "transit/encrypt/k", plaintext="c2VjcmV0", **bound)["ciphertext"]
    assert call(admin, "POST", "/key/rotate", "keyName=k")[0].status == 200
    reply, body = call(admin, "POST", "/rewrap", json={"ciphertext_b64": framed(sealed), "context": context})
    assert (reply.status, list(body)) == (200, ["ciphertext_b64"])
    again = base64.b64decode(body["ciphertext_b64"])
    assert again[:13] == b"\0\0\0\1kvault:v2"
    assert ask(core, "transit/decrypt/k", ciphertext=again[5:].decode(), **bound)["plaintext"] == "c2VjcmV0"


def test_rewrap_with_keys_of_its_own() -> None:
    admin = fresh(api="guide")
    admin.seed({"configured": True, "keys": {"k": {"material": [base64.b64encode(b"m" * 32).decode()]}}})
    nonce = b"n" * 12
    sealed = nonce + AESGCM(b"m" * 32).encrypt(nonce, b"secret", b"")
    text = f"vault:v1:{base64.b64encode(sealed).decode()}"
    call(admin, "POST", "/key/rotate", "keyName=k")
    _, body = call(admin, "POST", "/rewrap", json={"ciphertext_b64": framed(text)})
    again = base64.b64decode(body["ciphertext_b64"])[5:].decode()
    assert again.startswith("vault:v2:")
    raw = base64.b64decode(again.removeprefix("vault:v2:"))
    assert AESGCM(admin.state.keys["k"].material[1]).decrypt(raw[:12], raw[12:], b"") == b"secret"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "InvalidJSON"),
        (b"{}", "InvalidJSON"),
        (b'{"ciphertext_b64":5}', "InvalidJSON"),
        (b'{"ciphertext_b64":"x","context":{"a":1}}', "InvalidJSON"),
        (b'{"ciphertext_b64":"*"}', "InvalidBase64"),
        (b'{"ciphertext_b64":"AAAA"}', "InternalError"),
        (json.dumps({"ciphertext_b64": framed("vault:v1:AAAA")}).encode(), "BackendError"),
        (json.dumps({"ciphertext_b64": framed("vault:v1:AAAA", "none")}).encode(), "KeyNotFound"),
    ],
)
def test_what_cannot_be_rewrapped(core: Core, body: bytes, code: str) -> None:
    reply, answer = call(vaulted(core), "POST", "/rewrap", body=body)
    assert (reply.status, answer["code"]) == (404 if code == "KeyNotFound" else 400, code)
    if code == "InvalidBase64":
        assert answer["message"] == "ciphertext_b64 is invalid"


def test_a_local_service_rewraps_nothing() -> None:
    reply, body = call(local("guide"), "POST", "/rewrap", json={"ciphertext_b64": framed("vault:v1:AAAA")})
    assert (reply.status, body["code"]) == (400, "InternalError")


def test_a_bucket_is_rewrapped(core: Core) -> None:
    admin = vaulted(core)
    sealed = framed(ask(core, "transit/encrypt/k", plaintext="c2VjcmV0")["ciphertext"])
    objects = {"a/1": sealed, "a/b/2": sealed, "a/plain": "", "a/torn": framed("vault:v1:AAAA"), "z": sealed}
    admin.seed({**admin.dump(), "buckets": {"photos": objects}}, root_token="root")
    ask(core, "transit/keys/k/rotate")
    asked = {"bucket": "photos", "prefix": "a/", "dry_run": True}
    _, tried = call(admin, "POST", "/rewrap-bucket", json=asked)
    assert admin.state.buckets == {"photos": objects}
    _, done = call(admin, "POST", "/rewrap-bucket", json={**asked, "dry_run": False})
    errors = done.pop("errors")
    assert done == {"bucket": "photos", "prefix": "a/", "processed": 4, "rewrapped": 2, "skipped": 1}
    assert [(error["key"], sorted(error)) for error in errors] == [("a/torn", ["error", "key", "status"])]
    assert tried == {**done, "errors": errors}
    moved = {name for name, text in admin.state.buckets["photos"].items() if text != objects[name]}
    assert moved == {"a/1", "a/b/2"}
    _, flat = call(admin, "POST", "/rewrap-bucket", json={**asked, "recursive": False, "max_objects": 1})
    assert (flat["processed"], flat["rewrapped"]) == (1, 1)


def test_an_unknown_bucket(core: Core) -> None:
    reply, body = call(vaulted(core), "POST", "/rewrap-bucket", json={"bucket": "none"})
    assert (reply.status, body["code"]) == (400, "NoSuchBucket")
    assert call(vaulted(core), "POST", "/rewrap-bucket", json={})[1]["code"] == "InvalidJSON"


def test_transit_loses_a_deleted_key_after_its_window(core: Core) -> None:
    admin = vaulted(core, "handler")
    call(admin, "DELETE", "/key/delete", "keyName=k&days=1")
    core.clock.advance(DAY)
    call(admin, "GET", "/key/list")
    assert core.handle(Request(Operation.READ, "transit/keys/k", token="root")).status == 404
