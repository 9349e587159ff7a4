"""Certificates as the parser of Go's ``crypto/x509`` takes them, with its error texts.

It is stricter than the library in some places, such as the two identifiers of the signature's algorithm, and more
lenient in none that matters here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from mockkms.crypto import CryptoError
from mockkms.crypto.encoding import containers, pem
from mockkms.crypto.encoding.der import BITS, INTEGER, OCTETS, OID, SEQUENCE, DerReader, oid
from mockkms.crypto.x509.build import Extension
from mockkms.crypto.x509.certificate_extensions import check_extension
from mockkms.error_context import error_context

_SET: Final = 0x31
_BOOLEAN: Final = 0x01
_VERSION, _ISSUER_ID, _SUBJECT_ID, _EXTENSIONS = 0xA0, 0x81, 0x82, 0xA3
_TIMES: Final = {
    0x17: (
        "UTCTime",
        re.compile(rb"\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])([01]\d|2[0-3])[0-5]\d([0-5]\d)?(Z|[+-](?!0000)\d{4})"),
    ),
    0x18: ("GeneralizedTime", re.compile(rb"\d{4}(0[1-9]|1[0-2])([0-2]\d|3[01])([01]\d|2[0-3])[0-5]\d[0-5]\dZ")),
}
_PRINTABLE: Final = re.compile(rb"[A-Za-z0-9 '()+,\-./:=?*&]*")


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


_STRINGS: Final[dict[int, tuple[str, Callable[[bytes], bool]]]] = {
    0x0C: ("UTF-8 string", _is_utf8),
    0x12: ("NumericString", lambda text: not text.strip(b" 0123456789")),
    0x13: ("PrintableString", lambda text: _PRINTABLE.fullmatch(text) is not None),
    0x14: ("T61String", lambda _text: True),
    0x16: ("IA5String", bytes.isascii),
    0x1E: ("BMPString", lambda text: len(text) % 2 == 0),
}
"""Types of text in names by tag: Go's name, and whether a text is one."""
_LIBRARY_FAULTS = (ValueError, UnsupportedAlgorithm, x509.InvalidVersion)


class CertificateParts(NamedTuple):
    """What a certificate has: algorithm (OID) and DER of its key, and the extensions; those of versions 1 and 2: none.

    The library refuses some of the extensions that Go reads, and ``encipher_only`` without ``key_agreement``.
    """

    loaded: x509.Certificate
    algorithm: str
    public: bytes
    extensions: list[Extension]


def parse(data: bytes) -> CertificateParts:
    """Return the parts of a certificate in DER. Raises CryptoError with Go's text."""
    (algorithm, public), extensions = _check(data)
    with error_context(raised=CryptoError, of=_LIBRARY_FAULTS, text="x509: malformed certificate"):
        return CertificateParts(x509.load_der_x509_certificate(data), algorithm, public, extensions)


def parse_certificate(data: bytes) -> x509.Certificate:
    """Return a certificate in DER. Raises CryptoError with Go's text."""
    return parse(data).loaded


def key_info(data: bytes) -> tuple[str, bytes]:
    """Return the algorithm (OID) and public key (DER) of a certificate (DER). Raises CryptoError with Go's text."""
    found = parse(data)
    return found.algorithm, found.public


def certificates(text: str, *labels: str) -> list[x509.Certificate]:
    """Return the certificates in the PEM blocks with these labels, by default ``CERTIFICATE``; all else is skipped."""
    found = []
    for block in pem.blocks(text):
        if block.label in (labels or ("CERTIFICATE",)) and not block.headers:
            with suppress(CryptoError):
                found.append(parse_certificate(block.der))
    return found


def _read(reader: DerReader, tag: int, fault: str) -> DerReader:
    """Return a reader of the content of the next element, which must have this tag."""
    with error_context("x509: ", CryptoError, text=f"x509: {fault}"):
        return DerReader(reader.read(tag))


def _is_next(reader: DerReader, tag: int) -> bool:
    return reader.rest[:1] == bytes([tag])


def _has_high_tag(reader: DerReader) -> bool:
    """Return whether the tag of the next element has more than one byte, which Go's parser of certificates refuses."""
    return reader.rest[0] & 0x1F == 0x1F


def _check_bits(reader: DerReader, fault: str) -> None:
    """Check the next element, a BIT STRING: the bits that are not used are at most seven, and zero."""
    content = _read(reader, BITS, fault).rest
    unused = content[0] if content else 8
    last = content[-1] if len(content) > 1 else 0xFF
    if unused > 7 or last & ((1 << unused) - 1):
        raise CryptoError(f"x509: {fault}")


