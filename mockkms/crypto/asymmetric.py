"""Private and public keys as bytes: generating, loading and converting them.

A private key is PKCS #8 DER (RSA, ECDSA) or the 64 bytes of seed and public key (``ed25519``); a public key is
SubjectPublicKeyInfo DER or the 32 raw bytes. Loading an RSA key costs up to half a second when it is checked, so keys
are loaded unchecked (they are our own, or were checked at import) and the loaded objects are kept in a bounded cache.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from importlib import import_module
from typing import Final, cast

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)

from mockkms.world.entropy import Entropy

CURVES: Final[dict[str, ec.EllipticCurve]] = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
"""The curves by the names of Go and transit."""

ORDERS: Final = {
    "P-256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "P-384": (1 << 384) - 0x389CB27E0BC8D220A7E5F24DB74F58851313E695333AD68D,
    "P-521": (1 << 521) - 0x5AE79787C40D069948033FEB708F65A2FC44A36477663B851449048E16EC79BF7,
}
"""Order of each curve's base point."""

_CACHED_KEYS = 512
_SPARE = 8
"""Random bytes beyond the size of a curve's order, so that the remainder is evenly distributed."""


def generate_ec(curve: str, entropy: Entropy, label: str = "") -> bytes:
    """Return a new ECDSA key on ``P-256``, ``P-384`` or ``P-521``, as PKCS #8 DER."""
    order = ORDERS[curve]
    secret = int.from_bytes(entropy.drawn((order.bit_length() + 7) // 8 + _SPARE, label), "big") % (order - 1) + 1
    return private_der(ec.derive_private_key(secret, CURVES[curve]))


def generate_ed25519(entropy: Entropy, label: str = "") -> bytes:
    """Return a new ``ed25519`` key: 32 bytes of seed and 32 of public key."""
    return ed25519_from_seed(entropy.drawn(32, label))


def ed25519_from_seed(seed: bytes) -> bytes:
    """Return the 64 bytes that Go keeps of the key with this 32-byte seed."""
    public = ed25519.Ed25519PrivateKey.from_private_bytes(seed).public_key()
    return seed + public.public_bytes(Encoding.Raw, PublicFormat.Raw)


@lru_cache(maxsize=_CACHED_KEYS)
def _ed25519_private(seed: bytes) -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.from_private_bytes(seed)


@lru_cache(maxsize=_CACHED_KEYS)
def _ed25519_public(raw: bytes) -> ed25519.Ed25519PublicKey:
    return ed25519.Ed25519PublicKey.from_public_bytes(raw)


@cache
def _libsodium_sign() -> Callable[[bytes, bytes], bytes] | None:
    """Return libsodium's ``crypto_sign`` of message and key: the signature, then the message. None without it."""
    try:
        sign: Callable[[bytes, bytes], bytes] = import_module("nacl.bindings").crypto_sign
    except ImportError:
        return None
    return sign


def sign_ed25519(private: bytes, data: bytes) -> bytes:
    """Return the 64-byte signature; ``private`` is the seed, alone or followed by the public key.

    It is the same from OpenSSL and from libsodium, which takes half of the time.
    """
    sign = _libsodium_sign() if len(private) == 64 else None
    return sign(data, private)[:64] if sign is not None else _ed25519_private(private[:32]).sign(data)


def verify_ed25519(public: bytes, data: bytes, signature: bytes) -> bool:
    """Return whether the signature is valid; one of the wrong size is not. ``public`` is 32 bytes."""
    try:
        _ed25519_public(public).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def repeatable_ecdsa(digest: hashes.HashAlgorithm) -> ec.ECDSA:
    """Return ECDSA with a nonce derived from key and message (RFC 6979), so that signatures of a seeded world repeat.

    The nonce is random if the installed OpenSSL does not support that.
    """
    return ec.ECDSA(digest, deterministic_signing=True) if _ecdsa_repeats() else ec.ECDSA(digest)


@cache
def _ecdsa_repeats() -> bool:
    try:
        ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    except (TypeError, UnsupportedAlgorithm):
        return False
    return True


def public_of(private: bytes) -> bytes:
    """Return the public half of a private key, in the form described above."""
    if len(private) == 64:
        return private[32:]
    key = load_private(private)
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def private_der(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    """Return PKCS #8 DER of a key object."""
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def public_der(key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey) -> bytes:
    """Return SubjectPublicKeyInfo DER of a key object."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@lru_cache(maxsize=_CACHED_KEYS)
def load_private(der: bytes) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    """Return the key object of PKCS #8 DER, unchecked. Raises ValueError for anything else."""
    key = load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
    return cast("rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey", key)


def check_rsa(key: object) -> None:
    """Raise ValueError, with Go's text, for an RSA key whose numbers do not belong together; other keys pass.

    Whether its factors are primes is not looked into, in Go neither: OpenSSL needs a second for that, and stops all
    other threads meanwhile.
    """
    if not isinstance(key, rsa.RSAPrivateKey):
        return
    numbers = key.private_numbers()
    p, q, product = numbers.p, numbers.q, numbers.d * numbers.public_numbers.e
    if p * q != numbers.public_numbers.n:
        raise ValueError("crypto/rsa: p * q != n")
    if (product - 1) % (p - 1) or (product - 1) % (q - 1):
        raise ValueError("crypto/rsa: invalid exponents")


@lru_cache(maxsize=_CACHED_KEYS)
def load_public(der: bytes) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey:
    """Return the key object of SubjectPublicKeyInfo DER. Raises ValueError for anything else."""
    return cast("rsa.RSAPublicKey | ec.EllipticCurvePublicKey", load_der_public_key(der))


def rsa_private(der: bytes) -> rsa.RSAPrivateKey:
    """Return ``load_private`` for a key known to be RSA."""
    return cast(rsa.RSAPrivateKey, load_private(der))


def rsa_public(der: bytes) -> rsa.RSAPublicKey:
    """Return ``load_public`` for a key known to be RSA."""
    return cast(rsa.RSAPublicKey, load_public(der))


def ec_private(der: bytes) -> ec.EllipticCurvePrivateKey:
    """Return ``load_private`` for a key known to be ECDSA."""
    return cast(ec.EllipticCurvePrivateKey, load_private(der))


def ec_public(der: bytes) -> ec.EllipticCurvePublicKey:
    """Return ``load_public`` for a key known to be ECDSA."""
    return cast(ec.EllipticCurvePublicKey, load_public(der))


def ecdh(private: bytes, public: bytes) -> bytes:
    """Return the secret that an ECDSA key (PKCS #8 DER) shares with a public key (DER) of the same curve."""
    return ec_private(private).exchange(ec.ECDH(), ec_public(public))
