"""Orders, certificate requests and revocation: builtin/logical/pki/path_acme_order.go and path_acme_revoke.go."""

from __future__ import annotations

from typing import Any

import josepy
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from tests.vault.secrets.pki.acme.conftest import AcmeAuthority
from tests.vault.secrets.pki.acme.wire import ERROR, Wire, detail, request_for

pytestmark = pytest.mark.flavors("openbao", "vault")
MALFORMED = "the request message was malformed"
UNFIT = "the CSR is unacceptable"
NAME = "www.example.test"


def problem(response: requests.Response) -> tuple[int, str, str]:
    found = response.json()
    return response.status_code, found["type"].removeprefix(ERROR), detail(found)


def test_a_new_order(authority: AcmeAuthority) -> None:
    wire = authority.client()
    names = [{"type": "dns", "value": NAME}, {"type": "dns", "value": "*.example.test"}]
    response = wire.post(wire.at("new-order"), {"identifiers": names})
    location = response.headers["Location"]
    found = response.json()
    assert response.status_code == 201
    assert location.startswith(wire.at("order/"))
    assert (found["status"], found["identifiers"], found["finalize"]) == ("pending", names, f"{location}/finalize")
    assert len(found["authorizations"]) == 2
    assert "certificate" not in found
    assert wire.post(location).json() == found


@pytest.mark.parametrize(
    ("payload", "kind", "text"),
    [
        ({}, "malformed", f"missing required identifiers argument: {MALFORMED}"),
        ({"identifiers": "x"}, "malformed", f"invalid type (string) for field 'identifiers': {MALFORMED}"),
        ({"identifiers": [1]}, "malformed", f"invalid type (float64) for value in 'identifiers': {MALFORMED}"),
        ({"identifiers": [{"value": "x"}]}, "malformed",
         f"missing type argument for value in 'identifiers': {MALFORMED}"),
        ({"identifiers": [{"type": "dns"}]}, "malformed",
         f"missing value argument for value in 'identifiers': {MALFORMED}"),
        ({"identifiers": [{"type": "dns", "value": ""}]}, "malformed",
         f"value argument for value in 'identifiers' can not be blank: {MALFORMED}"),
        ({"identifiers": [{"type": "mail", "value": "x"}]}, "unsupportedIdentifier",
         "unsupported identifier type mail: an identifier is of an unsupported type"),
        ({"identifiers": [{"type": "ip", "value": "x"}]}, "malformed",
         f"value argument (x) failed validation: failed parsing as IP: {MALFORMED}"),
        ({"identifiers": [{"type": "dns", "value": "127.0.0.1"}]}, "malformed",
         f"refusing to accept argument (127.0.0.1) as DNS type identifier: parsed OK as IP address: {MALFORMED}"),
        ({"identifiers": [{"type": "dns", "value": "*.127.0.0.1"}]}, "malformed",
         f"refusing to accept argument (*.127.0.0.1) as DNS type identifier: parsed OK as IP address: {MALFORMED}"),
        ({"identifiers": [{"type": "dns", "value": "a.*.test"}]}, "malformed",
         "value argument (a.*.test) failed validation: invalid wildcard: expected wildcard to only be present in "
         f"left-most domain label: {MALFORMED}"),
        ({"identifiers": [{"type": "dns", "value": "a*.test"}]}, "malformed", "value argument (a*.test) failed "
         f"validation: invalid wildcard: wildcard must be entire left-most label: {MALFORMED}"),
        ({"identifiers": [{"type": "dns", "value": "A.test"}]}, "malformed",
         f"value argument (A.test) failed validation: idna: disallowed rune U+0041: {MALFORMED}"),
        ({"identifiers": [{"type": "dns", "value": "bücher.test"}]}, "malformed",
         f"value argument (bücher.test) failed IDNA round-tripping to ASCII: {MALFORMED}"),
        ({"identifiers": [{"type": "dns", "value": NAME}], "notAfter": "2030-01-01T00:00:00Z"}, "malformed",
         f"{MALFORMED}: NotBefore and NotAfter are not supported"),
        ({"identifiers": [{"type": "dns", "value": NAME}], "notBefore": 1}, "malformed",
         f"invalid type (float64) for field 'notBefore': {MALFORMED}"),
    ],
)  # fmt: skip
def test_orders_that_are_refused(authority: AcmeAuthority, payload: dict[str, Any], kind: str, text: str) -> None:
    wire = authority.client()
    assert problem(wire.post(wire.at("new-order"), payload))[1:] == (kind, text)


