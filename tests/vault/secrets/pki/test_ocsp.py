"""OCSP answers hold against ``cryptography`` and against ``openssl ocsp`` over HTTP."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from mockkms import MockKMS
from mockkms.vault.framework.message import Response
from tests.vault.driving import START
from tests.vault.secrets.pki.authority import Authority

UNAUTHORIZED, MALFORMED, INTERNAL = (bytes.fromhex(f"30030a01{code}") for code in ("06", "01", "02"))


def question(leaf: str, issuer: x509.Certificate, digest: hashes.HashAlgorithm | None = None) -> bytes:
    certificate = x509.load_pem_x509_certificate(leaf.encode())
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, digest or hashes.SHA1())
    return builder.build().public_bytes(Encoding.DER)


def post(pki: Authority, body: bytes, media: str = "application/ocsp-request", path: str = "pki/ocsp") -> Response:
    return pki.write(path, token="", body=body, headers={"content-type": media})


def get(pki: Authority, body: bytes) -> Response:
    return pki.raw("pki/ocsp/" + base64.b64encode(body).decode())


def checked(response: Response, issuer: x509.Certificate) -> ocsp.OCSPResponse:
    assert (response.status, response.content_type) == (200, "application/ocsp-response")
    assert response.raw is not None
    found = ocsp.load_der_ocsp_response(response.raw)
    assert found.responder_name == issuer.subject
    key, digest = issuer.public_key(), found.signature_hash_algorithm
    assert digest is not None
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(found.signature, found.tbs_response_bytes, padding.PKCS1v15(), digest)
    else:
        assert isinstance(key, ec.EllipticCurvePublicKey)
        key.verify(found.signature, found.tbs_response_bytes, ec.ECDSA(digest))
    return found


@pytest.mark.parametrize("digest", [hashes.SHA1(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512()])
@pytest.mark.parametrize("send", [post, get])
def test_a_good_certificate(
    pki: Authority, digest: hashes.HashAlgorithm, send: Callable[[Authority, bytes], Response]
) -> None:
    leaf = pki.issue()["certificate"]
    found = checked(send(pki, question(leaf, pki.root, digest)), pki.root)
    assert found.certificate_status is ocsp.OCSPCertStatus.GOOD
    assert found.serial_number == x509.load_pem_x509_certificate(leaf.encode()).serial_number
    assert found.this_update_utc == datetime.fromtimestamp(START, UTC)
    assert found.next_update_utc == datetime.fromtimestamp(START + 12 * 3600, UTC)
    assert isinstance(found.hash_algorithm, type(digest))


@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_a_revoked_certificate(kind: str) -> None:
    pki = Authority(kind=kind)
    leaf = pki.issue()
    pki.revoke(leaf)
    pki.later(60)
    found = checked(post(pki, question(leaf["certificate"], pki.root)), pki.root)
    assert found.certificate_status is ocsp.OCSPCertStatus.REVOKED
    assert found.revocation_time_utc == datetime.fromtimestamp(START, UTC)
    assert found.revocation_reason is None
    assert found.produced_at_utc == datetime.fromtimestamp((START + 60) // 60 * 60, UTC)


def test_an_issuer_of_another_mount_is_unknown_and_the_default_issuer_says_so(pki: Authority) -> None:
    pki.core.mount("", "other/", "pki")
    other = pki.data("other/root/generate/internal", common_name="Other", key_type="ec")["certificate"]
    body = question(pki.issue()["certificate"], x509.load_pem_x509_certificate(other.encode()))
    assert checked(post(pki, body), pki.root).certificate_status is ocsp.OCSPCertStatus.UNKNOWN


def test_answers_without_end_and_none_at_all(pki: Authority) -> None:
    body = question(pki.issue()["certificate"], pki.root)
    pki.data("pki/config/crl", ocsp_expiry="0s")
    assert checked(post(pki, body), pki.root).next_update_utc is None
    pki.data("pki/config/crl", ocsp_disable=True)
    refused = post(pki, body)
    assert (refused.status, refused.raw) == (401, UNAUTHORIZED)


def test_an_issuer_that_may_not_answer(pki: Authority) -> None:
    body = question(pki.issue()["certificate"], pki.root)
    pki.data("pki/issuer/default", "patch", usage="read-only,issuing-certificates,crl-signing")
    refused = post(pki, body)
    assert (refused.status, refused.raw) == (401, UNAUTHORIZED)


def test_an_ed25519_issuer_cannot_answer() -> None:
    pki = Authority(kind="ed25519")
    broken = post(pki, question(pki.issue()["certificate"], pki.root))
    assert (broken.status, broken.raw) == (500, INTERNAL)


def test_a_pss_issuer_answers_with_pkcs1() -> None:
    pki = Authority(kind="rsa")
    pki.data("pki/issuer/default", "patch", revocation_signature_algorithm="SHA512WithRSAPSS")
    found = checked(post(pki, question(pki.issue()["certificate"], pki.root)), pki.root)
    assert isinstance(found.signature_hash_algorithm, hashes.SHA512)


@pytest.mark.parametrize(
    ("body", "media"),
    [(b"", "application/ocsp-request"), (b"x" * 2048, "application/ocsp-request"), (b"\x30\x00", "application/json"),
     (b"\x30\x03\x30\x01\x00", "application/ocsp-request")],
)  # fmt: skip
def test_invalid_requests(pki: Authority, body: bytes, media: str) -> None:
    refused = post(pki, body, media)
    assert (refused.status, refused.raw) == (400, MALFORMED)


def test_trailing_data_and_bad_base64(pki: Authority) -> None:
    body = question(pki.issue()["certificate"], pki.root)
    assert post(pki, body + b"\0").raw == MALFORMED
    assert pki.raw("pki/ocsp/***").raw == MALFORMED
    assert pki.raw("pki/ocsp/").raw == MALFORMED


@pytest.fixture(scope="module")
def served() -> Any:
    with MockKMS() as kms:
        head = {"X-Vault-Token": "root"}
        requests.post(kms.url + "/v1/sys/mounts/pki", json={"type": "pki"}, headers=head, timeout=60)
        yield kms, head


def test_a_get_over_http_as_clients_quote_it(served: Any) -> None:
    kms, _ = served
    body = bytes.fromhex("3003300130")
    for quoted in (base64.b64encode(body).decode(), quote(base64.b64encode(b"\xff\xef\xff").decode(), safe="")):
        answer = requests.get(f"{kms.url}/v1/pki/ocsp/{quoted}", timeout=60)
        assert (answer.status_code, answer.content) == (400, MALFORMED)
        assert answer.headers["Content-Type"] == "application/ocsp-response"


def test_openssl_agrees(served: Any, tmp_path: Path) -> None:
    kms, head = served

    def ask(path: str, **data: object) -> dict[str, Any]:
        answer = requests.post(f"{kms.url}/v1/pki/{path}", json=data, headers=head, timeout=60)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()["data"]
        return found

    root = ask("root/generate/internal", common_name="Root", key_type="ec")
    ask("roles/any", allow_any_name=True, key_type="ec", ttl="1h")
    (tmp_path / "root.pem").write_text(root["certificate"] + "\n")
    leaves = [ask("issue/any", common_name=f"{at}.test") for at in range(2)]
    ask("revoke", serial_number=leaves[1]["serial_number"])
    command = ["openssl", "ocsp", "-issuer", "root.pem", "-CAfile", "root.pem", "-url", f"{kms.url}/v1/pki/ocsp"]
    for leaf, word in zip(leaves, ("good", "revoked"), strict=True):
        (tmp_path / "leaf.pem").write_text(leaf["certificate"] + "\n")
        done = subprocess.run([*command, "-cert", "leaf.pem"], capture_output=True, text=True, check=True, cwd=tmp_path)
        assert "Response verify OK" in done.stderr
        assert f"leaf.pem: {word}" in done.stdout
