"""Key derivation: HKDF with SHA-256, and the counter-mode KDF that very old derived keys still use."""

from __future__ import annotations

import hmac
import struct
from hashlib import sha256


def hkdf_sha256(key: bytes, salt: bytes, info: bytes, size: int) -> bytes:
    """Return ``size`` bytes (at most 8160) by RFC 5869; an empty ``salt`` is 32 zero bytes."""
    if size > 255 * 32:
        raise ValueError("hkdf: entropy limit reached")
    pseudorandom = hmac.digest(salt or bytes(32), key, "sha256")
    out = block = b""
    for counter in range(1, -(-size // 32) + 1):
        block = hmac.digest(pseudorandom, block + info + bytes((counter,)), "sha256")
        out += block
    return out[:size]


def counter_sha256(key: bytes, context: bytes, size: int = 32) -> bytes:
    """Return ``size`` bytes of NIST SP 800-108 counter mode with HMAC-SHA-256, counting from 0 as Vault does."""
    tail = context + struct.pack(">I", size * 8)
    blocks = (hmac.new(key, struct.pack(">I", counter) + tail, sha256).digest() for counter in range(-(-size // 32)))
    return b"".join(blocks)[:size]