def test_names_that_a_role_does_not_allow(authority: AcmeAuthority) -> None:
    authority.write("roles/web", allowed_domains="example.test", allow_subdomains=True, allow_ip_sans=False)
    wire = authority.client("roles/web/acme")
    front = "the server will not issue certificates for the identifier: role (web)"
    for kind, value, text in (
        ("dns", "www.other.test", "will not issue certificate for name www.other.test"),
        ("ip", "127.0.0.1", "does not allow IP sans, so cannot issue certificate for 127.0.0.1"),
    ):
        refused = wire.post(wire.at("new-order"), {"identifiers": [{"type": kind, "value": value}]})
        assert problem(refused) == (400, "rejectedIdentifier", f"{front} {text}")


def test_orders_end(authority: AcmeAuthority) -> None:
    wire = authority.client()
    order = authority.proved(wire, NAME)
    authority.kms.clock.advance(24 * 3600 + 1)
    found = wire.post(order["url"]).json()
    assert (found["status"], len(found["authorizations"])) == ("invalid", 1)
    refused = problem(wire.finalize(order, request_for(NAME)))
    text = "the request attempted to finalize an order that is not ready to be finalized: order is status invalid"
    assert refused == (403, "orderNotReady", f"{text}, needs to be in ready state")


def test_an_order_fails_with_one_of_its_authorizations(authority: AcmeAuthority) -> None:
    wire = authority.client()
    order = wire.order(NAME)
    wire.post(order["authorizations"][0], {"status": "deactivated"})
    found = wire.post(order["url"]).json()
    assert (found["status"], found["authorizations"]) == ("invalid", None)


@pytest.mark.parametrize(
    ("csr", "text"),
    [
        (request_for("other.example.test"), f"{UNFIT}: CSR is missing order DNS identifier {NAME}"),
        (request_for(NAME, "b.example.test"), f"{UNFIT}: Order (1) and CSR (2) mismatch on number of DNS identifiers"),
        (request_for(NAME, "127.0.0.1"), f"{UNFIT}: Order (0) and CSR (1) mismatch on number of IP identifiers"),
        (request_for(NAME, common_name="b.example.test"),
         f"{UNFIT}: Order (1) and CSR (2) mismatch on number of DNS identifiers"),
        (request_for(NAME, ca=True),
         f"{UNFIT}: refusing to accept CSR with Basic Constraints extension with CA set to true"),
        (b"x", f"{MALFORMED}: failed to parse csr: "),
    ],
)  # fmt: skip
def test_requests_that_do_not_fit(authority: AcmeAuthority, csr: bytes, text: str) -> None:
    wire = authority.client()
    order = authority.proved(wire, NAME)
    status, _, detail = problem(wire.finalize(order, csr))
    assert (status, detail if csr != b"x" else detail[: len(text)]) == (400, text)
    assert wire.finalize(order, request_for(NAME.upper(), common_name=NAME)).json()["status"] == "valid"


def test_payloads_of_finalize(authority: AcmeAuthority) -> None:
    wire = authority.client()
    order = authority.proved(wire, NAME)
    for payload, text in (
        ({}, "missing csr in payload"),
        ({"csr": 1}, "csr in payload not the expected type: float64"),
        ({"csr": "="}, "failed base64 decoding csr: illegal base64 data at input byte 0"),
    ):
        assert problem(wire.post(order["finalize"], payload))[2] == f"{MALFORMED}: {text}"
    assert problem(wire.post(f"{order['url']}/cert"))[:2] == (403, "orderNotReady")


