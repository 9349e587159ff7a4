"""Elliptic curve Diffie-Hellman, and the other side's public key as it is handed over."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mockkms.crypto import CryptoError
from mockkms.crypto.asymmetric import ec_private, ec_public
from mockkms.crypto.encoding import containers, pem


def ecdh(private: bytes, public: bytes) -> bytes:
    """The secret that an ECDSA key (PKCS #8 DER) shares with a public key (DER) of the same curve."""
    return ec_private(private).exchange(ec.ECDH(), ec_public(public))


def peer_key(text: str) -> containers.Parsed:
    """The public key in a PEM block, a certificate's own too. Raises ValueError in Go's words."""
    block = pem.decode(text)
    if block is None:
        raise ValueError("data does not contain any valid public keys")
    if block.rest.strip():
        raise ValueError("unexpected trailing data after parsed PEM block")
    try:
        return containers.parse_public(block.der)
    except CryptoError as error:
        try:
            return containers.parse_public(_certified(block.der))
        except ValueError:
            raise ValueError(str(error).removeprefix("error parsing public key: ")) from None


def _certified(der: bytes) -> bytes:
    """The public key, DER, of a certificate."""
    key = x509.load_der_x509_certificate(der).public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
