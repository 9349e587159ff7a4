"""BER as LDAP uses it (RFC 4511): tag, length, value, with tags of one byte."""

from __future__ import annotations

from collections.abc import Iterator

INTEGER, TEXT, ENUM, SEQUENCE, SET, BOOLEAN = 0x02, 0x04, 0x0A, 0x30, 0x31, 0x01


def tlv(tag: int, *parts: bytes) -> bytes:
    """Return one element, whose value is the joined parts."""
    value = b"".join(parts)
    size = len(value)
    if size < 0x80:
        return bytes((tag, size)) + value
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + value


def integer(value: int, tag: int = INTEGER) -> bytes:
    """Return an INTEGER of a value that is not negative."""
    return tlv(tag, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def text(value: str | bytes, tag: int = TEXT) -> bytes:
    """Return an OCTET STRING of bytes or of a string in UTF-8."""
    return tlv(tag, value.encode() if isinstance(value, str) else value)


def elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag and value of each element. Raises ValueError for a truncated one."""
    place = 0
    while place < len(data):
        tag, start, end = head(data, place)
        if end > len(data):
            raise ValueError("an element is cut off")
        yield tag, data[start:end]
        place = end


def head(data: bytes, place: int = 0) -> tuple[int, int, int]:
    """Return tag, start and end of the value of the element at ``place``. Raises ValueError if it is truncated."""
    if len(data) < place + 2:
        raise ValueError("an element is cut off")
    tag, size, start = data[place], data[place + 1], place + 2
    if size & 0x80:
        count = size & 0x7F
        if not 0 < count <= 4 or len(data) < start + count:
            raise ValueError("a length is cut off, or of a form that LDAP has not")
        size, start = int.from_bytes(data[start : start + count], "big"), start + count
    return tag, start, start + size
