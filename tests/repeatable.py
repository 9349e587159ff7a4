"""One fixed conversation with a seeded server, as the bytes that a client saw and the journal that was kept.

``python -m tests.repeatable`` prints its digest, so that processes can be compared.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

from mockkms import MockKMS

POLICY = 'path "transit/*" { capabilities = ["create", "update", "read"] }\npath "secret/*" { capabilities = ["deny"] }'
LUCK = {"path": "transit/decrypt/orders", "operation": "update"}
WORLD: dict[str, Any] = {
    "mockkms": 1,
    "rng": 42,
    "clock": "2026-01-01T00:00:00Z",
    "vault": {
        "root_token": "root",
        "policies": {"app": POLICY, "other": POLICY},
        "mounts": {
            "transit/": {
                "type": "transit",
                "keys": {
                    "orders": {"type": "aes256-gcm96", "versions": 3},
                    "signer": {"type": "ed25519"},
                    "rsa": {"type": "rsa-2048"},
                },
            },
            "secret/": {"type": "kv", "version": 2, "secrets": {"app/db": {"password": "s3cr3t", "user": "app"}}},
        },
        "auth": {
            "approle/": {"type": "approle", "roles": {"web": {"role_id": "web-role", "token_policies": ["app"]}}},
            "userpass/": {"type": "userpass", "users": {"anna": {"password": "pw", "token_policies": ["app"]}}},
        },
    },
    "rustfs": {"configured": True, "keys": {"bucket": {"status": "Enabled"}}},
    "faults": [
        {"match": LUCK, "chance": 0.5, "delay": {"uniform": [0, 0.001]}, "headers": {"X-Luck": "1"}},
        {"match": LUCK, "chance": 0.3, "reset": True},
        {"match": LUCK, "chance": 0.3, "garbage": 20},
        {"match": LUCK, "chance": 0.4, "flip": True},
        {"match": LUCK, "chance": 0.3, "answer": "sealed"},
    ],
}  # fmt: skip
PLAIN = base64.b64encode(b"plain text").decode()
Send = Callable[..., Any]


class Conversation:
    """Sends requests over one connection after another and keeps what came back, byte by byte."""

    def __init__(self, kms: MockKMS) -> None:
        self._port = int(kms.url.rpartition(":")[2])
        self._line: http.client.HTTPConnection | None = None
        self.seen = hashlib.sha256()
        self.answers: list[tuple[str, bytes]] = []
        """Method and path, and status, headers but ``Date``, and body."""

    def send(self, method: str, path: str, data: Any = None, *, token: str = "root", **headers: str) -> Any:
        """One request; the JSON of its answer, or None."""
        if self._line is None:
            self._line = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        body = None if data is None else json.dumps(data).encode()
        given = {"Host": "vault.test", "X-Vault-Token": token}
        given |= {name.replace("_", "-"): text for name, text in headers.items()}
        try:
            self._line.request(method, path, body, given)
            answer = self._line.getresponse()
            content = answer.read()
            shown = [f"{name}: {text}" for name, text in answer.getheaders() if name != "Date"]
            kept = "\n".join([str(answer.status), *shown, ""]).encode() + content
        except (ConnectionError, http.client.HTTPException) as error:
            # Whether a cut is seen while sending or while reading is up to the system.
            kept, content = b"cut" if isinstance(error, ConnectionError) else type(error).__name__.encode(), b""
            self.close()
        self.answers.append((f"{method} {path}", kept))
        return json.loads(content) if content[:1] in (b"{", b"[") else None

    def close(self) -> None:
        """End the connection; the next request opens another one."""
        if self._line is not None:
            self._line.close()
            self._line = None


def talk(send: Send) -> None:
    """The requests that are quick: all that draws, hashes, orders or tells the time."""
    tokens(send)
    secrets(send)
    transit(send)
    logins(send)
    keys(send)


def tokens(send: Send) -> None:
    made = send(
        "POST", "/v1/auth/token/create", {"policies": ["other", "app"], "ttl": "1h", "meta": {"b": "1", "a": "2"}}
    )
    token = made["auth"]["client_token"]
    send("GET", "/v1/auth/token/lookup-self", token=token)
    send("POST", "/v1/auth/token/create", {"type": "batch", "policies": ["app"], "ttl": "1h"})
    send("GET", "/v1/secret/data/app/db", token=token)
    send("POST", "/v1/sys/capabilities-self", {"paths": ["transit/x", "secret/y"]}, token=token)
    send("LIST", "/v1/auth/token/accessors")
    wrapped = send("POST", "/v1/auth/token/create", {}, X_Vault_Wrap_TTL="60s")
    send("POST", "/v1/sys/wrapping/lookup", {"token": wrapped["wrap_info"]["token"]})
    send("POST", "/v1/sys/wrapping/unwrap", {}, token=wrapped["wrap_info"]["token"])
    send("POST", "/v1/auth/token/revoke-self", {}, token=token)


def secrets(send: Send) -> None:
    send("POST", "/v1/secret/data/luck", {"data": {"z": 1, "a": [1, 2]}})
    send("GET", "/v1/secret/data/app/db")
    send("POST", "/v1/secret/data/app/x", {"data": {}, "options": {"cas": 3}})
    send("LIST", "/v1/secret/metadata/?list=true")
    send("GET", "/v1/secret/metadata/luck")


def transit(send: Send) -> None:
    send("POST", "/v1/transit/keys/new", {"type": "ecdsa-p256", "exportable": True})
    send("GET", "/v1/transit/export/signing-key/new")
    text = send("POST", "/v1/transit/encrypt/orders", {"plaintext": PLAIN})["data"]["ciphertext"]
    for _ in range(8):
        send("POST", "/v1/transit/decrypt/orders", {"ciphertext": text})
    send("POST", "/v1/transit/encrypt/orders", {"batch_input": [{"plaintext": PLAIN}, {"plaintext": "*"}]})
    send("POST", "/v1/transit/sign/signer", {"input": PLAIN})
    send("POST", "/v1/transit/sign/rsa", {"input": PLAIN, "signature_algorithm": "pkcs1v15"})
    send("POST", "/v1/transit/hmac/orders", {"input": PLAIN})
    send("POST", "/v1/transit/datakey/plaintext/orders", {})
    send("POST", "/v1/transit/random/32", {"format": "hex"})


def further_keys(send: Send) -> None:
    for kind in ("aes128-gcm96", "chacha20-poly1305", "ed25519", "rsa-3072", "hmac"):
        size = 32 if kind == "hmac" else 0
        send("POST", f"/v1/transit/keys/{kind}", {"type": kind, "exportable": True, "key_size": size})
        send("GET", f"/v1/transit/keys/{kind}")
    send("GET", "/v1/transit/export/encryption-key/rsa-3072")


def logins(send: Send) -> None:
    secret = send("POST", "/v1/auth/approle/role/web/secret-id", {"metadata": '{"b":"1","a":"2"}'})["data"]["secret_id"]
    login = send("POST", "/v1/auth/approle/login", {"role_id": "web-role", "secret_id": secret})
    send("GET", "/v1/auth/token/lookup-self", token=login["auth"]["client_token"])
    send("POST", "/v1/auth/approle/login", {"role_id": "web-role", "secret_id": "wrong"})
    send("POST", "/v1/auth/userpass/login/anna", {"password": "pw"})
    send("LIST", "/v1/identity/entity/id")


def certificates(send: Send) -> None:
    send("POST", "/v1/sys/mounts/pki", {"type": "pki"})
    send("POST", "/v1/pki/root/generate/internal", {"common_name": "Root", "ttl": "24h", "key_type": "rsa"})
    send("POST", "/v1/pki/roles/web", {"allow_any_name": True, "key_type": "rsa"})
    send("POST", "/v1/pki/issue/web", {"common_name": "web.test", "alt_names": "b.test,a.test", "ttl": "1h"})
    send("LIST", "/v1/pki/certs")


def keys(send: Send) -> None:
    base = "/rustfs/admin/v3/kms"
    send("GET", f"{base}/status")
    send("POST", f"{base}/key/create")
    send("POST", f"{base}/keys", {"key_usage": "EncryptDecrypt", "tags": {"b": "1", "a": "2"}})
    send("GET", f"{base}/keys")
    send("GET", f"{base}/key/list")


def told(send: Send) -> None:
    for path in ("sys/mounts", "sys/auth", "sys/policies/acl", "sys/internal/ui/mounts", "sys/health", "nowhere"):
        send("GET", f"/v1/{path}")
    send("GET", "/v1/transit/keys/orders?help=1")
    send("GET", "/_mockkms/faults", Host="127.0.0.1")


def reports(send: Send) -> None:
    send("GET", "/_mockkms/policy?format=hcl", Host="127.0.0.1")
    send("GET", "/_mockkms/lint", Host="127.0.0.1")
    send("GET", "/_mockkms/state?format=yaml", Host="127.0.0.1")
    send("GET", "/_mockkms/journal", Host="127.0.0.1")


def converse(kms: MockKMS, *, whole: bool = True) -> list[tuple[str, bytes]]:
    """All answers, and the journal at last; ``whole`` takes in what is slow: certificates, reports, the dump."""
    conversation = Conversation(kms)
    try:
        talk(conversation.send)
        if whole:
            further_keys(conversation.send)
            certificates(conversation.send)
            told(conversation.send)
            reports(conversation.send)
    finally:
        conversation.close()
    journal = json.dumps([entry.data() for entry in kms.journal]).encode()
    return [*conversation.answers, ("journal", journal)]


def digest(answers: list[tuple[str, bytes]]) -> str:
    """One text for all of it."""
    return hashlib.sha256(repr(answers).encode()).hexdigest()


def differences(one: list[tuple[str, bytes]], other: list[tuple[str, bytes]]) -> Iterator[str]:
    """What is not the same, for people."""
    for (asked, left), (_, right) in zip(one, other, strict=True):
        if left != right:
            at = next((i for i, pair in enumerate(zip(left, right, strict=False)) if pair[0] != pair[1]), 0)
            at = max(0, at - 60)
            yield f"{asked}\n  {left[at : at + 200]!r}\n  {right[at : at + 200]!r}"


if __name__ == "__main__":
    with MockKMS(seed=WORLD) as started:
        sys.stdout.write(digest(converse(started)) + "\n")
