"""OpenPGP: fingerprints of public keys, and encryption to them. Needs the extra ``mockkms[pgp]``, imported on use."""

from __future__ import annotations

import importlib
from typing import Protocol, cast

from mockkms.crypto.encoding import b64
from mockkms.error_context import error_context

EXTRA = "PGP keys need the extra mockkms[pgp]: pip install 'mockkms[pgp]'"
_LIBRARY_ERRORS = (RuntimeError, ValueError)


class _Certificate(Protocol):
    fingerprint: str


class _Certificates(Protocol):
    def from_bytes(self, data: bytes) -> _Certificate:
        """Parse a public key."""


class _Library(Protocol):
    Cert: _Certificates

    def encrypt(self, data: bytes, *, recipients: list[_Certificate], armor: bool) -> bytes:
        """Encrypt to public keys."""


def _library() -> _Library:
    with error_context(of=ImportError, text=EXTRA):
        return cast(_Library, importlib.import_module("pysequoia"))


def _certificate(key: str) -> _Certificate:
    with error_context("error decoding given PGP key: "):
        raw = b64.decode(key)
    if not raw:
        raise ValueError("error parsing given PGP key: EOF")
    if not raw[0] & 0x80:
        # An armored key too: the real server wants the packets themselves in base64.
        raise ValueError("error parsing given PGP key: openpgp: invalid data: tag byte does not have MSB set")
    library = _library()
    with error_context("error parsing given PGP key: openpgp: invalid data: ", _brief_error, of=_LIBRARY_ERRORS):
        return library.Cert.from_bytes(raw)


def _brief_error(text: str) -> ValueError:
    """Return an error with the first line of a message: the library adds a stack trace."""
    return ValueError(text.partition("\n")[0])


def fingerprint(key: str) -> str:
    """Return the fingerprint of a public key (its packets in base64) in lower-case hex. Raises ValueError."""
    return str(_certificate(key).fingerprint).lower()


def encrypt(data: bytes, key: str) -> bytes:
    """Return ``data`` as a binary OpenPGP message to a public key (its packets in base64).

    Raises ValueError with the server's text for anything but a key, and with the library's for a key that it does not
    encrypt to: expired, revoked, without an encryption key, or with SHA-1 signatures only.
    """
    certificate = _certificate(key)
    with error_context("error setting up encryption for PGP message: ", _brief_error, of=_LIBRARY_ERRORS):
        return bytes(_library().encrypt(data, recipients=[certificate], armor=False))


def check(key: str) -> None:
    """Raise ValueError for a key that ``encrypt`` would refuse."""
    encrypt(b"", key)
