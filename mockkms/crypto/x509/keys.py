"""Keys of certificates: generating, parsing and encoding them, their names, and their signatures.

Every private key here is PKCS #8 DER, every public key SubjectPublicKeyInfo DER.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final, cast

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)

from mockkms.crypto import CryptoError
from mockkms.crypto.asymmetric import check_rsa, repeatable_ecdsa
from mockkms.crypto.bounded_cache import remembered
from mockkms.crypto.encoding import der_write as w
from mockkms.crypto.encoding import pem
from mockkms.crypto.encoding.der import INTEGER, OCTETS, SEQUENCE, DerReader
from mockkms.crypto.rsa import pool
from mockkms.error_context import error_context
from mockkms.world.entropy import Entropy

Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
Public = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

_CURVES: Final[dict[int, tuple[ec.EllipticCurve, int]]] = {
    224: (ec.SECP224R1(), 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFF16A2E0B8F03E13DD29455C5C2A3D),
    256: (ec.SECP256R1(), 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551),
    384: (ec.SECP384R1(), (1 << 384) - 0x389CB27E0BC8D220A7E5F24DB74F58851313E695333AD68D),
    521: (ec.SECP521R1(), (1 << 521) - 0x5AE79787C40D069948033FEB708F65A2FC44A36477663B851449048E16EC79BF7),
}
_HASHES: Final[dict[int, hashes.HashAlgorithm]] = {256: hashes.SHA256(), 384: hashes.SHA384(), 512: hashes.SHA512()}
_HASH_OIDS: Final = {256: "2.16.840.1.101.3.4.2.1", 384: "2.16.840.1.101.3.4.2.2", 512: "2.16.840.1.101.3.4.2.3"}
_RSA_OIDS: Final = {256: "1.2.840.113549.1.1.11", 384: "1.2.840.113549.1.1.12", 512: "1.2.840.113549.1.1.13"}
_EC_OIDS: Final = {256: "1.2.840.10045.4.3.2", 384: "1.2.840.10045.4.3.3", 512: "1.2.840.10045.4.3.4"}
_PSS: Final = "1.2.840.113549.1.1.10"
_CACHED: Final = 512
_LONGEST_CACHED: Final = 5120
"""Bytes of DER; a private RSA key of 8192 bits has 4,700."""

SIGNATURES: Final = {
    name.lower(): name
    for name in (
        "SHA256WithRSA", "SHA384WithRSA", "SHA512WithRSA", "ECDSAWithSHA256", "ECDSAWithSHA384", "ECDSAWithSHA512",
        "SHA256WithRSAPSS", "SHA384WithRSAPSS", "SHA512WithRSAPSS", "Ed25519",
    )
} | {"pureed25519": "Ed25519"}  # fmt: skip
"""Signature algorithms by the names a user may give, in lower case."""


def generate(kind: str, size: int, entropy: Entropy, taken: Iterable[bytes] = ()) -> bytes:
    """Return a new key of ``kind``, which is ``rsa``, ``ec`` or ``ed25519``, and of ``size`` bits.

    ``taken`` has the private RSA keys in use, which are not returned again.
    """
    if kind == "rsa":
        if size not in (2048, 3072, 4096):
            return pool.fresh(size)
        return pool.take(size, entropy, taken=taken)
    if kind == "ec":
        curve, order = _CURVES[size]
        drawn = int.from_bytes(entropy.drawn((order.bit_length() + 7) // 8 + 8), "big") % (order - 1) + 1
        return _private_der(ec.derive_private_key(drawn, curve))
    return _private_der(ed25519.Ed25519PrivateKey.from_private_bytes(entropy.drawn(32)))


def _private_der(key: Private) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


@remembered(_CACHED, _LONGEST_CACHED)
def load(private: bytes) -> Private:
    """Return the key object of PKCS #8 DER, unchecked."""
    return cast(Private, load_der_private_key(private, None, unsafe_skip_rsa_key_validation=True))


@remembered(_CACHED, _LONGEST_CACHED)
def load_public(public: bytes) -> Public:
    """Return the key object of SubjectPublicKeyInfo DER. Raises ValueError for an unsupported kind."""
    with error_context(of=UnsupportedAlgorithm):
        key = load_der_public_key(public)
    if not isinstance(key, Public):
        raise ValueError("unknown public key algorithm")
    return key


@remembered(_CACHED, _LONGEST_CACHED)
def public_of(private: bytes) -> bytes:
    """Return the public half of a private key."""
    return load(private).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def describe(public: bytes) -> tuple[str, int]:
    """Return kind and size in bits of a public key; an Ed25519 key has size 0. Raises ValueError for other kinds."""
    key = load_public(public)
    if isinstance(key, rsa.RSAPublicKey):
        return "rsa", key.key_size
    return ("ec", key.curve.key_size) if isinstance(key, ec.EllipticCurvePublicKey) else ("ed25519", 0)


def key_id(public: bytes) -> bytes:
    """Return the subject key identifier: SHA-1 of the key's bits."""
    info = DerReader(public).enter()
    info.skip()
    return hashlib.sha1(info.read(0x03)[1:], usedforsecurity=False).digest()


