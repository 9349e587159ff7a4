"""Wrapping keys for import: an ephemeral AES-256 key under RSA-OAEP, then the key itself under AES-KWP (RFC 5649)."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.keywrap import (
    InvalidUnwrap,
    aes_key_unwrap_with_padding,
    aes_key_wrap_with_padding,
)

from mockkms.crypto import CryptoError
from mockkms.crypto.asymmetric import rsa_private
from mockkms.crypto.rsa import rsa
from mockkms.error_context import error_context

HASHES: Final = {
    "SHA1": "sha1",
    "SHA224": "sha2-224",
    "SHA256": "sha2-256",
    "SHA384": "sha2-384",
    "SHA512": "sha2-512",
}
"""Hashes for OAEP, by the names that imports use, to transit's."""

EPHEMERAL_SIZE: Final = 32
_SMALLEST, _LARGEST = 24, 8200
"""Bytes of a wrapped key."""


def hash_named(name: str) -> str:
    """Return transit's name of a hash given in any case. Raises CryptoError for an unknown one."""
    found = HASHES.get(name.upper())
    if found is None:
        raise CryptoError(f"unknown hash function: {name}")
    return found


def wrap(public: bytes, target: bytes, ephemeral: bytes, hash_name: str) -> bytes:
    """Return ``target`` wrapped for the RSA key ``public``; ``ephemeral`` is 32 random bytes. Raises CryptoError."""
    return rsa.encrypt_oaep(public, ephemeral, hash_name) + aes_key_wrap_with_padding(ephemeral, target)


def unwrap(private: bytes, blob: bytes, hash_name: str) -> bytes:
    """Return the key that ``wrap`` hid. Raises CryptoError."""
    size = (rsa_private(private).key_size + 7) // 8
    if len(blob) <= size:
        raise CryptoError("provided ciphertext is too short")
    ephemeral = rsa.decrypt_oaep(private, blob[:size], hash_name)
    if len(ephemeral) != EPHEMERAL_SIZE:
        raise CryptoError("expected ephemeral AES key to be 256-bit")
    wrapped = blob[size:]
    if len(wrapped) < _SMALLEST:
        raise CryptoError("kwp: wrapped key size too small")
    if len(wrapped) > _LARGEST:
        raise CryptoError("kwp: wrapped key size too large")
    if len(wrapped) % 8:
        raise CryptoError("kwp: wrapped key size must be a multiple of 8 bytes")
    with error_context(raised=CryptoError, of=InvalidUnwrap, text="kwp: unwrap failed integrity check"):
        return aes_key_unwrap_with_padding(ephemeral, wrapped)
