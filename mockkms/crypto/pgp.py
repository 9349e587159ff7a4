"""OpenPGP: whose a public key is, and encryption to it. Needs the extra ``mockkms[pgp]``, imported when first used."""

from __future__ import annotations

import importlib
from typing import Any

from mockkms.crypto.encoding import b64

EXTRA = "PGP keys need the extra mockkms[pgp]: pip install 'mockkms[pgp]'"


def _library() -> Any:
    try:
        return importlib.import_module("pysequoia")
    except ImportError:
        raise ValueError(EXTRA) from None


def _certificate(key: str) -> Any:
    try:
        raw = b64.decode(key)
    except ValueError as error:
        raise ValueError(f"error decoding given PGP key: {error}") from None
    if not raw:
        raise ValueError("error parsing given PGP key: EOF")
    if not raw[0] & 0x80:
        # An armored key too: the real server wants the packets themselves in base64.
        raise ValueError("error parsing given PGP key: openpgp: invalid data: tag byte does not have MSB set")
    library = _library()
    try:
        return library.Cert.from_bytes(raw)
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"error parsing given PGP key: openpgp: invalid data: {_brief(error)}") from None


def _brief(error: Exception) -> str:
    """The first line: the library adds a stack of its own."""
    return (str(error).splitlines() or [""])[0]


def fingerprint(key: str) -> str:
    """The fingerprint of a public key (its packets in base64) in lower-case hex. Raises ValueError."""
    return str(_certificate(key).fingerprint).lower()


def encrypt(data: bytes, key: str) -> bytes:
    """``data`` as a binary OpenPGP message to a public key (its packets in base64).

    Raises ValueError in the server's words for what is no key, and in the library's for one that it will not encrypt
    to: expired, revoked, without an encryption key, or bound by SHA-1 signatures alone.
    """
    certificate = _certificate(key)
    try:
        return bytes(_library().encrypt(data, recipients=[certificate], armor=False))
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"error setting up encryption for PGP message: {_brief(error)}") from None


def check(key: str) -> None:
    """Raises ValueError for a key that cannot be encrypted to, before anything depends on it."""
    encrypt(b"", key)
