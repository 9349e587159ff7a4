"""Certificates and keys for TLS. Source of the texts: Go's ``crypto/tls.X509KeyPair`` and ``x509.CertPool``."""

from __future__ import annotations

import datetime
import re
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from mockkms.crypto.x509 import pair


@cache
def _made(number: int, kind: str = "ec") -> tuple[str, str]:
    """A certificate and its key; others for another number."""
    key = ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, str(number))])
    day = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(1)
    builder = builder.not_valid_before(day).not_valid_after(day.replace(year=2027)).public_key(key.public_key())
    certificate = builder.sign(key, SHA256() if isinstance(key, ec.EllipticCurvePrivateKey) else None)
    form = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM).decode(), form.decode()


_BROKEN = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
_OTHER = "-----BEGIN X-----\nAAAA\n-----END X-----\n"


def test_a_pair() -> None:
    certificate, key = _made(1)
    pair.check(certificate, key)
    pair.check(_OTHER + certificate + key, _OTHER + certificate + key)


@pytest.mark.parametrize(
    ("certificate", "key", "text"),
    [
        ("x", "y", "tls: failed to find any PEM data in certificate input"),
        (_made(1)[1], "y",
         "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may "
         "have been switched"),
        (_OTHER + _OTHER, "y",
         'tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following '
         "types: [X X]"),
        (_made(1)[0], "y", "tls: failed to find any PEM data in key input"),
        (_made(1)[0], _made(1)[0], "tls: found a certificate rather than a key in the PEM for the private key"),
        (_made(1)[0], _OTHER,
         'tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of '
         "the following types: [X]"),
        (_made(1)[0], _OTHER.replace("X", "PRIVATE KEY"), "tls: failed to parse private key"),
        (_BROKEN, _OTHER.replace("X", "PRIVATE KEY"), "x509: malformed certificate"),
        (_made(1)[0], _made(2)[1], "tls: private key does not match public key"),
        (_made(1)[0], _made(3, "ed25519")[1], "tls: private key type does not match public key type"),
    ],
)  # fmt: skip
def test_what_is_no_pair(certificate: str, key: str, text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text) + "$"):
        pair.check(certificate, key)


@pytest.mark.parametrize(("text", "good"), [("x", False), (_BROKEN, False), (_OTHER + _BROKEN + _made(1)[0], True)])
def test_pools(text: str, good: bool) -> None:
    if good:
        pair.check_pool(text, "none")
    else:
        with pytest.raises(ValueError, match="none"):
            pair.check_pool(text, "none")
