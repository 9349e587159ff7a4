"""Keys in PKCS #8 and SubjectPublicKeyInfo, parsed as by Go's ``crypto/x509``, with its error texts."""

from __future__ import annotations

import contextlib
from typing import NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    load_der_private_key,
    load_der_public_key,
)

from mockkms.crypto import CryptoError
from mockkms.crypto.asymmetric import check_rsa, ed25519_from_seed, private_der, public_der, public_of
from mockkms.crypto.encoding.der import BITS, OCTETS, OID, DerReader, oid
from mockkms.error_context import error_context

_RSA, _RSA_PSS = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10"
_EC, _ED25519, _X25519 = "1.2.840.10045.2.1", "1.3.101.112", "1.3.101.110"
_DSA = "1.2.840.10040.4.1"
CERTIFIED_ALGORITHMS = (_RSA, _EC, _ED25519, _DSA)
"""Object identifiers of the public keys that Go parses in certificates."""
_ED25519_AS_CURVE = ("1.3.6.1.4.1.11591.15.1", "1.3.101.110")
"""Object identifiers of curves with which other software stores Ed25519 seeds."""
_CURVES: dict[str, ec.EllipticCurve] = {
    "1.3.132.0.33": ec.SECP224R1(),
    "1.2.840.10045.3.1.7": ec.SECP256R1(),
    "1.3.132.0.34": ec.SECP384R1(),
    "1.3.132.0.35": ec.SECP521R1(),
}
_CURVE_NAMES = {"secp224r1": "P-224", "secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}


class Parsed(NamedTuple):
    """A parsed key."""

    family: str
    """``rsa``, ``ec``, ``ed25519``, or another that nothing can be done with."""
    go_type: str
    """Go's name of the type, for texts."""
    private: bytes = b""
    """As ``asymmetric`` keeps private keys; empty for a public key."""
    public: bytes = b""
    bits: int = 0
    """Size of an RSA modulus."""
    curve: str = ""
    """``P-256`` and so on."""


def parse_private(data: bytes) -> Parsed:
    """Return a private key from PKCS #8 DER. Raises CryptoError."""

    def other_form(text: str) -> CryptoError:
        return CryptoError(f"error parsing asymmetric key: {_better_advice(data) or text}")

    with error_context(raised=other_form):
        algorithm, parameters, inner = _pkcs8(data)
    with error_context(raised=CryptoError, of=(ValueError, UnsupportedAlgorithm)):
        return _private(algorithm, parameters, inner)


def parse_public(data: bytes) -> Parsed:
    """Return a public key from SubjectPublicKeyInfo DER. Raises CryptoError."""
    with error_context("error parsing public key: ", CryptoError):
        return parse_key_info(data)


def parse_key_info(data: bytes) -> Parsed:
    """Return a public key from SubjectPublicKeyInfo DER. Raises CryptoError with the bare text of Go's parser."""
    outer = DerReader(data)
    info = outer.enter("publicKeyInfo")
    identifier = info.enter("AlgorithmIdentifier")
    algorithm = oid(identifier.read(OID, "ObjectIdentifier"))
    bits = info.read(BITS, "BitString")
    if outer.rest:
        raise CryptoError("x509: trailing data after ASN.1 of public-key")
    if algorithm == _RSA_PSS:
        raise CryptoError("x509: unknown public key algorithm")
    if algorithm == _EC:
        _check_point(identifier, bits[1:])
    elif algorithm in _CHECKS:
        _CHECKS[algorithm](identifier.skip(), bits[1:])
    if algorithm == _DSA:
        return Parsed("dsa", "*dsa.PublicKey")
    with error_context(raised=CryptoError, of=(ValueError, UnsupportedAlgorithm), text=_public_fault(algorithm)):
        key = load_der_public_key(data)
    if isinstance(key, rsa.RSAPublicKey):
        return Parsed("rsa", "*rsa.PublicKey", public=public_der(key), bits=key.key_size)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return Parsed("ec", "*ecdsa.PublicKey", public=public_der(key), curve=_CURVE_NAMES[key.curve.name])
    if isinstance(key, ed25519.Ed25519PublicKey):
        return Parsed("ed25519", "ed25519.PublicKey", public=key.public_bytes_raw())
    if algorithm == _X25519:
        return Parsed("x25519", "*ecdh.PublicKey")
    raise CryptoError("x509: unknown public key algorithm")


def _check_point(identifier: DerReader, point: bytes) -> None:
    """Check the curve and the point of an elliptic curve's key in the order of Go's parser. Raises CryptoError."""
    with error_context(raised=CryptoError, text="x509: invalid ECDSA parameters"):
        curve = _CURVES.get(oid(identifier.read(OID)))
    if curve is None:
        raise CryptoError("x509: unsupported elliptic curve")
    if point[:1] != b"\x04":
        raise CryptoError("ecdsa: invalid uncompressed public key")
    name, size = _CURVE_NAMES[curve.name].replace("-", ""), (curve.key_size + 7) // 8
    if len(point) != 1 + 2 * size:
        raise CryptoError(f"invalid {name} point encoding")
    with error_context(raised=CryptoError, text=f"{name} point not on curve"):
        ec.EllipticCurvePublicKey.from_encoded_point(curve, point)


def _check_rsa_key(parameters: bytes, content: bytes) -> None:
    """Check an RSA key in the order of Go's parser. Raises CryptoError."""
    if parameters != b"\x05\x00":
        raise CryptoError("x509: RSA key missing NULL parameters")
    with error_context(raised=CryptoError, text="x509: invalid RSA public key"):
        numbers = DerReader(content).enter()
    with error_context(raised=CryptoError, text="x509: invalid RSA modulus"):
        modulus = numbers.integer()
    with error_context(raised=CryptoError, text="x509: invalid RSA public exponent"):
        exponent = numbers.small()
    for name, number in (("modulus", modulus), ("public exponent", exponent)):
        if number <= 0:
            raise CryptoError(f"x509: RSA {name} is not a positive number")


def _check_ed25519_key(parameters: bytes, content: bytes) -> None:
    """Check an Ed25519 key in the order of Go's parser. Raises CryptoError."""
    if parameters:
        raise CryptoError("x509: Ed25519 key encoded with illegal parameters")
    if len(content) != _ED25519_SIZE:
        raise CryptoError("x509: wrong Ed25519 public key size")


def _check_dsa_key(parameters: bytes, content: bytes) -> None:
    """Check a DSA key in the order of Go's parser. Raises CryptoError."""
    with error_context(raised=CryptoError, text="x509: invalid DSA public key"):
        numbers = [DerReader(content).integer()]
    with error_context(raised=CryptoError, text="x509: invalid DSA parameters"):
        listed = DerReader(parameters).enter()
        numbers += [listed.integer() for _ in range(3)]
    if min(numbers) <= 0:
        raise CryptoError("x509: zero or negative DSA parameter")


_ED25519_SIZE = 32
_CHECKS = {_RSA: _check_rsa_key, _ED25519: _check_ed25519_key, _DSA: _check_dsa_key}


def _public_fault(algorithm: str) -> str:
    return "x509: invalid RSA public key" if algorithm == _RSA else "x509: unknown public key algorithm"


def _pkcs8(data: bytes) -> tuple[str, bytes, bytes]:
    """Return the algorithm, its parameters as DER, and the key. Raises CryptoError."""
    fields = DerReader(data).enter("pkcs8")
    fields.small()
    algorithm = fields.enter("AlgorithmIdentifier")
    name = oid(algorithm.read(OID, "ObjectIdentifier"))
    return name, algorithm.skip(), fields.read(OCTETS)


def _better_advice(data: bytes) -> str:
    """Return Go's error text for a key in an older format; empty for other data."""
    for kind, second in (("EC", OCTETS), ("PKCS1", None)):
        fields = DerReader(data)
        try:
            inner = fields.enter()
            inner.integer()
            if second is None:
                for _ in range(8):
                    inner.integer()
            else:
                inner.read(second)
        except CryptoError:
            continue
        return f"x509: failed to parse private key (use Parse{kind}PrivateKey instead for this key format)"
    return ""


def _private(algorithm: str, parameters: bytes, inner: bytes) -> Parsed:
    if algorithm == _RSA:
        return _rsa(inner, "error parsing asymmetric key: x509: failed to parse RSA private key embedded in PKCS#8: ")
    if algorithm == _RSA_PSS:
        return _rsa(
            inner,
            "error parsing asymmetric key:\n - assuming contents are an RSA/PSS private key: keysutil: failed to parse "
            "inner RSA PSS private key: ",
        )
    if algorithm == _EC:
        return _ec(parameters, inner)
    if algorithm == _ED25519:
        return _ed25519(parameters, inner)
    if algorithm == _X25519:
        return Parsed("x25519", "*ecdh.PrivateKey")
    raise CryptoError(
        f"error parsing asymmetric key: x509: PKCS#8 wrapping contained private key with unknown algorithm: {algorithm}"
    )


def _rsa(pkcs1: bytes, prefix: str) -> Parsed:
    """Return an RSA key in PKCS #1 DER. Raises CryptoError for numbers that do not belong together."""
    try:
        key = load_der_private_key(pkcs1, None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, UnsupportedAlgorithm):
        with error_context(prefix, CryptoError):
            DerReader(pkcs1).enter("pkcs1PrivateKey").small()
        raise CryptoError(f"{prefix}x509: invalid RSA private key") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise CryptoError(f"{prefix}x509: failed to parse private key")
    with error_context(prefix, CryptoError):
        check_rsa(key)
    private = private_der(key)
    return Parsed("rsa", "*rsa.PrivateKey", private, public_of(private), bits=key.key_size)


def _ec(parameters: bytes, inner: bytes) -> Parsed:
    named = ""
    with contextlib.suppress(CryptoError):
        named = oid(DerReader(parameters).read(OID))
    curve = _CURVES.get(named)
    original = "x509: failed to parse EC private key embedded in PKCS#8: x509: "
    prefix = f"error parsing asymmetric key: {original}"
    with error_context(f"{prefix}failed to parse EC private key: ", CryptoError):
        fields = DerReader(inner).enter("ecPrivateKey")
        version = fields.small()
        secret = fields.read(OCTETS)
    if version != 1:
        raise CryptoError(f"{prefix}unknown EC private key version {version}")
    if curve is None:
        return _ed25519_as_curve(named, secret, f"{original}unknown elliptic curve")
    number = int.from_bytes(secret, "big")
    with error_context(raised=CryptoError, text=f"{prefix}invalid elliptic curve private key value"):
        key = ec.derive_private_key(number, curve)
    private = private_der(key)
    return Parsed("ec", "*ecdsa.PrivateKey", private, public_of(private), curve=_CURVE_NAMES[curve.name])


def _ed25519_as_curve(named: str, seed: bytes, original: str) -> Parsed:
    fault = ""
    if named not in _ED25519_AS_CURVE:
        fault = "keysutil: failed to parse private key (invalid, non-ed25519 curve parameter OID)"
    elif len(seed) != 32:
        fault = (
            f"keysutil: failed to parse private key as ed25519 private key: got {len(seed)} bytes but expected 32 byte "
            "RFC 8032 seed"
        )
    if fault:
        raise CryptoError(
            "error parsing asymmetric key:\n - assuming contents are an ed25519 private key: "
            f"{fault}\n - original error: {original}"
        )
    private = ed25519_from_seed(seed)
    return Parsed("ed25519", "ed25519.PrivateKey", private, private[32:])


def _ed25519(parameters: bytes, inner: bytes) -> Parsed:
    prefix = "error parsing asymmetric key: x509: "
    if parameters:
        raise CryptoError(f"{prefix}invalid Ed25519 private key parameters")
    with error_context(f"{prefix}invalid Ed25519 private key: ", CryptoError):
        seed = DerReader(inner).read(OCTETS)
    if len(seed) != 32:
        raise CryptoError(f"{prefix}invalid Ed25519 private key length: {len(seed)}")
    private = ed25519_from_seed(seed)
    return Parsed("ed25519", "ed25519.PrivateKey", private, private[32:])
