"""The hash algorithms by the names transit gives them, and HMAC over them."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

NONE: Final = "none"
"""No hash: the input is signed as it is (PKCS #1 v1.5 without a digest header)."""

HASHES: Final = {
    "sha1": "sha1",
    "sha2-224": "sha224",
    "sha2-256": "sha256",
    "sha2-384": "sha384",
    "sha2-512": "sha512",
    "sha3-224": "sha3_224",
    "sha3-256": "sha3_256",
    "sha3-384": "sha3_384",
    "sha3-512": "sha3_512",
}
"""Transit's name to ``hashlib``'s."""

SIZES: Final = {name: hashlib.new(inner).digest_size for name, inner in HASHES.items()}
"""Bytes of a digest by transit's name."""


def known(name: str) -> bool:
    """Return whether signing and verifying know this name (``none`` included)."""
    return name in HASHES or name == NONE


def digest(name: str, data: bytes) -> bytes:
    """Return the digest of ``data``. Raises KeyError for a name not in ``HASHES``."""
    return hashlib.new(HASHES[name], data).digest()


def algorithm(name: str) -> HashAlgorithm:
    """Return the ``cryptography`` object of a hash. Raises KeyError for a name not in ``HASHES``."""
    from cryptography.hazmat.primitives import hashes

    found: HashAlgorithm = getattr(hashes, HASHES[name].upper())()
    return found


def sign_hmac(key: bytes, data: bytes, hash_name: str = "sha2-256") -> bytes:
    """Return the HMAC of ``data``. Raises KeyError for a name not in ``HASHES``."""
    return hmac.digest(key, data, HASHES[hash_name])


def verify_hmac(key: bytes, data: bytes, mac: bytes, hash_name: str = "sha2-256") -> bool:
    """Return whether ``mac`` is the HMAC of ``data``, compared in constant time."""
    return hmac.compare_digest(sign_hmac(key, data, hash_name), mac)
