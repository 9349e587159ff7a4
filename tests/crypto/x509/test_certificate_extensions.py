"""Extensions of certificates. The texts are those that OpenBao 2.6.2 answers to an import of such a certificate."""

from __future__ import annotations

import pytest

from mockkms.crypto import CryptoError
from mockkms.crypto.encoding.der_write import oid as written
from mockkms.crypto.encoding.der_write import sequence, tlv
from mockkms.crypto.x509.certificate_extensions import check_extension

USAGE, BASIC, NAMES, CONSTRAINTS, POINTS = "2.5.29.15", "2.5.29.19", "2.5.29.17", "2.5.29.30", "2.5.29.31"
AUTHORITY_KEY, SUBJECT_KEY, EXTENDED, POLICIES = "2.5.29.35", "2.5.29.14", "2.5.29.37", "2.5.29.32"
ACCESS, POLICY_CONSTRAINTS, MAPPINGS, ANY_POLICY = "1.3.6.1.5.5.7.1.1", "2.5.29.36", "2.5.29.33", "2.5.29.54"
INTEGER, EMPTY, ARC = tlv(2, b"\x05"), sequence(), written("1.2.3")
TRUE = tlv(1, b"\xff")


def named(tag: int, text: bytes) -> bytes:
    return sequence(tlv(tag, text))


def limited(tag: int, text: bytes) -> bytes:
    return sequence(tlv(0xA0, named(tag, text)))


@pytest.mark.parametrize(
    ("number", "content", "text"),
    [
        (USAGE, b"", "invalid key usage"),
        (USAGE, EMPTY, "invalid key usage"),
        (USAGE, tlv(3, b"\x09\x01"), "invalid key usage"),
        (BASIC, INTEGER, "invalid basic constraints"),
        (BASIC, sequence(TRUE, tlv(2, b"\xff")), "invalid basic constraints"),
        (BASIC, sequence(tlv(1, b"\x01")), "invalid basic constraints"),
        (BASIC, sequence(TRUE, tlv(2, b"\x7f" * 9)), "invalid basic constraints"),
        (NAMES, b"", "invalid subject alternative names"),
        (NAMES, named(0x82, b"\xe9"), "SAN dNSName is malformed"),
        (NAMES, named(0x81, b"\xe9"), "SAN rfc822Name is malformed"),
        (NAMES, named(0x87, b"abc"), "cannot parse IP address of length 3"),
        (
            NAMES,
            named(0x86, b"http://a%zz"),
            'cannot parse URI "http://a%zz": parse "http://a%zz": invalid URL escape "%zz"',
        ),
        (CONSTRAINTS, sequence(INTEGER), "invalid NameConstraints extension"),
        (CONSTRAINTS, EMPTY, "empty name constraints extension"),
        (CONSTRAINTS, sequence(tlv(0xA0, b"")), "empty name constraints extension"),
        (CONSTRAINTS, limited(0x87, b"abcd"), "IP constraint contained value of length 4"),
        (CONSTRAINTS, limited(0x87, b"abcdefgh"), "IP constraint contained invalid mask 65666768"),
        (CONSTRAINTS, limited(0x87, b"\n\0\0\0\xff\0\xff\0"), "IP constraint contained invalid mask ff00ff00"),
        (CONSTRAINTS, limited(0x81, b"@"), 'failed to parse rfc822Name constraint "@"'),
        (CONSTRAINTS, limited(0x86, b"1.2.3.4"), 'failed to parse URI constraint "1.2.3.4": cannot be IP address'),
        (POINTS, b"", "invalid CRL distribution points"),
        (POINTS, sequence(INTEGER), "invalid CRL distribution point"),
        (AUTHORITY_KEY, INTEGER, "invalid authority key identifier"),
        (SUBJECT_KEY, EMPTY, "invalid subject key identifier"),
        (EXTENDED, sequence(INTEGER), "invalid extended key usages"),
        (POLICIES, sequence(INTEGER), "invalid certificate policies"),
        (POLICIES, sequence(sequence(ARC), sequence(ARC)), "invalid certificate policies"),
        (MAPPINGS, sequence(EMPTY), "invalid policy mappings extension"),
        (POLICY_CONSTRAINTS, INTEGER, "invalid policy constraints extension"),
        (ANY_POLICY, EMPTY, "invalid inhibit any policy extension"),
        (ACCESS, sequence(EMPTY), "invalid authority info access"),
    ],
)
def test_malformed_values(number: str, content: bytes, text: str) -> None:
    with pytest.raises(CryptoError) as fault:
        check_extension(number, content, critical=False)
    assert str(fault.value) == f"x509: {text}"


@pytest.mark.parametrize(
    ("number", "content", "text"),
    [
        (SUBJECT_KEY, tlv(4, b"k"), "subject key identifier"),
        (AUTHORITY_KEY, EMPTY, "authority key identifier"),
        (ACCESS, EMPTY, "authority info access"),
    ],
)
def test_extensions_that_are_never_critical(number: str, content: bytes, text: str) -> None:
    check_extension(number, content, critical=False)
    with pytest.raises(CryptoError, match=f"x509: {text} incorrectly marked critical"):
        check_extension(number, content, critical=True)


@pytest.mark.parametrize(
    ("number", "content"),
    [
        (USAGE, tlv(3, b"\x01\x06")),
        (BASIC, EMPTY),
        (BASIC, sequence(TRUE, tlv(2, b"\x05"))),
        (NAMES, sequence(tlv(0x82, b"a.b"), tlv(0x87, b"abcd"), tlv(0x86, b"x:y"), tlv(0xA4, EMPTY))),
        (CONSTRAINTS, limited(0x82, b".a")),
        (CONSTRAINTS, limited(0x81, b'"a b"@c.d')),
        (CONSTRAINTS, limited(0x87, b"\n\0\0\0\xff\xff\0\0")),
        (POINTS, sequence(sequence(tlv(0xA0, tlv(0xA0, tlv(0x86, b"http://a")))))),
        (POLICIES, sequence(sequence(ARC))),
        (MAPPINGS, sequence(sequence(ARC, written("1.2.4")))),
        (POLICY_CONSTRAINTS, sequence(tlv(0x80, b"\x01"))),
        (ANY_POLICY, INTEGER),
        ("1.2.3.4", b"\xff"),
    ],
)
def test_values_that_are_right(number: str, content: bytes) -> None:
    check_extension(number, content, critical=number not in (SUBJECT_KEY, AUTHORITY_KEY, ACCESS))
