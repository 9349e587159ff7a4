"""ECDSA over digests of any length, in the two forms transit speaks: ASN.1 and JWS (``r`` and ``s`` side by side)."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from mockkms.crypto import CryptoError
from mockkms.crypto.asymmetric import ec_private, ec_public
from mockkms.crypto.encoding import der
from mockkms.error_context import error_context


def sign(private: bytes, digest: bytes, *, jws: bool = False) -> bytes:
    """Return a signature of ``digest``, of which only as many leftmost bits count as the curve has."""
    key = ec_private(private)
    signature = key.sign(*_prepared(digest, key.key_size))
    if not jws:
        return signature
    size = (key.key_size + 7) // 8
    return b"".join(part.to_bytes(size, "big") for part in utils.decode_dss_signature(signature))


def verify(public: bytes, digest: bytes, signature: bytes, *, jws: bool = False) -> bool:
    """Return whether the signature is valid. Raises CryptoError for malformed ASN.1; a malformed JWS is invalid."""
    key = ec_public(public)
    if jws:
        half = len(signature) // 2
        r, s = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
    else:
        r, s = _parse(signature)
    if r <= 0 or s <= 0 or max(r, s).bit_length() > key.key_size:
        return False
    data, algorithm = _prepared(digest, key.key_size)
    try:
        key.verify(utils.encode_dss_signature(r, s), data, algorithm)
    except InvalidSignature:
        return False
    return True


def _prepared(digest: bytes, bits: int) -> tuple[bytes, ec.ECDSA]:
    """Return the digest padded or cut to the length of a known hash, which ``cryptography`` requires, and that hash.

    Leading zeros do not change the signature, nor do bytes beyond the size of the curve (``bits``).
    """
    size = (bits + 7) // 8
    cut = digest[:size]
    fitting = _hash(max(len(cut), min(size, 64)))
    return cut.rjust(fitting.digest_size, b"\x00"), ec.ECDSA(utils.Prehashed(fitting))


def _hash(size: int) -> hashes.HashAlgorithm:
    """Return a hash with digests of ``size`` bytes; beyond 64 bytes, one of variable length."""
    if size == 32:
        return hashes.SHA256()
    if size == 48:
        return hashes.SHA384()
    return hashes.SHA512() if size == 64 else hashes.SHAKE256(size)


def _parse(signature: bytes) -> tuple[int, int]:
    outer = der.DerReader(signature)
    with error_context(raised=CryptoError, text="supplied signature is invalid"):
        parts = outer.enter()
        r, s = parts.integer(), parts.integer()
    if outer.rest:
        raise CryptoError("supplied signature contains extra data")
    return r, s
