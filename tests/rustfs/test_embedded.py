"""``vault="embedded"``: the admin API as a client of the emulated Vault in the same world."""

from __future__ import annotations

import base64
import json
import pickle
from typing import Any
from urllib.parse import quote

import pytest

from mockkms.rustfs import RustfsAdmin
from mockkms.vault.framework.message import Operation, Request, Response
from mockkms.vault.framework.world_section import SpecFault
from mockkms.vault.kernel.core import Core
from mockkms.world.entropy import Entropy
from tests.rustfs.driver import CONFIGURE, call, frozen

ALL_OF_TRANSIT = 'path "transit/*" { capabilities = ["create", "read", "update", "list"] }'
LOOK_ONLY = """
path "transit/keys" { capabilities = ["list"] }
path "transit/keys/*" { capabilities = ["read", "list"] }
"""


def ask(core: Core, operation: Operation, path: str, token: str = "root", **data: Any) -> Response:
    """One request of Vault."""
    return core.handle(Request(operation, path, data=data, token=token))


@pytest.fixture
def core() -> Core:
    """A Vault with a transit mount."""
    core = Core(clock=frozen(), entropy=Entropy(1))
    core.bootstrap("root")
    assert ask(core, Operation.UPDATE, "sys/mounts/transit", type="transit").errors is None
    return core


def configured(core: Core, api: str = "guide", **change: Any) -> RustfsAdmin:
    admin = RustfsAdmin(core, api=api, vault="embedded")
    reply, body = call(admin, "POST", "/configure", json={**CONFIGURE, "vault_token": "root", **change})
    assert (reply.status, body["success"]) == (200, True)
    return admin


def names(core: Core) -> list[str]:
    """The keys of transit."""
    found = ask(core, Operation.LIST, "transit/keys/").data
    return list(found["keys"]) if found else []


def test_keys_live_in_transit_both_ways(core: Core) -> None:
    admin = configured(core)
    assert call(admin, "GET", "/key/list")[1] == {"keys": []}
    _, made = call(admin, "POST", "/key/create", "keyName=orders")
    assert names(core) == ["orders"]
    core.clock.advance(60)
    ask(core, Operation.UPDATE, "transit/keys/bills", type="aes128-gcm96")
    bills, orders = call(admin, "GET", "/key/list")[1]["keys"]
    assert orders == {**made, "algorithm": "AES-256"}
    assert (bills["keyName"], bills["algorithm"], bills["createdAt"]) == ("bills", "AES-128", "2026-01-01T00:01:00Z")
    assert call(admin, "GET", "/key/status", "keyName=bills")[1] == bills
    reply, body = call(admin, "POST", "/key/create", "keyName=bills")
    assert (reply.status, body["code"]) == (400, "KeyAlreadyExists")
    ask(core, Operation.UPDATE, "transit/keys/bills/config", deletion_allowed=True)
    ask(core, Operation.DELETE, "transit/keys/bills")
    assert call(admin, "GET", "/key/status", "keyName=bills")[0].status == 404


def test_disable_is_kept_beside_transit(core: Core) -> None:
    admin = configured(core)
    call(admin, "POST", "/key/create", "keyName=k")
    assert call(admin, "PUT", "/key/disable", "keyName=k")[1]["status"] == "Disabled"
    assert call(admin, "GET", "/key/list")[1]["keys"][0]["status"] == "Disabled"


def test_a_refused_token_and_a_missing_mount_are_no_connection(core: Core) -> None:
    admin = RustfsAdmin(core, vault="embedded")
    for change in ({"vault_token": "wrong"}, {"vault_token": "root", "vault_mount_path": "elsewhere"}):
        reply, body = call(admin, "POST", "/configure", json={**CONFIGURE, **change})
        assert (reply.status, body["code"], body["message"]) == (
            400,
            "InvalidConfiguration",
            "Failed to connect to Vault",
        )
        assert call(admin, "GET", "/status")[0].status == 503


