"""Critical extensions, after ``processExtensions`` in Go's ``crypto/x509/parser.go``."""

from __future__ import annotations

import pytest

from mockkms.crypto.encoding.der_write import integer, sequence, tlv
from mockkms.crypto.x509.build import Extension
from mockkms.crypto.x509.read import Certificate
from mockkms.vault.golang.name_constraints import POLICIES, check_names, unknown_critical

NAMES, CONSTRAINTS, ANY_POLICY = "2.5.29.17", "2.5.29.30", "2.5.29.54"
NAMED, OTHER, DIRECTORY = tlv(0x82, b"a.b"), tlv(0xA0, b""), tlv(0xA4, sequence())


def limits(*names: bytes) -> bytes:
    return sequence(tlv(0xA0, b"".join(map(sequence, names))))


def certificate(*extensions: Extension) -> Certificate:
    return Certificate(b"", 1, b"", b"", 0, 0, b"", extensions=list(extensions))


@pytest.mark.parametrize(
    ("oid", "value", "handled"),
    [
        (NAMES, sequence(OTHER, NAMED), True),
        (NAMES, sequence(OTHER), False),
        (CONSTRAINTS, limits(NAMED), True),
        (CONSTRAINTS, limits(NAMED, DIRECTORY), False),
        (ANY_POLICY, integer(0), True),
        ("1.2.3", b"", False),
    ],
)
def test_critical_extensions(oid: str, value: bytes, handled: bool) -> None:
    critical = certificate(Extension(oid, value, critical=True))
    assert unknown_critical(critical, POLICIES) == ("" if handled else oid)
    assert unknown_critical(certificate(Extension(oid, value))) == ""


def test_policies_are_new() -> None:
    assert unknown_critical(certificate(Extension(ANY_POLICY, integer(0), critical=True))) == ANY_POLICY


@pytest.mark.parametrize(
    ("name", "limit", "allowed"),
    [
        (tlv(0x87, b"\n\1\2\3"), tlv(0x87, b"\n\1\2\3\xff\xff\0\0"), True),
        (tlv(0x87, b"\n\2\0\0"), tlv(0x87, b"\n\1\2\3\xff\xff\0\0"), False),
        (tlv(0x82, b"x.a.b"), tlv(0x82, b"a.b"), True),
        (tlv(0x81, b"m@a.b"), tlv(0x81, b"a.c"), False),
        (DIRECTORY, NAMED, True),
    ],
)
def test_names_within_limits(name: bytes, limit: bytes, allowed: bool) -> None:
    leaf, issuer = certificate(Extension(NAMES, sequence(name))), certificate(Extension(CONSTRAINTS, limits(limit)))
    if allowed:
        check_names(leaf, issuer)
    else:
        with pytest.raises(ValueError, match=r"not authorized to sign .*not permitted by any"):
            check_names(leaf, issuer)
