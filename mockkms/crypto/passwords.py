"""Stored passwords: a fast salted hash, and the bcrypt hashes that users supply.

The real server hashes with bcrypt, which takes tens of milliseconds by design. An emulator protects nothing, so it
stores passwords as salted SHA-256; only a supplied bcrypt hash is verified with bcrypt.
"""

from __future__ import annotations

import hmac
import re
from hashlib import sha256

from mockkms.crypto import bcrypt

_SALT, _HASH = re.compile(rb"[./A-Za-z0-9]{22}"), re.compile(rb"[./A-Za-z0-9]{31}")
_COST = re.compile(rb"[+-]?[0-9]+")
_SHORTEST = 59
_VALID_COSTS = range(4, 32)
_OWN = "sha256$"
_COMPUTED_COSTS = range(4, 17)
"""Costs of bcrypt that are computed: higher ones take minutes and never match."""


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
        own, _, digest = kept[len(_OWN) :].partition("$")
        return hmac.compare_digest(_digest(password, bytes.fromhex(own)), digest)
    parts = _parts(kept)
    if parts is None:
        return False
    cost, salt, hashed = parts
    if cost not in _COMPUTED_COSTS or not _SALT.fullmatch(salt) or not _HASH.fullmatch(hashed):
        return False
    return bcrypt.verify(password.encode("utf-8", "replace"), cost, salt.decode(), hashed.decode())


def bcrypt_cost(text: str) -> int | None:
    """Return the cost of what Go's ``bcrypt`` takes for a hash (as a power of two); None for other texts."""
    parts = _parts(text)
    return parts[0] if parts else None


def _parts(text: str) -> tuple[int, bytes, bytes] | None:
    """Return cost, salt and hash as Go's ``bcrypt`` reads them: it looks at lengths, the version and the cost only."""
    data = text.encode("utf-8", "replace")
    if len(data) < _SHORTEST or data[:1] != b"$" or data[1:2] > b"2":
        return None
    start = 3 if data[2:3] == b"$" else 4
    written, rest = data[start : start + 2], data[start + 3 :]
    if not _COST.fullmatch(written) or int(written) not in _VALID_COSTS:
        return None
    return int(written), rest[:22], rest[22:53]