def test_a_sealed_vault_refuses_configure_and_makes_the_service_unhealthy(core: Core) -> None:
    admin = configured(core)
    assert ask(core, Operation.UPDATE, "sys/seal").errors is None
    assert call(admin, "GET", "/status")[1] == {"status": "Failed", "backend": "vault", "healthy": False}
    reply, body = call(admin, "POST", "/configure", json={**CONFIGURE, "vault_token": "root"})
    assert (reply.status, body["message"]) == (400, "Failed to connect to Vault")
    reply, body = call(admin, "GET", "/key/list")
    assert (reply.status, body["code"]) == (500, "BackendError")
    assert "sealed" in body["message"]


def test_an_approle_must_log_in(core: Core) -> None:
    ask(
        core,
        Operation.UPDATE,
        "sys/policies/acl/kms",
        policy=ALL_OF_TRANSIT,
    )
    ask(core, Operation.UPDATE, "sys/auth/approle", type="approle")
    ask(core, Operation.UPDATE, "auth/approle/role/rustfs", token_policies="kms")
    role = ask(core, Operation.READ, "auth/approle/role/rustfs/role-id").data
    secret = ask(core, Operation.UPDATE, "auth/approle/role/rustfs/secret-id").data
    assert role
    assert secret
    fields = {"vault_token": None, "vault_app_role_id": role["role_id"]}
    admin = RustfsAdmin(core, vault="embedded")
    refused, _ = call(admin, "POST", "/configure", json={**CONFIGURE, **fields, "vault_app_role_secret_id": "no"})
    assert refused.status == 400
    admin = configured(core, **fields, vault_app_role_secret_id=secret["secret_id"])
    assert admin.state.client_token not in ("", "root")
    call(admin, "POST", "/key/create", "keyName=by-role")
    assert names(core) == ["by-role"]


def test_a_credential_that_may_not_is_denied_access(core: Core) -> None:
    ask(core, Operation.UPDATE, "sys/policies/acl/look", policy=LOOK_ONLY)
    made = ask(core, Operation.UPDATE, "auth/token/create", policies=["look"])
    assert made.auth
    admin = configured(core, vault_token=made.auth.client_token)
    reply, body = call(admin, "POST", "/key/create", "keyName=k")
    assert (reply.status, body["code"], body["message"]) == (403, "AccessDenied", "Access denied")


@pytest.mark.parametrize("name", ["a/b", "../../sys/seal", "k?x", "", "%2e%2e"])
def test_no_name_reaches_another_path_of_vault(core: Core, name: str) -> None:
    admin = configured(core)
    before = pickle.dumps(core.state)
    for method, path in (("GET", "/key/status"), ("PUT", "/key/disable")):
        assert call(admin, method, path, f"keyName={quote(name, safe='')}")[0].status == 404
    assert pickle.dumps(core.state) == before


def test_a_seed_makes_its_keys_in_transit(core: Core) -> None:
    admin = RustfsAdmin(core)
    admin.seed({"vault": "embedded", "configured": True, "keys": {"orders": {"status": "Disabled"}}}, root_token="root")
    assert names(core) == ["orders"]
    assert call(admin, "GET", "/key/status", "keyName=orders")[1]["status"] == "Disabled"
    with pytest.raises(SpecFault, match=r"keys\.k: permission denied|keys\.k: "):
        RustfsAdmin(core).seed({"vault": "embedded", "configured": True, "keys": {"k": None}}, root_token="wrong")


