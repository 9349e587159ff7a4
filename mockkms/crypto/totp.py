"""Time-based one-time passwords (RFC 6238) and the URL and QR code that transfer their key to a phone."""

from __future__ import annotations

import base64
import hmac
import struct
import zlib
from typing import TypedDict
from urllib.parse import quote

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

ALGORITHMS: dict[str, type[hashes.SHA1 | hashes.SHA256 | hashes.SHA512]] = {
    "SHA1": hashes.SHA1,
    "SHA256": hashes.SHA256,
    "SHA512": hashes.SHA512,
}
_IN_PATH = "$&+,/:;=@-_.~"
_IN_QUERY = "$&+=:@-_.~"


class Settings(TypedDict):
    """The settings that determine a passcode."""

    period: int
    """Seconds."""
    digits: int
    algorithm: str


def encoded(key: bytes) -> str:
    """Return a key as apps take it: base32 without padding."""
    return base64.b32encode(key).decode().rstrip("=")


def code(secret: str, moment: float, *, period: int, digits: int, algorithm: str, ahead: int = 0) -> str:
    """Return the passcode of ``secret`` (base32) at ``moment`` (seconds since the epoch), ``ahead`` periods later."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    counter = int(moment // period) + ahead
    algorithm_made = ALGORITHMS[algorithm]()
    return HOTP(key, digits, algorithm_made, enforce_key_length=False).generate(counter).decode()


def valid(passcode: str, secret: str, moment: float, *, period: int, digits: int, skew: int, algorithm: str) -> bool:
    """Return whether a passcode is valid at ``moment``, or up to ``skew`` periods before or after."""
    wanted = passcode.encode("utf-8", "replace")
    return any(
        hmac.compare_digest(
            code(secret, moment, period=period, digits=digits, algorithm=algorithm, ahead=ahead).encode(), wanted
        )
        for ahead in range(-skew, skew + 1)
        if moment // period + ahead >= 0
    )


def url(secret: str, issuer: str, account: str, *, period: int, digits: int, algorithm: str) -> str:
    """Return ``otpauth://totp/…`` as Go writes it."""
    query = {"algorithm": algorithm, "digits": digits, "issuer": issuer, "period": period, "secret": secret}
    pairs = "&".join(f"{name}={quote(str(value), safe=_IN_QUERY)}" for name, value in query.items())
    return f"otpauth://totp/{quote(f'{issuer}:{account}', safe=_IN_PATH)}?{pairs}"


LARGEST_KEY = 1 << 22
"""Bytes of a generated key. The real server has no limit: it runs out of memory."""
LARGEST_PICTURE = 4096
"""Pixels of a side of a QR code. The real server has no limit: it runs out of memory."""


def picture(text: str, size: int) -> bytes:
    """Return ``text`` as a QR code in a PNG, ``size`` pixels wide and high; empty if ``segno`` is not installed.

    Raises ValueError for a picture too small for its text or beyond ``LARGEST_PICTURE``, and OverflowError for a text
    too long for any.
    """
    if size > LARGEST_PICTURE:
        raise ValueError(f"mockkms draws none of more than {LARGEST_PICTURE} pixels a side")
    try:
        import segno  # In the extra ``qr``.
    except ImportError:
        return b""
    try:
        rows = [bytes(row) for row in segno.make_qr(text, error="m", boost_error=False).matrix]
    except segno.DataOverflowError:
        raise OverflowError(len(text)) from None
    side = len(rows)
    factor = size // side
    if factor <= 0:
        raise ValueError(f"can not scale barcode to an image smaller than {side}x{side}")
    before = (size - side * factor) // 2
    after = size - side * factor - before
    white = b"\xff" * size
    lines = [white] * before
    for row in rows:
        dots = b"".join((b"\0" if dark else b"\xff") * factor for dark in row)
        lines += [b"\xff" * before + dots + b"\xff" * after] * factor
    lines += [white] * after
    head = struct.pack(">IIBBBBB", size, size, 8, 0, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + line for line in lines))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
