"""Reading DER piece by piece, as strictly as Go does; just enough for signatures and key containers."""

from __future__ import annotations

from typing import Final

INTEGER: Final = 0x02
OCTETS: Final = 0x04
OID: Final = 0x06
SEQUENCE: Final = 0x30


def header(data: bytes) -> tuple[int, int, int]:
    """``(tag, start, end)`` of the first element. Raises ValueError where the length is cut short or not minimal."""
    if len(data) < 2:
        raise ValueError("data truncated")
    tag, length, start = data[0], data[1], 2
    if length & 0x80:
        count = length & 0x7F
        if not 1 <= count <= 4 or len(data) < 2 + count:
            raise ValueError("invalid length")
        length, start = int.from_bytes(data[2 : 2 + count], "big"), 2 + count
        if length < 0x80 or length >> (8 * (count - 1)) == 0:
            raise ValueError("non-minimal length")
    if start + length > len(data):
        raise ValueError("data truncated")
    return tag, start, start + length


def read(data: bytes, expected: int) -> tuple[bytes, bytes]:
    """Content of the first element, which must have the tag ``expected``, and what follows it. Raises ValueError."""
    tag, start, end = header(data)
    if tag != expected:
        raise ValueError(f"tag {tag:#04x} where {expected:#04x} is expected")
    return data[start:end], data[end:]


def integer(content: bytes) -> int:
    """The value of an INTEGER's content. Raises ValueError for an empty or padded one."""
    if not content:
        raise ValueError("empty integer")
    if len(content) > 1 and (content[0], content[1] >> 7) in ((0x00, 0), (0xFF, 1)):
        raise ValueError("integer not minimally-encoded")
    return int.from_bytes(content, "big", signed=True)
