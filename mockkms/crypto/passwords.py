"""Stored passwords: a fast salted hash, and the bcrypt hashes that users supply.

The real server hashes with bcrypt, which takes tens of milliseconds by design. An emulator protects nothing, so it
stores passwords as salted SHA-256; only a supplied bcrypt hash is verified with bcrypt.
"""

from __future__ import annotations

import hmac
import re
from hashlib import sha256

from mockkms.crypto import bcrypt

_BCRYPT = re.compile(r"\$2[abxy]?\$(\d\d)\$[./A-Za-z0-9]{53}")
_OWN = "sha256$"
_COSTS = range(4, 17)
"""Costs of bcrypt that are computed: lower ones are invalid, higher ones take minutes; neither ever matches."""


def protect(password: str, salt: bytes) -> str:
    """Return the salted hash of a password, for ``matches``."""
    return f"{_OWN}{salt.hex()}${_digest(password, salt)}"


def is_own(text: str) -> bool:
    """Return whether ``text`` is a hash made by ``protect``."""
    return text.startswith(_OWN)


def _digest(password: str, salt: bytes) -> str:
    return sha256(salt + password.encode("utf-8", "replace")).hexdigest()


def matches(password: str, kept: str) -> bool:
    """Return whether ``kept``, made by ``protect`` or bcrypt, is a hash of this password."""
    if kept.startswith(_OWN):
        salt, _, digest = kept[len(_OWN) :].partition("$")
        return hmac.compare_digest(_digest(password, bytes.fromhex(salt)), digest)
    cost = bcrypt_cost(kept)
    if cost is None or cost not in _COSTS:
        return False
    return bcrypt.verify(password.encode("utf-8", "replace"), kept)


def bcrypt_cost(text: str) -> int | None:
    """Return the cost of a bcrypt hash (as a power of two); None for other texts."""
    match = _BCRYPT.fullmatch(text)
    return int(match[1]) if match else None
