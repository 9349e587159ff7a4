"""Certificate requests as the parser of Go's ``crypto/x509`` takes them, with its error texts.

Of the requested extensions only the names are read; the others are bytes that nobody looks into.
"""

from __future__ import annotations

import ipaddress
from typing import Final, NamedTuple

from mockkms.crypto import CryptoError
from mockkms.crypto.encoding import containers
from mockkms.crypto.encoding.der import BITS, OCTETS, OID, SEQUENCE, DerReader, oid
from mockkms.crypto.x509.build import Extension, Names
from mockkms.crypto.x509.certificate_extensions import ADDRESS, DNS, MAIL, NAMES, URI, alternative_names
from mockkms.error_context import error_context

_SET, _BOOLEAN, _PRIMITIVE, _ATTRIBUTES, _UTF8 = 0x31, 0x01, 0x80, 0xA0, 0x0C
_REQUESTED: Final = "1.2.840.113549.1.9.14"
_TEXTS: Final = {
    0x0C: "asn1: invalid UTF-8 string",
    0x12: "asn1: syntax error: NumericString contains invalid character",
    0x13: "asn1: syntax error: PrintableString contains invalid character",
    0x16: "asn1: syntax error: IA5String contains invalid character",
}


class RequestParts(NamedTuple):
    """What a request has: subject and public key (SubjectPublicKeyInfo) are DER; ``names`` lack the other names."""

    subject: bytes
    public: bytes
    names: Names
    extensions: list[Extension]


def parse(data: bytes) -> RequestParts:
    """Return the parts of a request in DER; the signature is not verified. Raises CryptoError with Go's text."""
    outer = DerReader(data)
    whole = outer.enter("certificateRequest")
    body = whole.enter("tbsCertificateRequest")
    body.small()
    subject = _any(body)
    begin = body.rest
    info = body.enter("publicKeyInfo")
    public = begin[: len(begin) - len(body.rest)]
    algorithm = oid(info.enter("AlgorithmIdentifier").read(OID, "ObjectIdentifier"))
    info.read(BITS, "BitString")
    attributes = DerReader(body.read(_ATTRIBUTES))
    oid(whole.enter("AlgorithmIdentifier").read(OID, "ObjectIdentifier"))
    whole.read(BITS, "BitString")
    if outer.rest:
        raise CryptoError("asn1: syntax error: trailing data")
    if algorithm in containers.CERTIFIED_ALGORITHMS:
        containers.parse_key_info(public)
    _check_subject(subject)
    extensions = _requested(attributes)
    listed = next((one.value for one in extensions if one.oid == NAMES), None)
    return RequestParts(subject, public, Names() if listed is None else _names(listed), extensions)


def _any(reader: DerReader) -> bytes:
    """Return the next element, whatever it is. Raises CryptoError without one."""
    if not reader.more:
        raise CryptoError("asn1: syntax error: sequence truncated")
    return reader.skip()


def _check_subject(subject: bytes) -> None:
    relative = DerReader(subject).enter("RDNSequence")
    while relative.more:
        entries = DerReader(relative.read(_SET, "RelativeDistinguishedNameSET"))
        while entries.more:
            pair = entries.enter("AttributeTypeAndValue")
            oid(pair.read(OID, "ObjectIdentifier"))
            value = _any(pair)
            if value[0] in _TEXTS and not _is_text(value[0], DerReader(value).read(value[0])):
                raise CryptoError(_TEXTS[value[0]])


def _is_text(tag: int, content: bytes) -> bool:
    try:
        text = content.decode("utf-8" if tag == _UTF8 else "ascii")
    except UnicodeDecodeError:
        return False
    allowed = {0x12: "0123456789 ", 0x13: " '()+,-./:=?*&"}.get(tag)
    return allowed is None or all(char in allowed or (tag != 0x12 and char.isalnum()) for char in text)


def _requested(attributes: DerReader) -> list[Extension]:
    """Return the extensions of the attributes that can be read. Raises CryptoError for malformed extensions."""
    found: dict[str, Extension] = {}
    while attributes.more:
        attribute = attributes.skip()
        try:
            fields = DerReader(attribute).enter()
            wanted = oid(fields.read(OID)) == _REQUESTED
            values = DerReader(fields.read(_SET))
            first = values.skip()
        except CryptoError:
            continue
        if not wanted or not first:
            continue
        listed = DerReader(DerReader(first).read(SEQUENCE))
        entries = []
        while listed.more:
            if listed.rest[0] != SEQUENCE:
                raise CryptoError("asn1: structure error: sequence tag mismatch")
            entries.append(listed.enter())
        for entry in entries:
            extension = _extension(entry)
            if extension.oid in found:
                raise CryptoError("x509: certificate request contains duplicate requested extensions")
            found[extension.oid] = extension
    return list(found.values())


def _extension(entry: DerReader) -> Extension:
    number, critical = oid(entry.read(OID, "ObjectIdentifier")), b"\0"
    if entry.rest[:1] == bytes([_BOOLEAN]):
        critical = entry.read(_BOOLEAN)
        if critical not in (b"\0", b"\xff"):
            raise CryptoError("asn1: syntax error: invalid boolean")
    return Extension(number, entry.read(OCTETS, "[]uint8"), critical == b"\xff")


def _names(listed: bytes) -> Names:
    names = Names()
    texts = {DNS: names.dns, MAIL: names.email, URI: names.uri}
    for tag, content in alternative_names(DerReader(listed)):
        if tag in texts:
            texts[tag].append(content.decode("ascii"))
        elif tag == ADDRESS:
            names.ip.append(str(ipaddress.ip_address(content)))
    return names


def other_names(extensions: list[Extension]) -> list[tuple[str, str]]:
    """Return OIDs and texts of the other names that a request has. Raises CryptoError with the text of Vault."""
    listed = next((one.value for one in extensions if one.oid == NAMES), None)
    if listed is None:
        return []
    whole = DerReader(listed)
    found = [(tag, content) for tag, content in alternative_names(whole) if tag in (_ATTRIBUTES, _PRIMITIVE)]
    if whole.more:
        raise CryptoError("x509: trailing data after X.509 extension")
    with error_context("could not parse requested other SAN: ", CryptoError):
        return [_other(tag, DerReader(content)) for tag, content in found]


def _other(tag: int, name: DerReader) -> tuple[str, str]:
    """Return the OID and the text of another name. Raises CryptoError."""
    if tag == _PRIMITIVE:
        raise CryptoError(
            f"asn1: structure error: tags don't match (0 vs {{class:2 tag:0 length:{len(name.rest)} isCompound:false}})"
        )
    number = oid(name.read(OID, "ObjectIdentifier"))
    value = DerReader(name.read(_ATTRIBUTES))
    if value.rest[:1] != bytes([_UTF8]):
        raise CryptoError("no UTF-8 string found in OtherName")
    return number, value.read(_UTF8).decode("utf-8", "replace")
