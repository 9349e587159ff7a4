"""What all requests have in common: signatures, nonces, addresses, headers, roles and issuers of directories.

Sources: builtin/logical/pki/acme_wrappers.go, acme_jws.go, acme_state.go; RFC 8555, section 6.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import josepy
import pytest
import requests

from tests.vault.secrets.pki.acme.conftest import HEADERS, AcmeAuthority
from tests.vault.secrets.pki.acme.wire import ERROR, Wire, detail

pytestmark = pytest.mark.flavors("openbao", "vault")
MALFORMED = "the request message was malformed"
INTERNAL = "the server experienced an internal error"


def problem(response: requests.Response) -> tuple[int, str, str]:
    found = response.json()
    return response.status_code, found["type"].removeprefix(ERROR), detail(found)


def protected(**head: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(head).encode()).decode().rstrip("=")


def test_the_directory(authority: AcmeAuthority) -> None:
    for base in ("acme", "roles/web/acme", "issuer/root/acme", "issuer/root/roles/web/acme"):
        url = f"{authority.kms.url}/v1/pki/{base}"
        response = requests.get(f"{url}/directory", timeout=60)
        assert response.headers["Content-Type"] == "application/json"
        assert response.json() == {
            "newNonce": f"{url}/new-nonce", "newAccount": f"{url}/new-account", "newOrder": f"{url}/new-order",
            "revokeCert": f"{url}/revoke-cert", "keyChange": f"{url}/key-change",
            "meta": {"externalAccountRequired": False},
        }  # fmt: skip


def test_nonces(authority: AcmeAuthority) -> None:
    wire = authority.client()
    head, get = (requests.request(method, wire.at("new-nonce"), timeout=60) for method in ("HEAD", "GET"))
    assert (head.status_code, get.status_code) == (200, 204)
    assert head.headers["Link"] == get.headers["Link"] == f'<{wire.directory}>;rel="index"'
    assert head.headers["Cache-Control"] == "no-store"
    nonce = head.headers["Replay-Nonce"]
    assert wire.post(wire.at("orders"), nonce=nonce).status_code == 200
    used = (400, "badNonce", "invalid or reused nonce: the client sent an unacceptable anti-replay nonce")
    assert problem(wire.post(wire.at("orders"), nonce=nonce)) == used
    old = wire.nonce()
    authority.kms.clock.advance(91)
    assert problem(wire.post(wire.at("orders"), nonce=old)) == used


def test_the_responses_to_signed_requests_have_a_nonce(authority: AcmeAuthority) -> None:
    wire = authority.client()
    response = wire.post(wire.at("orders"))
    assert wire.post(wire.at("orders"), nonce=response.headers["Replay-Nonce"]).status_code == 200


def test_a_challenge_links_to_its_authorization(authority: AcmeAuthority) -> None:
    wire = authority.client()
    challenge = wire.challenge(wire.order("a.example.test"), "http-01")
    response = wire.post(challenge["url"])
    assert response.raw.headers.getlist("Link") == [
        f'<{challenge["of"]}>;rel="up"', f'<{wire.directory}>;rel="index"',
    ]  # fmt: skip
    assert response.links["up"]["url"] == challenge["of"]


def test_headers_that_the_mount_does_not_let_through(authority: AcmeAuthority) -> None:
    """The router of the real server drops them: vault/router.go, ``filteredHeaders``; the journal says why."""
    authority.vault.sys.tune_mount_configuration("pki", allowed_response_headers=["Last-Modified"])
    response = requests.head(authority.directory().replace("directory", "new-nonce"), timeout=60)
    assert response.status_code == 200
    assert not set(HEADERS) & set(response.headers)
    hint = authority.kms.journal[-1].hint
    assert "allowed_response_headers" in hint
    assert "Replay-Nonce" in hint


def test_a_request_of_another_key(authority: AcmeAuthority) -> None:
    wire, other = authority.client(), authority.client()
    other.kid = wire.kid
    assert problem(other.post(other.at("orders"))) == (
        500, "serverInternal", "failed to verify signature: go-jose/go-jose: error in cryptographic primitive",
    )  # fmt: skip


def test_a_request_for_another_address(authority: AcmeAuthority) -> None:
    wire = authority.client()
    expected = wire.at("orders")
    text = f"invalid value for 'url' in 'protected': got 'http://x' expected '{expected}'"
    unauthorized = "the client lacks sufficient authorization"
    assert problem(wire.post(expected, url="http://x")) == (401, "unauthorized", f"{text}: {unauthorized}")
    assert problem(wire.post(expected, url="")) == (
        400, "malformed", f"missing required parameter 'url' in 'protected': {MALFORMED}",
    )  # fmt: skip


def test_resources_of_other_accounts(authority: AcmeAuthority) -> None:
    wire, other = authority.client(), authority.client()
    order = wire.order("a.example.test")
    assert problem(other.post(order["url"])) == (400, "malformed", f"order does not exist: {MALFORMED}")
    assert problem(other.post(order["authorizations"][0]))[:2] == (401, "unauthorized")
    assert problem(other.post(wire.at("authorization/none")))[2] == (
        f"failed to load authorization: authorization does not exist: {MALFORMED}"
    )
    assert other.post(other.at("orders")).json() == {"orders": []}
    assert wire.post(wire.at("orders")).json() == {"orders": [order["url"]]}


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        ({}, "malformed", f"missing required field 'protected': {MALFORMED}"),
        ({"protected": "ab="}, "malformed",
         f"failed to base64 parse 'protected': illegal base64 data at input byte 2: {MALFORMED}"),
        ({"protected": protected(alg="ES256")}, "malformed", "failed to json unmarshal 'protected': invalid header: "
         f"got neither required fields of 'kid' nor 'jwk': {MALFORMED}"),
        ({"protected": protected(alg="ES256", kid="x", jwk={"a": 1})}, "malformed", "failed to json unmarshal "
         "'protected': invalid header: got both account 'kid' and 'jwk' in the same message; expected only one: "
         f"{MALFORMED}"),
        ({"protected": protected(alg="none", jwk={"a": 1})}, "malformed",
         f"failed to json unmarshal 'protected': invalid header: unexpected value for 'algo': {MALFORMED}"),
        ({"protected": protected(alg="HS256", jwk={"a": 1})}, "malformed",
         f"failed to json unmarshal 'protected': invalid header: unexpected value for 'algo': {MALFORMED}"),
        ({"protected": protected(alg="ES256", kid="x")}, "accountDoesNotExist", "failed to json unmarshal 'protected': "
         "account not found: the request specified an account that does not exist"),
    ],
)  # fmt: skip
def test_bodies_that_are_not_signed(authority: AcmeAuthority, body: dict[str, str], kind: str, text: str) -> None:
    wire = authority.stranger()
    assert problem(wire.send(wire.at("new-order"), body))[1:] == (kind, text)


@pytest.mark.parametrize(
    "body",
    [
        [],
        "x",
        {"protected": 1},
        {"protected": base64.b64encode(b"[[1").decode()},
        {"protected": base64.b64encode('{"alg": "ES256", "jwk": {}} '.encode("utf-16")).decode().rstrip("=")},
        {"protected": base64.b64encode(b"[" * 9000).decode().rstrip("=")},
    ],
)
def test_bodies_of_any_form_get_an_error(authority: AcmeAuthority, body: object) -> None:
    wire = authority.stranger()
    assert 400 <= wire.send(wire.at("new-account"), body).status_code <= 500


@pytest.mark.parametrize(
    ("value", "kind"), [({}, "object"), ([1], "array"), (True, "bool"), (5, "number")], ids=lambda value: str(value)
)
def test_members_of_another_type_are_named_as_by_go(authority: AcmeAuthority, value: object, kind: str) -> None:
    """Source: ``jwsCtx`` of ``acme_jws.go``, which ``encoding/json`` reads."""
    wire = authority.stranger()
    text = base64.urlsafe_b64encode(json.dumps({"alg": "ES256", "nonce": value}).encode()).decode().rstrip("=")
    refused = problem(wire.send(wire.at("new-order"), {"protected": text, "payload": "", "signature": ""}))
    fault = f"json: cannot unmarshal {kind} into Go struct field jwsCtx.nonce of type string"
    assert refused == (500, "serverInternal", f"failed to json unmarshal 'protected': {fault}")


@pytest.mark.parametrize(
    ("payload", "text"), [(b"[1]", "array"), (b"{", "failed to json unmarshal 'payload'"), (b"[" * 9000, "payload")]
)
def test_payloads_of_any_form_get_an_error(authority: AcmeAuthority, payload: bytes, text: str) -> None:
    from acme import jws

    wire, url = authority.client(), ""
    url = wire.at("orders")
    nonce = josepy.b64decode(wire.nonce())
    made = jws.JWS.sign(payload, wire.key, wire.usual, nonce, url=url, kid=wire.kid).json_dumps()
    status, kind, detail = problem(wire.send(url, json.loads(made)))
    assert (status, kind, text in detail) == (400, "malformed", True)


def test_ed25519_keys(authority: AcmeAuthority) -> None:
    """OpenBao accepts EdDSA, Vault has no working name for it: acme_jws.go, ``AllowedOuterJWSTypes``."""
    from cryptography.hazmat.primitives.asymmetric import ed25519

    from mockkms.crypto import jws

    key, wire = ed25519.Ed25519PrivateKey.generate(), authority.stranger()
    url = wire.at("new-account")
    jwk = {"crv": "Ed25519", "kty": "OKP", "x": jws.encode(key.public_key().public_bytes_raw())}
    head = protected(alg="EdDSA", jwk=jwk, nonce=wire.nonce(), url=url)
    payload = jws.encode(b"{}")
    signature = jws.encode(key.sign(f"{head}.{payload}".encode()))
    response = wire.send(url, {"protected": head, "payload": payload, "signature": signature})
    assert response.status_code == (201 if authority.kms.flavor == "openbao" else 400)


def test_what_directories_refuse(authority: AcmeAuthority) -> None:
    def refusal(base: str = "acme") -> tuple[int, str, str]:
        return problem(requests.get(authority.directory(base), timeout=60))

    assert refusal("roles/none/acme") == (400, "malformed", f"{MALFORMED}: role does not exist")
    assert refusal("issuer/none/acme") == (400, "malformed", f"{MALFORMED}: issuer does not exist")
    authority.write("roles/kept", allow_any_name=True, no_store=True)
    assert refusal("roles/kept/acme") == (
        500, "serverInternal", f"{INTERNAL}: role can not be used as NoStore is set to true",
    )  # fmt: skip
    authority.write("roles/other", allow_any_name=True)
    authority.write("config/acme", allowed_roles="other", default_directory_policy="forbid")
    assert refusal()[2] == f"{INTERNAL}: default directory not allowed by ACME policy"
    assert refusal("roles/web/acme")[2] == f"{INTERNAL}: specified role not allowed by ACME policy"
    authority.write("config/acme", allowed_roles="other", default_directory_policy="role:other")
    assert requests.get(authority.directory(), timeout=60).status_code == 200
    authority.write("issuers/generate/root/internal", common_name="Other", issuer_name="second")
    authority.write("config/acme", allowed_issuers="second")
    assert refusal()[2] == f"{INTERNAL}: specified issuer not allowed by ACME policy"
    assert requests.get(authority.directory("issuer/second/acme"), timeout=60).status_code == 200
    authority.write("issuer/second", issuer_name="second", usage="read-only")
    assert refusal("issuer/second/acme")[2] == f"{INTERNAL}: issuer missing proper issuance usage or key"


def test_where_it_is_switched_off(authority: AcmeAuthority) -> None:
    wire: Wire = authority.client()
    authority.write("config/acme", enabled=False)
    for response in (wire.session.get(wire.directory), wire.send(wire.at("new-order"), {})):
        assert (response.status_code, response.content) == (404, b"")
    assert authority.kms.journal.count(unhandled=True) == 0