def private_pem(private: bytes, *, pkcs8: bool = False) -> str:
    """Return PKCS #1 (RSA), SEC 1 (EC) or PKCS #8 PEM, without the last line break."""
    label, der = private_form(private, pkcs8=pkcs8)
    return pem.encode(label, der).strip()


def private_form(private: bytes, *, pkcs8: bool = False) -> tuple[str, bytes]:
    """Return PEM label and DER of a key as responses contain it."""
    key = load(private)
    if pkcs8 or isinstance(key, ed25519.Ed25519PrivateKey):
        return "PRIVATE KEY", private
    label = "RSA PRIVATE KEY" if isinstance(key, rsa.RSAPrivateKey) else "EC PRIVATE KEY"
    return label, key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def parse(der: bytes) -> bytes:
    """Return a private key in PKCS #1, SEC 1 or PKCS #8 DER as PKCS #8. Raises ValueError with the server's text."""

    def malformed(_: str) -> ValueError:
        return ValueError(_why_no_key(der))

    with error_context(raised=malformed, of=(ValueError, TypeError, UnsupportedAlgorithm)):
        key = load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
        check_rsa(key)
    if not isinstance(key, Private):
        raise ValueError("unsupported private key type within pem bundle")
    return _private_der(key)


_KEY_FORMS: Final = (
    ("x509: failed to parse EC private key: ", "ecPrivateKey", ((INTEGER, "int"), (OCTETS, "[]uint8"))),
    ("", "pkcs1PrivateKey", ((INTEGER, "int"), (INTEGER, "*big.Int"))),
    ("", "pkcs8", ((INTEGER, "int"), (SEQUENCE, "AlgorithmIdentifier"), (OCTETS, "[]uint8"))),
)
"""How Go reads a private key: the form's name and its first fields, in the order in which the forms are tried."""


def _why_no_key(der: bytes) -> str:
    faults = []
    for front, name, fields in _KEY_FORMS:
        fault = "asn1: structure error: malformed key"
        try:
            body = DerReader(der).enter(name)
            for tag, kind in fields:
                body.small() if kind == "int" else body.read(tag, kind)
        except CryptoError as error:
            fault = str(error)
        faults.append(f"{front}{fault}")
    listed = "\n".join(f"{at}. {fault}" for at, fault in enumerate(faults, 1))
    return f"got errors attempting to parse DER private key:\n{listed}"


def signature_name(private: bytes, bits: int = 0, *, pss: bool = False, by_curve: bool = True) -> str:
    """Return the name of a key's signature algorithm with a hash of ``bits`` (0: the one for the key's size)."""
    key = load(private)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "Ed25519"
    if isinstance(key, rsa.RSAPrivateKey):
        return f"SHA{bits if bits in _HASHES else 256}WithRSA" + ("PSS" if pss and bits in _HASHES else "")
    own = {384: 384, 521: 512}.get(key.curve.key_size, 256)
    return f"ECDSAWithSHA{own if by_curve or bits not in _HASHES else bits}"


def algorithm(name: str) -> bytes:
    """Return the AlgorithmIdentifier of a signature algorithm."""
    if name == "Ed25519":
        return w.sequence(w.oid("1.3.101.112"))
    if name.startswith("ECDSA"):
        return w.sequence(w.oid(_EC_OIDS[int(name[-3:])]))
    bits = int(name[3:6])
    if not name.endswith("PSS"):
        return w.sequence(w.oid(_RSA_OIDS[bits]), w.null())
    digest = w.sequence(w.oid(_HASH_OIDS[bits]), w.null())
    mask = w.sequence(w.oid("1.2.840.113549.1.1.8"), digest)
    parameters = w.context(0, digest) + w.context(1, mask) + w.context(2, w.integer(bits // 8))
    return w.sequence(w.oid(_PSS), w.tlv(0x30, parameters))


def sign(private: bytes, name: str, data: bytes) -> bytes:
    """Return the signature of ``data`` with the algorithm ``name``."""
    key = load(private)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(data)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(data, repeatable_ecdsa(_HASHES[int(name[-3:])]))
    digest = _HASHES[int(name[3:6])]
    if name.endswith("PSS"):
        return key.sign(data, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
    return key.sign(data, padding.PKCS1v15(), digest)


def verifies(public: bytes, signed: bytes) -> bool:
    """Return whether a signed structure (certificate, request) carries a signature of this public key."""
    try:
        outer = DerReader(signed).enter()
        body, declared, signature = outer.skip(), outer.skip(), outer.read(0x03)[1:]
        name = ALGORITHMS.get(declared)
        return name is not None and _verify(load_public(public), name, body, signature)
    except (ValueError, UnsupportedAlgorithm):
        return False


def _verify(key: Public, name: str, data: bytes, signature: bytes) -> bool:
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, data)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, data, ec.ECDSA(_HASHES[int(name[-3:])]))
        elif name.endswith("PSS"):
            digest = _HASHES[int(name[3:6])]
            key.verify(signature, data, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
        else:
            key.verify(signature, data, padding.PKCS1v15(), _HASHES[int(name[3:6])])
    except (InvalidSignature, KeyError, ValueError):
        return False
    return True


ALGORITHMS: Final = {algorithm(name): name for name in SIGNATURES.values()}
"""Names of signature algorithms by their AlgorithmIdentifier."""
