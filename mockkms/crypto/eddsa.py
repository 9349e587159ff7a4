"""Ed25519 over raw keys: seeds of 32 bytes, public keys of 32 bytes."""

from __future__ import annotations

from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_CACHED_KEYS = 512


@lru_cache(maxsize=_CACHED_KEYS)
def _private(seed: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(seed)


@lru_cache(maxsize=_CACHED_KEYS)
def _public(raw: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(raw)


def sign(private: bytes, data: bytes) -> bytes:
    """The 64-byte signature; ``private`` is the seed, alone or with the public key behind it."""
    return _private(private[:32]).sign(data)


def verify(public: bytes, data: bytes, signature: bytes) -> bool:
    """Whether the signature is good; one of the wrong size is not."""
    try:
        _public(public).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True