def test_the_current_contract_wraps_data_keys_in_transit(core: Core) -> None:
    admin = RustfsAdmin(core, api="current", vault="embedded")
    body = {
        "backend_type": "VaultTransit",
        "address": "http://127.0.0.1:8200",
        "auth_method": {"Token": {"token": "root"}},
        "allow_insecure_dev_defaults": True,
    }
    assert call(admin, "POST", "/configure", json=body)[1]["status"] == "Configured"
    assert call(admin, "POST", "/start")[1]["status"] == "Running"
    call(admin, "POST", "/keys", json={"tags": {"name": "k"}})
    asked = {"key_id": "k", "key_spec": "Aes256", "encryption_context": {"bucket": "b"}}
    _, made = call(admin, "POST", "/generate-data-key", json=asked)
    envelope = json.loads(base64.b64decode(made["ciphertext_blob"]))
    bound = base64.b64encode(b'{"bucket":"b"}').decode()
    opened = ask(
        core,
        Operation.UPDATE,
        "transit/decrypt/k",
        ciphertext=bytes(envelope["encrypted_key"]).decode(),
        associated_data=bound,
    )
    assert opened.data
    assert opened.data["plaintext"] == made["plaintext_key"]
    call(admin, "POST", "/keys/rotate", json={"key_id": "k"})
    assert ask(core, Operation.READ, "transit/keys/k").data["latest_version"] == 2  # type: ignore[index]
    ask(core, Operation.UPDATE, "sys/seal")
    assert call(admin, "GET", "/service-status")[1]["healthy"] is False


def started(core: Core, backend: str) -> RustfsAdmin:
    """A running service of the current contract."""
    admin = RustfsAdmin(core, api="current", vault="embedded")
    body = {
        "backend_type": backend,
        "address": "http://127.0.0.1:8200",
        "auth_method": {"Token": {"token": "root"}},
        "allow_insecure_dev_defaults": True,
    }
    assert call(admin, "POST", "/configure", json=body)[1]["success"]
    assert call(admin, "POST", "/start")[1]["status"] == "Running"
    return admin


def test_the_kv2_backend_keeps_its_records_in_the_vault(core: Core) -> None:
    admin = started(core, "VaultKV2")
    call(admin, "POST", "/keys", json={"tags": {"name": "k", "team": "a"}, "description": "d"})
    call(admin, "POST", "/keys/disable", json={"key_id": "k"})
    place = "rustfs/kms/keys"
    listed = ask(core, Operation.LIST, f"secret/metadata/{place}/").data
    assert listed == {"keys": ["k", "rustfs-internal-kms-probe"]}
    found = ask(core, Operation.READ, f"secret/data/{place}/k").data
    assert found
    record = found["data"]
    assert (record["status"], record["version"], record["tags"]["team"], record["description"]) == (
        "Disabled", 1, "a", "d"
    )  # fmt: skip
    assert len(base64.b64decode(record["encrypted_key_material"])) == 32
    assert record["created_at"].endswith("+00:00[Etc/UTC]")
    call(admin, "POST", "/keys/enable", json={"key_id": "k"})
    call(admin, "POST", "/keys/rotate", json={"key_id": "k"})
    assert ask(core, Operation.LIST, f"secret/metadata/{place}/k/versions/").data == {"keys": ["1", "2"]}
    found = ask(core, Operation.READ, f"secret/data/{place}/k").data
    assert found
    assert (found["data"]["version"], found["data"]["baseline_version"]) == (2, 1)


def test_seeded_keys_of_the_kv2_backend_have_records(core: Core) -> None:
    admin = RustfsAdmin(core, api="current")
    settings = {"backend": "VaultKV2", "token": "root", "dev_defaults": True}
    admin.seed({"vault": "embedded", "api": "current", "configured": True, "settings": settings, "keys": {"k": {}}})
    before = pickle.dumps(core.state)
    admin.seed(admin.dump())
    assert pickle.dumps(core.state) == before
    assert call(admin, "POST", "/keys/disable", json={"key_id": "k"})[0].status == 200
    ask(core, Operation.DELETE, "secret/metadata/rustfs/kms/keys/k")
    reply, body = call(admin, "POST", "/keys/enable", json={"key_id": "k"})
    assert (reply.status, body["message"]) == (404, "Failed to enable key: Key not found: k")


