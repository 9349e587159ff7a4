"""Strings that are random as a whole (ciphertexts, tokens, accessors, keys), told by kind and size."""

from __future__ import annotations

import base64
import binascii
import re

from tests.parity.scrub import PEM, SERIAL

ACCESSOR = re.compile(r"^[A-Za-z0-9]{24}(\.[A-Za-z0-9]{4,6})?$")
WRAPPED = re.compile(r"^(?:vault|bao):v(\d+):(.*)$", re.S)

_MOUNT_ACCESSOR = re.compile(r"^((?:auth_)?[a-z0-9-]+)_[0-9a-f]{8}$")
_LEASE = re.compile(r"/[A-Za-z0-9]{24}(\.[A-Za-z0-9]{4,6})?$")
_TOKENS = [
    ("service-token", re.compile(r"^(?:hvs|s)\.[A-Za-z0-9_-]{20,}(\.[A-Za-z0-9]{4,6})?$")),
    ("batch-token", re.compile(r"^(?:hvb|b)\.[A-Za-z0-9_-]{40,}(\.[A-Za-z0-9]{4,6})?$")),
]
_JWT = re.compile(r"^ey[A-Za-z0-9_-]+\.ey[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$")
_OTHERS = [
    ("<cluster>", re.compile(r"^[a-z]+-cluster-[0-9a-f]{8}$")),
    ("<builtin-version>", re.compile(r"^v?\d+\.\d+\.\d+\S*\+builtin\S*$")),
]
_LONG_HEX = re.compile(r"(?:[0-9a-f]{2}){6,}")
"""Three random bytes in base64 are digits of hex once in 256 times; of twelve such digits that is no chance."""
_RAW_SIGNATURE_SIZES = frozenset((64, 96, 132, 256, 384, 512))
"""Bytes; an ASN.1 signature varies by a few and is told apart by that."""


def label(key: str, value: str) -> str | None:
    """What stands for the string ``value`` below ``key``; None where nothing in it is random as a whole."""
    wrapped = WRAPPED.match(value)
    if wrapped:
        return _ciphertext(key, wrapped.group(1), wrapped.group(2))
    token = _token(value)
    if token:
        return token
    if key == "accessor" or key.endswith("_accessor"):
        mount = _MOUNT_ACCESSOR.match(value)
        if mount:
            return f"{mount.group(1)}_<hex8>"
        if ACCESSOR.match(value):
            return "<accessor>"
    if key in ("lease_id", "id") and _LEASE.search(value):
        return _LEASE.sub("/<lease>", value)
    if PEM.search(value) or (key == "public_key" and value):
        return material(value)
    return next((name for name, pattern in _OTHERS if pattern.match(value)), None)


def material(value: str) -> str:
    """Random bytes: the encoding and the size, except a serial number's, which has a byte less once in 128 times."""
    if PEM.search(value):
        return PEM.sub(lambda found: f"<pem:{found.group(1)}>", value).strip()
    if SERIAL.fullmatch(value):
        return "<serial>"
    if _LONG_HEX.fullmatch(value):
        return f"<hex:{len(value) // 2}>"
    size = _decoded_size(value)
    if size is None:
        return f"<text:{len(value)}>"
    return f"<base64:{size}>" if size <= 128 else "<base64:large>"


def _ciphertext(key: str, version: str, payload: str) -> str:
    size = _decoded_size(payload)
    if size is None:
        return f"<vault:v{version}:not-base64>"
    if key == "signature" and size not in _RAW_SIGNATURE_SIZES:
        return f"<vault:v{version}:signature-asn1>"
    return f"<vault:v{version}:{size} bytes>"


def _token(value: str) -> str | None:
    for name, pattern in _TOKENS:
        found = pattern.match(value)
        if found:
            return f"<{name}{'.namespace' if found.group(1) else ''}>"
    return "<jwt>" if _JWT.match(value) else None


def _decoded_size(text: str) -> int | None:
    padded = text + "=" * (-len(text) % 4)
    for alphabet in (None, b"-_"):
        try:
            return len(base64.b64decode(padded, altchars=alphabet, validate=True))
        except (binascii.Error, ValueError):
            continue
    return None
