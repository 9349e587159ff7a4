"""Writing DER piece by piece: the counterpart of ``der``."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence

from mockkms.crypto.bounded_cache import remembered

_MOST_DIGITS = 100
"""Digits without leading zeros of an arc that are read: any such number is beyond 64 bits."""
_MOST_OIDS, _LONGEST_OID = 512, 64
_PRINTABLE = re.compile(r"[A-Za-z0-9 '()+,\-./:=?]*")


def tlv(tag: int, content: bytes) -> bytes:
    """Return one element: tag, length, content."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(digits))) + digits + content


def sequence(*items: bytes) -> bytes:
    """Return a SEQUENCE of finished elements."""
    return tlv(0x30, b"".join(items))


def set_of(items: list[bytes]) -> bytes:
    """Return a SET OF finished elements, in DER's order."""
    return tlv(0x31, b"".join(sorted(items)))


def integer(value: int) -> bytes:
    """Return an INTEGER, negative ones too."""
    return tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def boolean(value: bool) -> bytes:
    """Return a BOOLEAN."""
    return tlv(0x01, b"\xff" if value else b"\x00")


def octets(content: bytes) -> bytes:
    """Return an OCTET STRING."""
    return tlv(0x04, content)


def bits(content: bytes, unused: int = 0) -> bytes:
    """Return a BIT STRING; the last ``unused`` bits of its last byte do not belong to it."""
    return tlv(0x03, bytes((unused,)) + content)


def context(number: int, content: bytes, *, constructed: bool = True) -> bytes:
    """Return a context-specific element ``[number]``."""
    return tlv((0xA0 if constructed else 0x80) | number, content)


def null() -> bytes:
    """Return a NULL."""
    return b"\x05\x00"


def parse_oid(text: str, quote: Callable[[str], str] = '"{}"'.format) -> tuple[int, ...]:
    """Return the arcs of a dotted OBJECT IDENTIFIER. Raises ValueError, with Go's text, for other texts.

    Args:
        text: Whole numbers with dots between them.
        quote: Quotes a part that is not a number, as Go does.
    """
    arcs = []
    for part in text.split("."):
        if not re.fullmatch(r"[+-]?[0-9]+", part, re.ASCII):
            raise ValueError(f"strconv.Atoi: parsing {quote(part)}: invalid syntax")
        digits = part.lstrip("+-0")[:_MOST_DIGITS] or "0"
        arc = -int(digits) if part[0] == "-" else int(digits)
        if not -(1 << 63) <= arc < 1 << 63:
            raise ValueError(f'strconv.Atoi: parsing "{part}": value out of range')
        arcs.append(arc)
    return tuple(arcs)


@remembered(_MOST_OIDS, _LONGEST_OID)
def oid(text: str) -> bytes:
    """Return an OBJECT IDENTIFIER in dotted form. Raises ValueError for one that cannot be written."""
    return oid_of(parse_oid(text))


def oid_of(arcs: Sequence[int]) -> bytes:
    """Return an OBJECT IDENTIFIER of its numbers. Raises ValueError for one that cannot be written."""
    if len(arcs) < 2 or arcs[0] > 2 or (arcs[0] < 2 and arcs[1] > 39):
        raise ValueError("asn1: structure error: invalid object identifier")
    content = b""
    for arc in (arcs[0] * 40 + arcs[1], *arcs[2:]):
        if arc < 0:
            continue  # Go writes no byte for it.
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(arc & 0x7F | 0x80)
        content += bytes(reversed(groups))
    return tlv(0x06, content)


def text(value: str) -> bytes:
    """Return a PrintableString where that can hold the text, else a UTF8String, as Go chooses."""
    return tlv(0x13 if _PRINTABLE.fullmatch(value) else 0x0C, value.encode())


def utf8(value: str) -> bytes:
    """Return a UTF8String."""
    return tlv(0x0C, value.encode())


def moment(seconds: float) -> bytes:
    """Return a UTCTime until 2049, else a GeneralizedTime. Raises ValueError for years below 1 and above 9999."""
    try:
        fields = time.gmtime(seconds)
    except (OverflowError, OSError, ValueError):
        fields = None
    if fields is None or not 0 < fields.tm_year <= 9999:
        raise ValueError("asn1: structure error: cannot represent time as GeneralizedTime")
    tail = time.strftime("%m%d%H%M%SZ", fields)
    if 1950 <= fields.tm_year < 2050:
        return tlv(0x17, f"{fields.tm_year % 100:02}{tail}".encode())
    return tlv(0x18, f"{fields.tm_year:04}{tail}".encode())
