"""Imported keys: every container that Go takes, and its words for those it does not."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from mockkms.crypto import CryptoError
from mockkms.crypto.asymmetric import generate_ec, generate_ed25519, private_der, public_der, public_of, rsa_private
from mockkms.crypto.encoding import containers, der
from mockkms.crypto.rsa import pool
from mockkms.world.entropy import Entropy

RSA_KEY = pool.take(2048, Entropy(1), "container")
EC_KEY = generate_ec("P-384", Entropy(1))


def tlv(tag: int, *parts: bytes) -> bytes:
    """One DER element."""
    content = b"".join(parts)
    size = len(content)
    length = bytes((size,)) if size < 0x80 else b"\x82" + size.to_bytes(2, "big")
    return bytes((tag,)) + length + content


def pkcs8(algorithm: bytes, inner: bytes) -> bytes:
    return tlv(0x30, tlv(2, b"\x00"), tlv(0x30, algorithm), tlv(4, inner))


OID_EC = bytes.fromhex("06072a8648ce3d0201")
OID_NSS_ED25519 = bytes.fromhex("06092b06010401da470f01")
OID_P256 = bytes.fromhex("06082a8648ce3d030107")
OID_SECP256K1 = bytes.fromhex("06052b8104000a")
OID_PSS = bytes.fromhex("06092a864886f70d01010a")


def test_rsa() -> None:
    parsed = containers.parse_private(RSA_KEY)
    assert (parsed.family, parsed.go_type, parsed.bits) == ("rsa", "*rsa.PrivateKey", 2048)
    assert (parsed.private, parsed.public) == (RSA_KEY, public_of(RSA_KEY))


def test_rsa_in_a_pss_container() -> None:
    pkcs1 = rsa_private(RSA_KEY).private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    assert containers.parse_private(pkcs8(OID_PSS, pkcs1)).private == RSA_KEY


def test_curves() -> None:
    parsed = containers.parse_private(EC_KEY)
    assert (parsed.family, parsed.curve, parsed.private) == ("ec", "P-384", EC_KEY)
    small = private_der(ec.generate_private_key(ec.SECP224R1()))
    assert containers.parse_private(small).curve == "P-224"


def test_ed25519_and_its_disguise_as_a_curve() -> None:
    key = generate_ed25519(Entropy(1))
    plain = private_der(ed25519.Ed25519PrivateKey.from_private_bytes(key[:32]))
    assert containers.parse_private(plain) == ("ed25519", "ed25519.PrivateKey", key, key[32:], 0, "")
    disguised = pkcs8(OID_EC + OID_NSS_ED25519, tlv(0x30, tlv(2, b"\x01"), tlv(4, key[:32])))
    assert containers.parse_private(disguised).private == key


def test_a_key_for_agreement_only() -> None:
    key = x25519.X25519PrivateKey.generate().private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    assert containers.parse_private(key).go_type == "*ecdh.PrivateKey"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "asn1: syntax error: sequence truncated"),
        (b"\x30", "asn1: syntax error: truncated tag or length"),
        (b"\x30\x05\x00", "asn1: syntax error: data truncated"),
        (b"\x30\x80\x00\x00", "asn1: syntax error: indefinite length found (not DER)"),
        (b"\x30\x81\x05" + bytes(5), "asn1: structure error: non-minimal length"),
        (
            bytes(range(32)),
            "tags don't match (16 vs {class:0 tag:0 length:1 isCompound:false}) {optional:false explicit:false "
            "application:false private:false defaultValue:<nil> tag:<nil> stringType:0 timeType:0 set:false "
            "omitEmpty:false} pkcs8 @2",
        ),
        (pkcs8(OID_EC + OID_P256, tlv(0x30, tlv(2, b"\x01"), tlv(4, bytes(32)))), "invalid elliptic curve private key"),
        (pkcs8(OID_EC + OID_P256, tlv(0x30, tlv(2, b"\x02"), tlv(4, bytes(32)))), "unknown EC private key version 2"),
        (pkcs8(OID_EC + OID_SECP256K1, tlv(0x30, tlv(2, b"\x01"), tlv(4, b"\x01"))), "unknown elliptic curve"),
        (pkcs8(OID_EC + OID_NSS_ED25519, tlv(0x30, tlv(2, b"\x01"), tlv(4, b"\x01"))), "got 1 bytes but expected 32"),
        (pkcs8(bytes.fromhex("06032b6570"), tlv(4, bytes(31))), "invalid Ed25519 private key length: 31"),
        (pkcs8(bytes.fromhex("06032b65700500"), tlv(4, bytes(32))), "invalid Ed25519 private key parameters"),
        (pkcs8(bytes.fromhex("06022a03"), b""), "private key with unknown algorithm: 1.2.3"),
        (pkcs8(bytes.fromhex("06092a864886f70d010101"), b"\x30\x00"), "failed to parse RSA private key embedded"),
    ],
)
def test_refused(data: bytes, text: str) -> None:
    with pytest.raises(CryptoError) as caught:
        containers.parse_private(data)
    assert text in str(caught.value)


@pytest.mark.parametrize(("kind", "key"), [("PKCS1", RSA_KEY), ("EC", EC_KEY)])
def test_older_containers_get_advice(kind: str, key: bytes) -> None:
    from mockkms.crypto.asymmetric import load_private

    old = load_private(key).private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    with pytest.raises(CryptoError, match=f"use Parse{kind}PrivateKey instead for this key format"):
        containers.parse_private(old)


def test_inconsistent_rsa_numbers_are_refused() -> None:
    numbers = rsa_private(RSA_KEY).private_numbers()
    wrong = rsa.RSAPrivateNumbers(
        numbers.p, numbers.q, numbers.d + 2, numbers.dmp1, numbers.dmq1, numbers.iqmp, numbers.public_numbers
    )
    data = private_der(wrong.private_key(unsafe_skip_rsa_key_validation=True))
    with pytest.raises(CryptoError, match="crypto/rsa: invalid exponents"):
        containers.parse_private(data)


def test_public_keys() -> None:
    parsed = containers.parse_public(public_of(RSA_KEY))
    assert (parsed.family, parsed.bits, parsed.private, parsed.public) == ("rsa", 2048, b"", public_of(RSA_KEY))
    assert containers.parse_public(public_of(EC_KEY)).curve == "P-384"
    raw = generate_ed25519(Entropy(1))[32:]
    data = public_der(ed25519.Ed25519PublicKey.from_public_bytes(raw))
    assert containers.parse_public(data).public == raw


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "error parsing public key: asn1: syntax error: sequence truncated"),
        (public_of(EC_KEY) + b"x", "x509: trailing data after ASN.1 of public-key"),
        (public_of(EC_KEY)[:-1] + b"\xff", "P384 point not on curve"),
        (public_der(ec.derive_private_key(7, ec.SECP256K1()).public_key()), "x509: unsupported elliptic curve"),
        (
            base64.b64decode("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQg=="),
            "error parsing public key: asn1: syntax error: data truncated",
        ),
    ],
)
def test_public_keys_refused(data: bytes, text: str) -> None:
    with pytest.raises(CryptoError) as caught:
        containers.parse_public(data)
    assert text in str(caught.value)


@given(st.binary(max_size=200))
@settings(max_examples=150)
def test_arbitrary_bytes_are_refused_with_a_message(data: bytes) -> None:
    for parse in (containers.parse_private, containers.parse_public):
        with pytest.raises(CryptoError):
            parse(data)


@given(st.integers(0, 137), st.integers(0, 255))
@settings(max_examples=150)
def test_a_changed_byte_gives_a_key_or_an_error(at: int, value: int) -> None:
    key = generate_ec("P-256", Entropy(1))
    changed = key[:at] + bytes((value,)) + key[at + 1 :]
    try:
        outcome = containers.parse_private(changed).go_type
    except CryptoError as error:
        outcome = str(error)
    assert outcome.startswith(("error parsing asymmetric key", "*ecdsa", "ed25519", "*ecdh"))


def test_object_identifiers() -> None:
    assert der.oid(bytes.fromhex("2a864886f70d010101")) == "1.2.840.113549.1.1.1"
    assert der.oid(bytes.fromhex("883703")) == "2.999.3"
    for bad in (b"", b"\x2a\x86"):
        with pytest.raises(CryptoError):
            der.oid(bad)


def test_dsa_is_no_key_for_transit() -> None:
    key = dsa.generate_private_key(1024).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(CryptoError, match=r"unknown algorithm: 1\.2\.840\.10040\.4\.1"):
        containers.parse_private(key)
