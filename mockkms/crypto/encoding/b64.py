"""Standard base64 as Go decodes it: line breaks are skipped, padding is required, errors name the byte."""

from __future__ import annotations

import binascii
from collections.abc import Iterator

_ALPHABET = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")

_URL_ALPHABET = _ALPHABET - frozenset(b"+/") | frozenset(b"-_")

_PIECE = 1024 * 1024
"""Characters of a long text that are converted in one go."""
_FROM_URL = str.maketrans("-_", "+/")
_TO_URL = str.maketrans("+/", "-_")


def decode(text: str) -> bytes:
    """Return the bytes of ``text``. Raises ValueError ``illegal base64 data at input byte N``, as Go's StdEncoding."""
    try:
        if len(text) > _PIECE:
            return b"".join(_pieces(text))
        raw = binascii.a2b_base64(text, strict_mode=True)
        if (len(raw) + 2) // 3 * 4 == len(text):  # Strict as it is, Python lets padding follow a whole group.
            return raw
    except ValueError:
        pass
    return _decode_slowly(text.encode("utf-8", "surrogatepass"))


def _pieces(text: str) -> Iterator[bytes]:
    """Decode a long text in pieces, between which other threads can run. Raises ValueError."""
    for at in range(0, len(text), _PIECE):
        piece = text[at : at + _PIECE]
        raw = binascii.a2b_base64(piece, strict_mode=True)
        if (len(raw) + 2) // 3 * 4 != len(piece) or (at + _PIECE < len(text) and piece[-1] == "="):
            raise ValueError
        yield raw


def encode(raw: bytes) -> str:
    """Return padded base64 on one line."""
    if len(raw) > _PIECE:
        step = _PIECE // 4 * 3
        parts = [binascii.b2a_base64(raw[at : at + step], newline=False) for at in range(0, len(raw), step)]
        return b"".join(parts).decode("ascii")
    return binascii.b2a_base64(raw, newline=False).decode("ascii")


def decode_url(text: str) -> bytes:
    """Return the bytes of URL-safe base64 without padding; line breaks are skipped. Raises ValueError."""
    plain = text.replace("\r", "").replace("\n", "")
    if not plain.isascii() or any(char in plain for char in "+/="):
        raise ValueError("illegal base64 data")
    return binascii.a2b_base64(plain.translate(_FROM_URL) + "=" * (-len(plain) % 4), strict_mode=True)


def decode_raw_url(text: str) -> bytes:
    """Return the bytes of ``text``. Raises ValueError naming the byte, as Go's RawURLEncoding does."""
    return _decode_raw(text, _URL_ALPHABET)


def decode_raw(text: str) -> bytes:
    """Return the bytes of ``text``. Raises ValueError naming the byte, as Go's RawStdEncoding does."""
    return _decode_raw(text, _ALPHABET)


def _decode_raw(text: str, alphabet: frozenset[int]) -> bytes:
    clean = bytearray()
    raw = text.encode("utf-8", "surrogatepass")
    for at, byte in enumerate(raw):
        if byte in b"\r\n":
            continue
        if byte not in alphabet:
            raise _illegal(at)
        clean.append(byte)
    if len(clean) % 4 == 1:
        raise _illegal(len(raw) - 1)
    return binascii.a2b_base64(bytes(clean).replace(b"-", b"+").replace(b"_", b"/") + b"=" * (-len(clean) % 4))


def encode_url(raw: bytes) -> str:
    """Return URL-safe base64 without padding."""
    return encode(raw).translate(_TO_URL).rstrip("=")


def _decode_slowly(raw: bytes) -> bytes:
    """Decode step by step as Go does: only for line breaks and for invalid input, whose position it finds."""
    clean = bytearray()
    at = 0
    while True:
        start = len(clean)
        while len(clean) - start < 4:
            if at == len(raw):
                got = len(clean) - start
                if got == 0:
                    return binascii.a2b_base64(bytes(clean))
                raise _illegal(at - got)
            byte = raw[at]
            at += 1
            if byte in b"\r\n":
                continue
            if byte in _ALPHABET:
                clean.append(byte)
                continue
            if byte != 0x3D or len(clean) - start < 2:
                raise _illegal(at - 1)
            return _end(raw, at, clean, len(clean) - start)


def _end(raw: bytes, at: int, clean: bytearray, got: int) -> bytes:
    """Check what follows the first ``=``: a second one after two characters, then nothing; return the decoded bytes."""
    at = _skip_breaks(raw, at)
    if got == 2:
        if at == len(raw):
            raise _illegal(len(raw))
        if raw[at] != 0x3D:
            raise _illegal(at - 1)
        at = _skip_breaks(raw, at + 1)
    if at < len(raw):
        raise _illegal(at)
    return binascii.a2b_base64(bytes(clean) + b"=" * (4 - got))


def _skip_breaks(raw: bytes, at: int) -> int:
    while at < len(raw) and raw[at] in b"\r\n":
        at += 1
    return at


def _illegal(at: int) -> ValueError:
    return ValueError(f"illegal base64 data at input byte {at}")