def test_the_transit_backend_keeps_what_transit_does_not_know(core: Core) -> None:
    admin = started(core, "VaultTransit")
    call(admin, "POST", "/keys", json={"tags": {"name": "k"}, "description": "d"})
    call(admin, "DELETE", "/keys/delete", json={"key_id": "k"})
    found = ask(core, Operation.READ, "secret/data/rustfs/kms/transit-metadata/k").data
    assert found
    record = found["data"]
    assert (record["key_state"], record["origin"], record["description"]) == ("PendingDeletion", "VAULT_TRANSIT", "d")
    assert record["deletion_date"].startswith("2026-01-31T")
    assert "k" in names(core)


@pytest.mark.parametrize(
    ("backend", "place"), [("VaultTransit", "rustfs/kms/transit-metadata"), ("VaultKV2", "rustfs/kms/keys")]
)
def test_a_due_deletion_removes_key_and_record_from_the_vault(core: Core, backend: str, place: str) -> None:
    admin = started(core, backend)
    call(admin, "POST", "/keys", json={"tags": {"name": "k"}})
    call(admin, "DELETE", "/keys/delete", json={"key_id": "k", "pending_window_in_days": 7})
    assert ask(core, Operation.READ, f"secret/data/{place}/k").data
    core.clock.advance(7 * 86400 - 1)
    assert call(admin, "GET", "/keys/k")[0].status == 200
    core.clock.advance(1)
    assert call(admin, "GET", "/keys/k")[0].status == 404
    assert ask(core, Operation.READ, f"secret/data/{place}/k").status == 404
    assert "k" not in names(core)
    assert call(admin, "POST", "/keys", json={"tags": {"name": "k"}})[1]["success"] is True


def test_a_sealed_vault_keeps_a_due_key(core: Core) -> None:
    admin = started(core, "VaultTransit")
    call(admin, "POST", "/keys", json={"tags": {"name": "k"}})
    call(admin, "DELETE", "/keys/delete", json={"key_id": "k", "pending_window_in_days": 7})
    core.clock.advance(7 * 86400)
    core.seal.seal()
    assert call(admin, "GET", "/keys/k")[0].status == 500
    core.seal.barrier.sealed = False
    assert call(admin, "GET", "/keys/k")[0].status == 404
    assert "k" not in names(core)


def test_a_record_that_cannot_be_written_changes_nothing(core: Core) -> None:
    admin = started(core, "VaultKV2")
    call(admin, "POST", "/keys", json={"tags": {"name": "k"}})
    ask(core, Operation.UPDATE, "sys/seal")
    reply, body = call(admin, "POST", "/keys/disable", json={"key_id": "k"})
    assert (reply.status, body["message"]) == (
        500,
        "Failed to disable key: Backend error: Failed to read key metadata from Vault: "
        "The Vault server returned an error (status code 503)",
    )
    assert call(admin, "GET", "/keys/k")[1]["key_metadata"]["key_state"] == "Enabled"


REFUSED = "The Vault server returned an error (status code 403)"


def limited(core: Core, backend: str, policy: str) -> RustfsAdmin:
    """A running service with a key ``k``, whose token then may do only what ``policy`` says."""
    admin = started(core, backend)
    call(admin, "POST", "/keys", json={"tags": {"name": "k"}})
    ask(core, Operation.UPDATE, "sys/policies/acl/some", policy=policy)
    made = ask(core, Operation.UPDATE, "auth/token/create", policies=["some"])
    assert made.auth
    assert admin.state.settings
    admin.state.client_token = admin.state.settings.token = made.auth.client_token
    return admin


READ_KEYS = 'path "transit/keys/*" { capabilities = ["read"] }'
READ_ALL = 'path "*" { capabilities = ["read", "list"] }'


