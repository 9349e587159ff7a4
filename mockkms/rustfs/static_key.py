"""The one key of a static backend, which a real server takes from its environment, and what it says of a wrong one."""

from __future__ import annotations

import base64
import binascii

SIZE = 32
"""Bytes of the key."""


class StaticKeyError(ValueError):
    """The key cannot be used; the message never shows it."""


def split(text: str) -> tuple[str, str]:
    """Return name and base64 key of ``<key-name>:<base64-key>``. Raises StaticKeyError."""
    name, colon, secret = text.strip().partition(":")
    if not (name and colon and secret):
        raise StaticKeyError("Static KMS secret key must be in format <key-name>:<base64-key>")
    return name, secret


def decoded(name: str, secret: str) -> bytes:
    """Return the key's bytes. Raises StaticKeyError for a key without a name and for one that is not 32 bytes."""
    if not name:
        raise StaticKeyError("Static KMS key_id cannot be empty")
    if not secret:
        raise StaticKeyError("Static KMS secret_key cannot be empty")
    try:
        key = base64.b64decode(secret.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise StaticKeyError("Static KMS secret key is not valid base64") from None
    if len(key) != SIZE:
        raise StaticKeyError(
            f"Static KMS secret key must be exactly {SIZE} bytes after base64 decoding, got {len(key)} bytes"
        )
    return key