def _check(data: bytes) -> tuple[tuple[str, bytes], list[Extension]]:
    """Check a certificate in the order of Go's parser; return its key as ``key_info`` does, and its extensions.

    Raises CryptoError.
    """
    outer = DerReader(data)
    whole = _read(outer, SEQUENCE, "malformed certificate")
    body = _read(whole, SEQUENCE, "malformed tbs certificate")
    version = _version(body)
    serial = _read(body, INTEGER, "malformed serial number").rest
    if not serial or (len(serial) > 1 and (serial[0], serial[1] >> 7) in ((0x00, 0), (0xFF, 1))):
        raise CryptoError("x509: malformed serial number")
    if serial[0] & 0x80:
        raise CryptoError("x509: negative serial number")
    inner = _read(body, SEQUENCE, "malformed signature algorithm identifier")
    algorithm = _read(whole, SEQUENCE, "malformed algorithm identifier")
    if inner.rest != algorithm.rest:
        raise CryptoError("x509: inner and outer signature algorithm identifiers don't match")
    _algorithm(inner)
    _name(_read(body, SEQUENCE, "malformed issuer"))
    validity = _read(body, SEQUENCE, "malformed validity")
    _time(validity)
    _time(validity)
    _name(_read(body, SEQUENCE, "malformed issuer"))
    key = _public_key(body)
    extensions = _after_key(body, version) if version > 1 else []
    _check_bits(whole, "malformed signature")
    if outer.more:
        raise CryptoError("x509: trailing data")
    return key, extensions


def _version(body: DerReader) -> int:
    if not _is_next(body, _VERSION):
        return 1
    content = _read(body, _VERSION, "malformed version")
    with error_context("", CryptoError, text="x509: malformed version"):
        version = content.small()
    if version < 0 or content.more:
        raise CryptoError("x509: malformed version")
    if version > 2:
        raise CryptoError("x509: invalid version")
    return version + 1


def _algorithm(identifier: DerReader) -> str:
    """Return the OID of an algorithm, whose parameters may be anything."""
    with error_context("", CryptoError, text="x509: malformed OID"):
        number = oid(identifier.read(OID))
    with error_context("", CryptoError, text="x509: malformed parameters"):
        if identifier.more and _has_high_tag(identifier):
            raise CryptoError("")
        identifier.skip()
    return number


def _name(name: DerReader) -> None:
    fault = "invalid RDNSequence"
    while name.more:
        parts = _read(name, _SET, fault)
        while parts.more:
            part = _read(parts, SEQUENCE, f"{fault}: invalid attribute")
            with error_context("", CryptoError, text=f"x509: {fault}: invalid attribute type"):
                oid(part.read(OID))
            with error_context("", CryptoError, text=f"x509: {fault}: invalid attribute value"):
                if not part.more or _has_high_tag(part):
                    raise CryptoError("")
                tag = part.rest[0]
                text = part.read(tag)
            _check_text(tag, text, f"x509: {fault}: invalid attribute value: ")


def _check_text(tag: int, text: bytes, prefix: str) -> None:
    if tag not in _STRINGS:
        raise CryptoError(f"{prefix}unsupported string type: {tag}")
    kind, is_right = _STRINGS[tag]
    if not is_right(text):
        raise CryptoError(f"{prefix}invalid {kind}")


def _time(validity: DerReader) -> None:
    if not validity.more:
        raise CryptoError("x509: unsupported time format")
    tag = validity.rest[0]
    if tag not in _TIMES:
        raise CryptoError("x509: unsupported time format")
    kind, form = _TIMES[tag]
    text = _read(validity, tag, f"malformed {kind}").rest
    if not form.fullmatch(text):
        raise CryptoError(f"x509: malformed {kind}")


def _public_key(body: DerReader) -> tuple[str, bytes]:
    begin = body.rest
    info = _read(body, SEQUENCE, "malformed spki")
    number = _algorithm(_read(info, SEQUENCE, "malformed public key algorithm identifier"))
    _check_bits(info, "malformed subjectPublicKey")
    whole = begin[: len(begin) - len(body.rest)]
    if number in containers.CERTIFIED_ALGORITHMS:
        containers.parse_key_info(whole)
    return number, whole


def _after_key(body: DerReader, version: int) -> list[Extension]:
    for tag, name in ((_ISSUER_ID, "issuerUniqueID"), (_SUBJECT_ID, "subjectUniqueID")):
        if _is_next(body, tag):
            _read(body, tag, f"malformed {name}")
    if version < 3 or not _is_next(body, _EXTENSIONS):
        return []
    extensions = _read(_read(body, _EXTENSIONS, "malformed extensions"), SEQUENCE, "malformed extensions")
    found: dict[str, Extension] = {}
    while extensions.more:
        extension = _read(extensions, SEQUENCE, "malformed extension")
        with error_context("", CryptoError, text="x509: malformed extension OID field"):
            number = oid(extension.read(OID))
        critical = b"\0"
        if _is_next(extension, _BOOLEAN):
            critical = _read(extension, _BOOLEAN, "malformed extension critical field").rest
            if critical not in (b"\0", b"\xff"):
                raise CryptoError("x509: malformed extension critical field")
        content = _read(extension, OCTETS, "malformed extension value field").rest
        if number in found:
            raise CryptoError(f'x509: certificate contains duplicate extension with OID "{number}"')
        found[number] = Extension(number, content, critical == b"\xff")
    for one in found.values():
        check_extension(one.oid, one.value, critical=one.critical)
    return list(found.values())
