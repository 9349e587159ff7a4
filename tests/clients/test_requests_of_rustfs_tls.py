"""What RustFS asks of a Vault, as plain requests over TLS: headers, odd queries and bodies as its client sends them."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from typing import Any
from urllib.parse import urlsplit

import pytest

from mockkms import MockKMS

KEYS = "/v1/secret/data/rustfs/kms/keys"
META = "/v1/secret/metadata/rustfs/kms/keys"


pytestmark = pytest.mark.server(tls=True)


def ask(kms: MockKMS, method: str, path: str, body: Any = None, *, token: str | None = None) -> tuple[int, Any]:
    """One request without a Content-Type, the certificate verified."""
    trusted = ssl.create_default_context(cafile=kms.ca_file)
    connection = http.client.HTTPSConnection(urlsplit(kms.url).netloc, timeout=60, context=trusted)
    headers = {"x-vault-request": "true", "accept": "*/*"}
    if token != "":
        headers["x-vault-token"] = token or kms.token
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        raw = answer.read()
        return answer.status, json.loads(raw) if raw else None
    finally:
        connection.close()


def test_records_of_the_kv2_backend(kms: MockKMS) -> None:
    assert ask(kms, "LIST", META) == (404, {"errors": []})
    assert ask(kms, "LIST", "/v1/elsewhere/metadata/x")[1]["errors"][0].startswith("no handler for route")
    assert ask(kms, "GET", f"{KEYS}/k?")[0] == 404
    record = {"algorithm": "AES_256", "version": 1, "tags": {}, "description": None}
    assert ask(kms, "POST", f"{KEYS}/k", {"data": record, "options": {"cas": 0}})[0] == 200
    status, refused = ask(kms, "POST", f"{KEYS}/k", {"data": record, "options": {"cas": 0}})
    assert (status, "check-and-set" in refused["errors"][0]) == (400, True)
    assert ask(kms, "POST", f"{KEYS}/k/versions/1", {"data": {"version": 1}, "options": {"cas": 0}})[0] == 200
    assert ask(kms, "LIST", META)[1]["data"]["keys"] == ["k", "k/"]
    assert ask(kms, "GET", f"{META}/k")[1]["data"]["current_version"] == 1
    for query in ("?", "?version=1"):
        assert ask(kms, "GET", f"{KEYS}/k{query}")[1]["data"]["data"] == record
    assert ask(kms, "LIST", f"{META}/k/versions")[1]["data"]["keys"] == ["1"]
    assert [ask(kms, "DELETE", f"{META}/k{below}") for below in ("/versions/1", "")] == [(204, None)] * 2


def test_keys_of_the_transit_backend(kms: MockKMS) -> None:
    assert ask(kms, "POST", "/v1/sys/mounts/kms-test/transit", {"type": "transit"})[0] == 204
    keys = "/v1/kms-test/transit/keys"
    assert ask(kms, "LIST", keys) == (404, {"errors": []})
    assert ask(kms, "POST", f"{keys}/k", {"type": "aes256-gcm96"})[0] in (200, 204)
    shown = ask(kms, "GET", f"{keys}/k")[1]["data"]
    assert isinstance(shown["keys"]["1"], int)
    bound = base64.b64encode(b'{"b":"b/o"}').decode()
    data = {"plaintext": base64.b64encode(b"x" * 32).decode(), "associated_data": bound}
    sealed = ask(kms, "POST", "/v1/kms-test/transit/encrypt/k", data)[1]["data"]["ciphertext"]
    assert ask(kms, "POST", f"{keys}/k/rotate")[0] in (200, 204)
    opened = {"ciphertext": sealed, "associated_data": bound}
    assert ask(kms, "POST", "/v1/kms-test/transit/decrypt/k", opened)[1]["data"]["plaintext"] == data["plaintext"]
    assert ask(kms, "POST", "/v1/kms-test/transit/decrypt/k", {"ciphertext": sealed})[0] == 400
    plain = ask(kms, "POST", "/v1/kms-test/transit/encrypt/k", {"plaintext": data["plaintext"]})[1]["data"]
    again = ask(kms, "POST", "/v1/kms-test/transit/rewrap/k", {"ciphertext": plain["ciphertext"]})[1]["data"]
    assert again["ciphertext"].startswith("vault:v2:")
    assert ask(kms, "POST", f"{keys}/k/config", {"deletion_allowed": True})[0] in (200, 204)
    assert (ask(kms, "DELETE", f"{keys}/k"), ask(kms, "GET", f"{keys}/k")[0]) == ((204, None), 404)


def test_logins_and_renewal(kms: MockKMS) -> None:
    static = ask(kms, "GET", "/v1/auth/token/lookup-self")[1]["data"]
    wanted = (
        "accessor creation_time creation_ttl display_name entity_id explicit_max_ttl id num_uses orphan path policies"
    )
    assert {*wanted.split(), "ttl"} <= set(static)
    ask(kms, "POST", "/v1/sys/auth/approle", {"type": "approle"})
    ask(kms, "POST", "/v1/auth/approle/role/r", {"token_ttl": "1h", "token_policies": ["default"]})
    role = ask(kms, "GET", "/v1/auth/approle/role/r/role-id")[1]["data"]["role_id"]
    secret = ask(kms, "POST", "/v1/auth/approle/role/r/secret-id")[1]["data"]["secret_id"]
    login = {"role_id": role, "secret_id": secret}
    auth = ask(kms, "POST", "/v1/auth/approle/login", login, token="")[1]["auth"]
    assert {"client_token", "accessor", "policies", "token_policies", "lease_duration", "renewable"} <= set(auth)
    kms.clock.advance(1800)
    status, renewed = ask(kms, "POST", "/v1/auth/token/renew-self", token=auth["client_token"])
    assert (status, renewed["auth"]["lease_duration"]) == (200, 3600)
    refused = ask(kms, "POST", "/v1/auth/approle/login", {**login, "secret_id": "no"}, token="")
    assert refused[0] == 400


def test_the_seal_and_redirects(kms: MockKMS) -> None:
    kms.faults.add("transit/*", answer={"preset": "standby", "location": kms.url}, times=1)
    assert ask(kms, "LIST", "/v1/transit/keys")[0] == 307
    kms.seal()
    assert ask(kms, "LIST", META) == (503, {"errors": ["Vault is sealed"]})