def test_a_certificate_ends_with_its_issuer(authority: AcmeAuthority) -> None:
    authority.write("issuers/generate/root/internal", common_name="Short", issuer_name="short", ttl="1h")
    wire = authority.client("issuer/short/acme")
    done = wire.finalize(authority.proved(wire, NAME), request_for(NAME)).json()
    leaf, root = x509.load_pem_x509_certificates(wire.post(done["certificate"]).content)
    assert leaf.not_valid_after_utc == root.not_valid_after_utc


def issued(wire: Wire, authority: AcmeAuthority, key: ec.EllipticCurvePrivateKey | None = None) -> str:
    """A new certificate in base64url."""
    done = wire.finalize(authority.proved(wire, NAME), request_for(NAME, key=key)).json()
    leaf, *_ = x509.load_pem_x509_certificates(wire.post(done["certificate"]).content)
    return josepy.b64encode(leaf.public_bytes(Encoding.DER)).decode()


def test_revocation_by_the_account(authority: AcmeAuthority) -> None:
    wire, other = authority.client(), authority.client()
    certificate = issued(wire, authority)
    refused = problem(other.post(other.at("revoke-cert"), {"certificate": certificate}))
    front = "unable to revoke certificate"
    assert refused == (
        400, "malformed", f"{front}: no certificate with this serial was issued for this account: {MALFORMED}",
    )  # fmt: skip
    product = "OpenBao" if authority.kms.flavor == "openbao" else "Vault"
    assert problem(wire.post(wire.at("revoke-cert"), {"certificate": certificate, "reason": 1})) == (
        400, "badRevocationReason", f"{product} does not support revocation reasons (got 1; expected omitted or "
        "0/unspecified): the revocation reason provided is not allowed by the server",
    )  # fmt: skip
    done = wire.post(wire.at("revoke-cert"), {"certificate": certificate, "reason": 0})
    assert done.status_code == 200
    assert {"revocation_time", "revocation_time_rfc3339", "state"} == set(done.json())
    assert problem(wire.post(wire.at("revoke-cert"), {"certificate": certificate}))[:2] == (400, "alreadyRevoked")


def test_revocation_by_the_key_of_the_certificate(authority: AcmeAuthority) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = issued(authority.client(), authority, key)
    stranger = authority.stranger()
    front = "unable to revoke certificate: unable to verify proof of possession of private key provided by proxy"
    fault = "provided private key does not match certificate's public key"
    assert problem(stranger.post(stranger.at("revoke-cert"), {"certificate": certificate})) == (
        400, "malformed", f"{front}: {fault}: {MALFORMED}",
    )  # fmt: skip
    owner = authority.stranger(key=josepy.JWKEC(key=key))
    assert owner.post(owner.at("revoke-cert"), {"certificate": certificate}).status_code == 200


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ({}, f"bad request was lacking required field 'certificate': {MALFORMED}"),
        ({"certificate": 1}, f"invalid type (float64; expected string) for field 'certificate': {MALFORMED}"),
        ({"certificate": "eHg"}, f"failed to parse certificate: x509: malformed certificate: {MALFORMED}"),
    ],
)
def test_revocations_that_are_refused(authority: AcmeAuthority, payload: dict[str, Any], text: str) -> None:
    wire = authority.client()
    assert problem(wire.post(wire.at("revoke-cert"), payload))[2] == text


def test_certificates_that_are_unknown_or_expired(authority: AcmeAuthority) -> None:
    wire = authority.client()
    certificate = issued(wire, authority)
    authority.kms.clock.advance(100 * 86400)
    assert problem(wire.post(wire.at("revoke-cert"), {"certificate": certificate}))[2] == (
        f"refusing to revoke expired certificate: {MALFORMED}"
    )