@pytest.mark.parametrize(
    ("backend", "policy", "method", "path", "body", "message"),
    [
        ("VaultTransit", "", "POST", "/keys", {"tags": {"name": "n"}},
         "failed to create key: Backend error: Vault Transit read failed for key n: "),
        ("VaultTransit", READ_KEYS, "POST", "/keys", {"tags": {"name": "n"}},
         "failed to create key: Backend error: Failed to create Vault Transit key n: "),
        ("VaultTransit", "", "POST", "/keys/rotate", {"key_id": "k"},
         "Failed to rotate key: Backend error: Failed to rotate Vault Transit key k: "),
        ("VaultTransit", "", "POST", "/keys/disable", {"key_id": "k"},
         "Failed to disable key: Backend error: Failed to read transit key metadata version from Vault KV: "),
        ("VaultTransit", READ_ALL, "POST", "/keys/tag", {"key_id": "k", "tags": {"a": "b"}},
         "Failed to tag key: Backend error: Failed to write transit key metadata to Vault KV: "),
        ("VaultKV2", "", "POST", "/keys", {"tags": {"name": "n"}},
         "failed to create key: Backend error: Failed to read key record from Vault: "),
        ("VaultKV2", READ_ALL, "POST", "/keys", {"tags": {"name": "n"}},
         "failed to create key: Backend error: Failed to store key in Vault: "),
        ("VaultKV2", READ_ALL, "POST", "/keys/rotate", {"key_id": "k"},
         "Failed to rotate key: Backend error: Failed to store key version record in Vault: "),
        ("VaultKV2", READ_ALL, "DELETE", "/keys/delete", {"key_id": "k"},
         "Failed to delete key: Backend error: Failed to store key in Vault: "),
        ("VaultTransit", "", "DELETE", "/keys/delete", {"key_id": "k"},
         "Failed to delete key: Backend error: Vault Transit read failed for key k: "),
    ],
)  # fmt: skip
def test_errors_of_the_vault_have_the_servers_messages(
    core: Core, backend: str, policy: str, method: str, path: str, body: dict[str, Any], message: str
) -> None:
    admin = limited(core, backend, policy)
    before = pickle.dumps(admin.state.keys)
    reply, answer = call(admin, method, path, json=body)
    assert (reply.status, answer["message"]) == (500, message + REFUSED)
    assert pickle.dumps(admin.state.keys) == before


def test_a_data_key_that_the_vault_refuses(core: Core) -> None:
    admin = limited(core, "VaultTransit", "")
    body = {"key_id": "k", "key_spec": "Aes256"}
    reply, _ = call(admin, "POST", "/generate-data-key", json=body)
    assert reply.status == 500
    text = f"failed to generate data key: Backend error: Vault Transit encrypt failed for key k: {REFUSED}"
    assert text.encode() in reply.body


@pytest.mark.parametrize(
    ("backend", "mount", "text"),
    [
        ("VaultTransit", "nowhere",
         "Vault Transit health check failed: The Vault server returned an error (status code 404)"),
        ("VaultTransit", "transit", f"Vault Transit health check failed: {REFUSED}"),
        ("VaultKV2", "secret", f"Failed to list keys in Vault kv_mount 'secret': {REFUSED}"),
        ("VaultKV2", "nowhere", "Failed to list keys in Vault kv_mount 'nowhere': no handler for route "
         '"nowhere/metadata/rustfs/kms/keys/". route entry not found.'),
    ],
)  # fmt: skip
def test_a_start_that_the_vault_refuses(core: Core, backend: str, mount: str, text: str) -> None:
    admin = RustfsAdmin(core, api="current", vault="embedded")
    token = "root" if mount == "nowhere" else "nobody"
    body = {
        "backend_type": backend,
        "address": "http://127.0.0.1:8200",
        "auth_method": {"Token": {"token": token}},
        "allow_insecure_dev_defaults": True,
        "mount_path": mount if backend == "VaultTransit" else None,
        **({"kv_mount": mount} if backend == "VaultKV2" else {}),
    }
    assert call(admin, "POST", "/configure", json=body)[1]["success"]
    answer = call(admin, "POST", "/start")[1]
    assert answer["status"] == {"Error": f"Failed to create KMS backend: Backend error: {text}"}
