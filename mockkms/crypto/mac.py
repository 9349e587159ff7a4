"""HMAC over the hashes transit names."""

from __future__ import annotations

import hmac

from mockkms.crypto.hashes import HASHES


def sign(key: bytes, data: bytes, hash_name: str = "sha2-256") -> bytes:
    """The HMAC of ``data``. Raises KeyError for a name not in ``HASHES``."""
    return hmac.digest(key, data, HASHES[hash_name])


def verify(key: bytes, data: bytes, mac: bytes, hash_name: str = "sha2-256") -> bool:
    """Whether ``mac`` is the HMAC of ``data``, compared in constant time."""
    return hmac.compare_digest(sign(key, data, hash_name), mac)
