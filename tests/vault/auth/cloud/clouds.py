"""What the tests of cloud methods share: clients, self-made certificates, and round trips of worlds."""

from __future__ import annotations

import datetime
from typing import Any

import hvac
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from mockkms import MockKMS
from mockkms.worldfile import load

NOW = "2026-01-01T12:00:00Z"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def root(kms: MockKMS) -> hvac.Client:
    """A client with the root token."""
    return hvac.Client(kms.url, token=kms.token)


def login(kms: MockKMS, path: str, **data: Any) -> dict[str, Any]:
    """Log in without a token, and return ``auth``."""
    found: dict[str, Any] = hvac.Client(kms.url).write_data(f"auth/{path}", data=data)["auth"]
    return found


def pem(key: rsa.RSAPrivateKey) -> str:
    """The public key in PEM."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def certificate(key: Any = KEY, name: str = "cloud") -> x509.Certificate:
    """A self-signed certificate, valid in 2026."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime.datetime(2025, 12, 1, tzinfo=datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(4711)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=36500))
        .sign(key, hashes.SHA256())
    )


def certificate_pem(made: x509.Certificate) -> str:
    """A certificate in PEM."""
    return made.public_bytes(serialization.Encoding.PEM).decode()


def round_trips(kms: MockKMS) -> None:
    """Check that the world loads to an equal one, and that nothing of auth mounts is a patch of the state."""
    kms.clock.freeze()  # The second dump shows the same seconds left.
    text = kms.dump()
    with MockKMS(seed=text) as again:
        assert again.dump() == text
    patches: list[dict[str, list[object]]] = load(text).sections.get("exact", [])
    assert not [patch["at"] for patch in patches if "state" in patch["at"]]
