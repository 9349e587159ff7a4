"""Certificate requests. The texts are those that OpenBao 2.6.2 answers to ``pki/sign-verbatim`` of such a request."""

from __future__ import annotations

import re

import pytest

from mockkms.crypto import CryptoError
from mockkms.crypto.encoding.der_write import bits, integer, octets, sequence, set_of, tlv
from mockkms.crypto.encoding.der_write import oid as written
from mockkms.crypto.x509.build import Extension
from mockkms.crypto.x509.request_parser import other_names, parse

REQUESTED, NAMES, CONSTRAINTS = written("1.2.840.113549.1.9.14"), written("2.5.29.17"), written("2.5.29.30")
ARC, COMMON_NAME, NULL, FIVE = written("1.2.3"), written("2.5.4.3"), tlv(5, b""), integer(5)
CURVE, P256, RSA = written("1.2.840.10045.2.1"), written("1.2.840.10045.3.1.7"), written("1.2.840.113549.1.1.1")
UNKNOWN_KEY = sequence(sequence(ARC), bits(b"abc"))
SOME = sequence(ARC, octets(b""))


def subject(value: bytes) -> bytes:
    return sequence(set_of([sequence(COMMON_NAME, value)]))


def request(
    *attributes: bytes, version: int = 0, name: bytes = sequence(), key: bytes = UNKNOWN_KEY, after: bytes = b""
) -> bytes:
    body = sequence(integer(version), name, key, tlv(0xA0, b"".join(attributes)))
    return sequence(body, sequence(ARC), bits(b"")) + after


def asking(*extensions: bytes) -> bytes:
    return sequence(REQUESTED, set_of([sequence(*extensions)]))


def named(*names: bytes) -> bytes:
    return request(asking(sequence(NAMES, octets(sequence(*names)))))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (request(after=b"\0"), "asn1: syntax error: trailing data"),
        (request(asking(SOME, SOME)), "x509: certificate request contains duplicate requested extensions"),
        (request(asking(FIVE)), "asn1: structure error: sequence tag mismatch"),
        (request(asking(sequence(ARC, tlv(1, b"\1"), octets(b"")))), "asn1: syntax error: invalid boolean"),
        (request(asking(sequence(ARC))), "asn1: syntax error: sequence truncated"),
        (request(name=subject(tlv(0x0C, b"\xff"))), "asn1: invalid UTF-8 string"),
        (
            request(name=subject(tlv(0x13, b"a@b"))),
            "asn1: syntax error: PrintableString contains invalid character",
        ),
        (request(name=subject(b"")), "asn1: syntax error: sequence truncated"),
        (request(key=sequence(sequence(CURVE, ARC), bits(b"\4"))), "x509: unsupported elliptic curve"),
        (request(key=sequence(sequence(CURVE, P256), bits(b"\4ab"))), "invalid P256 point encoding"),
        (request(key=sequence(sequence(RSA), bits(sequence()))), "x509: RSA key missing NULL parameters"),
        (request(asking(sequence(NAMES, octets(FIVE)))), "x509: invalid subject alternative names"),
        (named(tlv(0x82, b"\xe9")), "x509: SAN dNSName is malformed"),
        (named(tlv(0x87, b"abc")), "x509: cannot parse IP address of length 3"),
    ],
)
def test_requests_that_cannot_be_read(data: bytes, text: str) -> None:
    with pytest.raises(CryptoError) as fault:
        parse(data)
    assert str(fault.value) == text


@pytest.mark.parametrize("version", [0, 1, 2, 255])
def test_any_version_is_taken(version: int) -> None:
    assert parse(request(version=version)).extensions == []


@pytest.mark.parametrize("attribute", [FIVE, sequence(ARC), sequence(REQUESTED, sequence(SOME)), sequence(ARC, NULL)])
def test_attributes_that_cannot_be_read_are_skipped(attribute: bytes) -> None:
    assert [one.oid for one in parse(request(attribute, asking(SOME))).extensions] == ["1.2.3"]


def test_extensions_other_than_names_are_any_bytes() -> None:
    found = parse(request(asking(sequence(CONSTRAINTS, tlv(1, b"\xff"), octets(FIVE))))).extensions
    assert [(one.oid, one.value, one.critical) for one in found] == [("2.5.29.30", FIVE, True)]


def test_names() -> None:
    names = parse(
        named(tlv(0x82, b"a.b"), tlv(0x81, b"a@b.c"), tlv(0x87, b"\x7f\0\0\1"), tlv(0x86, b"x:y"), tlv(0xA0, FIVE))
    ).names
    assert (names.dns, names.email, names.ip, names.uri) == (["a.b"], ["a@b.c"], ["127.0.0.1"], ["x:y"])
    assert names.other == []


def others(*names: bytes, after: bytes = b"") -> list[tuple[str, str]]:
    return other_names([Extension("2.5.29.17", sequence(*names) + after)])


def test_other_names() -> None:
    other = tlv(0xA0, ARC + tlv(0xA0, tlv(0x0C, "tä".encode())))
    assert others(tlv(0x82, b"a.b"), other) == [("1.2.3", "tä")]
    assert other_names([Extension("1.2.3", b"")]) == []


@pytest.mark.parametrize(
    ("name", "after", "text"),
    [
        (
            tlv(0xA0, ARC + tlv(0xA0, FIVE)),
            b"",
            "could not parse requested other SAN: no UTF-8 string found in OtherName",
        ),
        (tlv(0xA0, ARC), b"", "could not parse requested other SAN: asn1: syntax error: sequence truncated"),
        (tlv(0x80, ARC), b"", "could not parse requested other SAN: asn1: structure error: tags don't match (0 vs "),
        (tlv(0xA0, ARC), b"\0", "x509: trailing data after X.509 extension"),
    ],
)
def test_other_names_that_cannot_be_read(name: bytes, after: bytes, text: str) -> None:
    with pytest.raises(CryptoError, match=re.escape(text)):
        others(name, after=after)
