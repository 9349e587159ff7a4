"""Answers as PKCS #12 files and Java keystores: the API documentation of PKI, Vault 2.1."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs12

from tests.vault.secrets.pki.authority import Authority

pytestmark = pytest.mark.flavors("vault")
INFO = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def file_of(data: dict[str, Any]) -> bytes:
    assert "private_key" not in data
    assert "private_key_type" not in data
    return base64.b64decode(data["certificate"], validate=True)


def names(store: pkcs12.PKCS12KeyAndCertificates) -> list[str]:
    return [one.certificate.subject.rfc4514_string() for one in store.additional_certs]


def request_of(pki: Authority) -> str:
    csr: str = pki.data("pki/intermediate/generate/internal", common_name="Middle CA", key_type="ec")["csr"]
    return csr


@pytest.mark.parametrize("encoder", ["modern2023", "modern2026", None])
@pytest.mark.parametrize("password", ["changeit", "pässword", "", None])
def test_a_file_has_key_certificate_and_chain(pki: Authority, encoder: str | None, password: str | None) -> None:
    asked = {"pkcs12_encoder": encoder, "pkcs12_password": password}
    made = pki.issue(format="pkcs12_bundle", **{name: value for name, value in asked.items() if value is not None})
    data = file_of(made)
    secret = b"changeit" if password is None else password.encode()
    store = pkcs12.load_pkcs12(data, secret)
    assert store.cert
    assert store.key
    leaf = store.cert.certificate
    assert (leaf.subject.rfc4514_string(), leaf.serial_number) == (
        "CN=x.test", int(made["serial_number"].replace(":", ""), 16),
    )  # fmt: skip
    assert store.key.public_key().public_bytes(*INFO) == leaf.public_key().public_bytes(*INFO)
    assert names(store) == ["CN=Root CA"]
    assert made["ca_chain"] == [pki.root_pem.strip()]
    assert (b"\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0e" in data) == (encoder != "modern2023"), "PBMAC1"
    with pytest.raises(ValueError, match="Invalid password"):
        pkcs12.load_pkcs12(data, b"another")


def test_a_chain_may_be_without_its_root(pki: Authority) -> None:
    made = pki.issue(format="pkcs12_bundle", remove_roots_from_chain=True)
    assert names(pkcs12.load_pkcs12(file_of(made), b"changeit")) == []


@pytest.mark.parametrize("path", ["root/sign-intermediate", "sign/any", "sign-verbatim"])
def test_signed_certificates_are_trust_stores(pki: Authority, path: str) -> None:
    asked = {"csr": request_of(pki), "common_name": "Middle CA", "ttl": "1h", "enforce_hostnames": False}
    pki.data("pki/roles/any", allow_any_name=True, key_type="ec", enforce_hostnames=False, cn_validations="disabled")
    store = pkcs12.load_pkcs12(file_of(pki.data(f"pki/{path}", format="pkcs12_bundle", **asked)), b"changeit")
    assert (store.key, store.cert) == (None, None)
    assert names(store) == ["CN=Middle CA", "CN=Root CA"]
    assert [one.friendly_name for one in store.additional_certs] == [b"CN=Middle CA", b"CN=Root CA"]


@pytest.mark.parametrize("path", ["root/rotate", "issuers/generate/root"])
def test_roots_are_exported_with_their_key(pki: Authority, path: str) -> None:
    asked = {"common_name": "Next CA", "key_type": "ec", "format": "pkcs12_bundle"}
    store = pkcs12.load_pkcs12(file_of(pki.data(f"pki/{path}/exported", **asked)), b"changeit")
    assert store.key
    assert store.cert
    assert (store.cert.certificate.subject.rfc4514_string(), names(store)) == ("CN=Next CA", [])
    store = pkcs12.load_pkcs12(file_of(pki.data(f"pki/{path}/internal", **asked)), b"changeit")
    assert (store.key, names(store)) == (None, ["CN=Next CA"])


def test_unknown_encoders_are_refused(pki: Authority) -> None:
    text = (
        'invalid "pkcs12_encoder" parameter: encoder must be "modern2026" or "modern2023"; received: "modern2020"'
    )  # fmt: skip
    asked = {"common_name": "x.test", "pkcs12_encoder": "modern2020"}
    assert pki.errors("pki/issue/any", format="pkcs12_bundle", **asked) == (400, [text])
    assert pki.data("pki/issue/any", **asked)["private_key"], "it is read for PKCS #12 alone"


def keytool(tmp_path: Path, data: bytes, password: str) -> str:
    program = shutil.which("keytool")
    if program is None:
        pytest.skip("no keytool")
    (tmp_path / "store").write_bytes(data)
    command = [program, "-list", "-rfc", "-keystore", str(tmp_path / "store"), "-storetype", "JKS"]
    return subprocess.run(
        [*command, "-storepass", password], check=True, capture_output=True, text=True, timeout=120
    ).stdout


def check_sum(data: bytes, password: str) -> bool:
    secret = password.encode("utf-16-be")
    return hashlib.sha1(secret + b"Mighty Aphrodite" + data[:-20], usedforsecurity=False).digest() == data[-20:]


@pytest.mark.parametrize("password", ["changeit", "another"])
def test_java_reads_a_key_with_its_chain(pki: Authority, tmp_path: Path, password: str) -> None:
    data = file_of(pki.issue(format="jks_bundle", jks_password=password, jks_private_key_alias="web"))
    assert check_sum(data, password)
    shown = keytool(tmp_path, data, password)
    assert "Alias name: web" in shown
    assert "Entry type: PrivateKeyEntry" in shown
    found = x509.load_pem_x509_certificates(shown.encode())
    assert [one.subject.rfc4514_string() for one in found] == ["CN=x.test", "CN=Root CA"]


def test_java_reads_trusted_certificates(pki: Authority, tmp_path: Path) -> None:
    asked = {"csr": request_of(pki), "ttl": "1h", "format": "jks_bundle", "jks_private_key_alias": "ignored"}
    data = file_of(pki.data("pki/root/sign-intermediate", **asked))
    assert check_sum(data, "changeit")
    shown = keytool(tmp_path, data, "changeit")
    assert ("Alias name: 1" in shown, "Alias name: 2" in shown, "Alias name: 3" in shown) == (True, True, False)
    assert shown.count("trustedCertEntry") == 2


def test_the_key_of_a_keystore_is_protected_by_its_password(pki: Authority) -> None:
    """By Java's own algorithm: a chain of SHA-1 hashes, with a check sum of the key at the end."""
    data = file_of(pki.issue(format="jks_bundle", jks_password=""))
    start = data.index(bytes.fromhex("06 0a 2b 06 01 04 01 2a 02 11 01 01 05 00 04")) + 15
    size = (
        data[start] if data[start] < 0x80 else int.from_bytes(data[start + 1 : start + 1 + data[start] - 0x80], "big")
    )
    start += 1 if data[start] < 0x80 else 1 + data[start] - 0x80
    protected = data[start : start + size]
    digest, combined, key = protected[:20], protected[20:-20], b""
    for offset in range(0, len(combined), 20):
        digest = hashlib.sha1(digest, usedforsecurity=False).digest()
        key += bytes(one ^ other for one, other in zip(combined[offset : offset + 20], digest, strict=False))
    assert hashlib.sha1(key, usedforsecurity=False).digest() == protected[-20:]
    assert key.startswith(b"0")


@pytest.mark.flavors("vault-1.21", "openbao")
def test_earlier_servers_have_no_keystores(pki: Authority) -> None:
    status, errors = pki.errors("pki/issue/any", common_name="x.test", format="pkcs12_bundle")
    assert (status, errors) == (400, ['the "format" path parameter must be "pem", "der", or "pem_bundle"'])
