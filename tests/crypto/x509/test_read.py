"""Certificates with extensions that Go reads and the library refuses: OpenBao 2.6.2 imports and accepts such ones."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mockkms.crypto.encoding.der_write import integer, octets, sequence, tlv
from mockkms.crypto.x509 import build, keys, read
from mockkms.crypto.x509.build import Extension, Template

KEY = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
NAME = sequence()
UNREADABLE = tlv(0xA3, sequence())
"""An X.400 address."""


def certificate(*extensions: Extension) -> read.Certificate:
    template = Template(1, NAME, 0, 1, keys.public_of(KEY), b"", extra=list(extensions))
    return read.load(build.certificate(template, NAME, KEY, keys.signature_name(KEY)))


def test_usages() -> None:
    assert certificate(Extension("2.5.29.15", tlv(3, b"\0\1"))).key_usage == 1 << 7
    assert certificate(Extension("2.5.29.15", tlv(3, b"\7\0\x80"))).key_usage == 1 << 8
    assert certificate(Extension("2.5.29.15", tlv(3, b"\2\x84"))).key_usage == 1 | build.CERT_SIGN
    assert certificate(Extension("2.5.29.37", sequence())).usages == []


@pytest.mark.parametrize(
    ("content", "ca", "length"),
    [
        (sequence(), False, None),
        (sequence(integer(2)), False, 2),
        (sequence(tlv(1, b"\xff"), integer(0)), True, 0),
    ],
)
def test_basic_constraints(content: bytes, ca: bool, length: int | None) -> None:
    found = certificate(Extension("2.5.29.19", content))
    assert (found.basic, found.ca, found.path_length) == (True, ca, length)


def test_identifiers() -> None:
    found = certificate(
        Extension("2.5.29.14", octets(b"own") + b"\0"), Extension("2.5.29.35", sequence(tlv(0x80, b"it"), integer(1)))
    )
    assert (found.subject_key_id, found.authority_key_id) == (b"own", b"it")


def test_names_and_addresses() -> None:
    ocsp = sequence(tlv(6, b"\x2b\6\1\5\5\7\x30\1"), tlv(0x86, b"http://o"))
    found = certificate(
        Extension("2.5.29.17", sequence(UNREADABLE, tlv(0x82, b"a.b"))),
        Extension("1.3.6.1.5.5.7.1.1", sequence(sequence(tlv(6, b"\x2a"), UNREADABLE), ocsp)),
    )
    assert (found.named(0x82), found.ocsp, found.urls) == (["a.b"], ["http://o"], True)
