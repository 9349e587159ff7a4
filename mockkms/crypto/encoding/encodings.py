"""Keys as texts, in the forms in which transit exports them: ``""`` (each type's own), ``raw``, ``der`` and ``pem``."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mockkms.crypto.asymmetric import load_private, private_der, public_der
from mockkms.crypto.encoding import b64, pem


def rsa_private_text(private: bytes, key_format: str) -> str:
    """Return PKCS #1 PEM by default, else PKCS #8; a line break ends a PEM."""
    return _private_text(private, key_format, "RSA PRIVATE KEY")


def ec_private_text(private: bytes, key_format: str) -> str:
    """Return SEC 1 PEM by default, else PKCS #8; no line break at the end."""
    return _private_text(private, key_format, "EC PRIVATE KEY").strip()


def ed25519_private_text(private: bytes, key_format: str) -> str:
    """Return base64 of seed and public key by default, else PKCS #8."""
    if key_format in ("", "raw"):
        return b64.encode(private)
    return _pkix(private_der(Ed25519PrivateKey.from_private_bytes(private[:32])), key_format, "PRIVATE KEY").strip()


def ed25519_public_text(public: bytes, key_format: str) -> str:
    """Return base64 by default, else SubjectPublicKeyInfo."""
    if key_format in ("", "raw"):
        return b64.encode(public)
    return _pkix(public_der(Ed25519PublicKey.from_public_bytes(public)), key_format, "PUBLIC KEY").strip()


def public_text(public: bytes, key_format: str) -> str:
    """Return SubjectPublicKeyInfo DER as base64 (``der``) or PEM with a line break at the end."""
    return _pkix(public, key_format, "PUBLIC KEY")


def _private_text(private: bytes, key_format: str, label: str) -> str:
    if key_format in ("der", "pem"):
        return _pkix(private, key_format, "PRIVATE KEY")
    der = load_private(private).private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return pem.encode(label, der)


def _pkix(der: bytes, key_format: str, label: str) -> str:
    return b64.encode(der) if key_format == "der" else pem.encode(label, der)
