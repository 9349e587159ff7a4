"""Client certificates for tests, and requests that show them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mockkms import MockKMS

BEGIN, END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2049, 1, 1, tzinfo=UTC)
FOREIGN = x509.ObjectIdentifier("1.3.6.1.4.1.99999.1")


def _enable_logins(kms: MockKMS) -> None:
    root(kms, "POST", "sys/auth/cert", type="cert")


WITH_CERTIFICATE_LOGINS = [
    pytest.mark.server(tls=True, root_token="root"),
    pytest.mark.prepared(by=_enable_logins),
]
"""The marks of tests whose server has TLS and logins with certificates."""


def root(kms: MockKMS, method: str, path: str, **data: Any) -> Any:
    """What the root token is answered, over a connection without a certificate."""
    return asked(kms, method, path, None, "root", **data)


def asked(kms: MockKMS, method: str, path: str, pair: Any = None, token: str = "", **data: Any) -> Any:
    """Status and decoded body of a request that shows the certificate in the files of ``pair``."""
    headers = {"X-Vault-Token": token} if token else {}
    answer = requests.request(
        method, f"{kms.url}/v1/{path}", json=data or None, headers=headers, cert=pair, verify=kms.ca_file, timeout=60
    )
    return answer.status_code, answer.json() if answer.content else None


def written(folder: Path, leaf: trustme.LeafCert) -> tuple[str, str]:
    """The files of a certificate and its key."""
    number = len(list(folder.iterdir()))
    chain, key = folder / f"{number}.pem", folder / f"{number}.key"
    chain.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    leaf.private_key_pem.write_to_path(key)
    return str(chain), str(key)


def self_signed(
    folder: Path, name: str, change: Callable[[x509.CertificateBuilder], x509.CertificateBuilder],
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None,
) -> Any:  # fmt: skip
    """The text and the files of a client's certificate that no authority signed."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "acme"), x509.NameAttribute(NameOID.COMMON_NAME, name),
        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "ops"),
    ])  # fmt: skip
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number(), BEGIN, END)
    names = [x509.DNSName("web.example"), x509.RFC822Name("web@example"), x509.UniformResourceIdentifier("spiffe://w")]
    builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)
    builder = builder.add_extension(x509.SubjectKeyIdentifier(b"\x01\xab"), False)
    builder = builder.add_extension(x509.UnrecognizedExtension(FOREIGN, b"\x0c\x05blue1"), False)
    pem = change(builder).sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    chain, private = folder / f"{name}.pem", folder / f"{name}.key"
    chain.write_bytes(pem)
    private.write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption(),
    ))  # fmt: skip
    return pem.decode(), (str(chain), str(private))
