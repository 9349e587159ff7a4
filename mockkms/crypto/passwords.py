"""Passwords at rest: a fast salted hash of our own, and bcrypt hashes that a user brings along.

The real server hashes with bcrypt, which takes tens of milliseconds on purpose. An emulator guards nothing with it, so
passwords that come in clear are kept as salted SHA-256; only a hash given as bcrypt is verified as bcrypt.
"""

from __future__ import annotations

import hmac
import re
from hashlib import sha256

from mockkms.crypto import bcrypt

_BCRYPT = re.compile(r"\$2[abxy]?\$(\d\d)\$[./A-Za-z0-9]{53}")
_OWN = "sha256$"
_COSTS = range(4, 17)
"""Costs of bcrypt that are computed: lower ones are invalid, higher ones take minutes. Others never fit."""


def protect(password: str, salt: bytes) -> str:
    """Return the salted hash of a password, for ``matches``."""
    return f"{_OWN}{salt.hex()}${_digest(password, salt)}"


def is_own(text: str) -> bool:
    """Return whether this is what ``protect`` made."""
    return text.startswith(_OWN)


def _digest(password: str, salt: bytes) -> str:
    return sha256(salt + password.encode("utf-8", "replace")).hexdigest()


def matches(password: str, kept: str) -> bool:
    """Return whether ``kept`` was made of this password, by ``protect`` or by bcrypt."""
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
