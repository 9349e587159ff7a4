"""Reading DER piece by piece, as strictly as Go does and with the error texts of its ``encoding/asn1``."""

from __future__ import annotations

from typing import Final

from mockkms.crypto import CryptoError

INTEGER: Final = 0x02
BITS: Final = 0x03
OCTETS: Final = 0x04
OID: Final = 0x06
SEQUENCE: Final = 0x30

_PARAMETERS = (
    "{optional:false explicit:false application:false private:false defaultValue:<nil> tag:<nil> stringType:0 "
    "timeType:0 set:false omitEmpty:false}"
)


class DerReader:
    """The elements of one constructed value, one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def rest(self) -> bytes:
        """The elements that were not read yet, as DER."""
        return self._data[self._at :]

    @property
    def more(self) -> bool:
        """Whether there is another element."""
        return self._at < len(self._data)

    def read(self, tag: int, name: str = "") -> bytes:
        """Return the content of the next element, which must have this tag. Raises CryptoError, naming Go's type."""
        if self._at == len(self._data):
            raise CryptoError("asn1: syntax error: sequence truncated")
        found, start, length = self._header()
        if found != tag:
            number = 16 if tag == SEQUENCE else tag
            compound = "true" if found & 0x20 else "false"
            raise CryptoError(
                f"asn1: structure error: tags don't match ({number} vs {{class:{found >> 6} tag:{found & 0x1F} "
                f"length:{length} isCompound:{compound}}}) {_PARAMETERS} {name} @{start}"
            )
        if start + length > len(self._data):
            raise CryptoError("asn1: syntax error: data truncated")
        self._at = start + length
        return self._data[start : self._at]

    def enter(self, name: str = "") -> DerReader:
        """Return a reader of the next element's content, which must be a SEQUENCE. Raises CryptoError."""
        return DerReader(self.read(SEQUENCE, name))

    def skip(self) -> bytes:
        """Return the next element as a whole, whatever it is; empty at the end. Raises CryptoError."""
        begin = self._at
        if begin < len(self._data):
            _, start, length = self._header()
            if start + length > len(self._data):
                raise CryptoError("asn1: syntax error: data truncated")
            self._at = start + length
        return self._data[begin : self._at]

    def integer(self, name: str = "int") -> int:
        """Return the value of the next element, which must be an INTEGER. Raises CryptoError."""
        content = self.read(INTEGER, name)
        if not content:
            raise CryptoError("asn1: structure error: empty integer")
        if len(content) > 1 and (content[0], content[1] >> 7) in ((0x00, 0), (0xFF, 1)):
            raise CryptoError("asn1: structure error: integer not minimally-encoded")
        return int.from_bytes(content, "big", signed=True)

    def small(self) -> int:
        """Return the value of the next element, an INTEGER of at most 64 bits, as of versions. Raises CryptoError."""
        value = self.integer()
        if not -(1 << 63) <= value < 1 << 63:
            raise CryptoError("asn1: structure error: integer too large")
        return value

    def _header(self) -> tuple[int, int, int]:
        """Return ``(tag, start of content, length)`` of the next element."""
        data, at = self._data, self._at + 1
        if at >= len(data):
            raise CryptoError("asn1: syntax error: truncated tag or length")
        tag, length = data[self._at], data[at]
        at += 1
        if length & 0x80:
            length, at = self._long_length(length & 0x7F, at)
        return tag, at, length

    def _long_length(self, count: int, at: int) -> tuple[int, int]:
        if count == 0:
            raise CryptoError("asn1: syntax error: indefinite length found (not DER)")
        digits = self._data[at : at + count]
        if digits and digits[0] == 0:
            raise CryptoError("asn1: structure error: superfluous leading zeros in length")
        if count > 4 and len(digits) >= 4:
            raise CryptoError("asn1: structure error: length too large")
        if len(digits) < count:
            raise CryptoError("asn1: syntax error: truncated tag or length")
        length = int.from_bytes(digits, "big")
        if length < 0x80:
            raise CryptoError("asn1: structure error: non-minimal length")
        return length, at + count


def oid(content: bytes) -> str:
    """Return the dotted form of an OBJECT IDENTIFIER's content. Raises CryptoError."""
    if not content:
        raise CryptoError("asn1: syntax error: zero length OBJECT IDENTIFIER")
    if content[-1] & 0x80:
        raise CryptoError("asn1: syntax error: truncated base 128 integer")
    arcs: list[int] = []
    value = 0
    for byte in content:
        if not value and byte == 0x80:
            raise CryptoError("asn1: syntax error: integer is not minimally encoded")
        value = value << 7 | byte & 0x7F
        if value >= 1 << 31:
            raise CryptoError("asn1: structure error: base 128 integer too large")
        if not byte & 0x80:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))
