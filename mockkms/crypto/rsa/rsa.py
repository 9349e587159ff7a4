"""RSA as transit uses it: OAEP, PSS and PKCS #1 v1.5, with the error texts of Go's ``crypto/rsa``."""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, utils

from mockkms.crypto import CryptoError
from mockkms.crypto.asymmetric import rsa_private, rsa_public
from mockkms.crypto.hashes import NONE, SIZES, algorithm
from mockkms.error_context import error_context

SALT_AUTO: Final = 0
"""As long as fits when signing, any length when verifying."""
SALT_HASH: Final = -1
"""As long as the digest."""


def encrypt_oaep(public: bytes, plaintext: bytes, hash_name: str = "sha2-256") -> bytes:
    """Return the ciphertext of OAEP, with one hash for label and mask. Raises CryptoError for a long plaintext."""
    with error_context(raised=CryptoError, text="crypto/rsa: message too long for RSA key size"):
        return rsa_public(public).encrypt(plaintext, _oaep(hash_name))


def decrypt_oaep(private: bytes, ciphertext: bytes, hash_name: str = "sha2-256") -> bytes:
    """Return the plaintext. Raises CryptoError without saying what is wrong."""
    with error_context(raised=CryptoError, text="crypto/rsa: decryption error"):
        return rsa_private(private).decrypt(ciphertext, _oaep(hash_name))


def encrypt_pkcs1v15(public: bytes, plaintext: bytes) -> bytes:
    """Return the ciphertext of PKCS #1 v1.5. Raises CryptoError for a long plaintext."""
    with error_context(raised=CryptoError, text="crypto/rsa: message too long for RSA key size"):
        return rsa_public(public).encrypt(plaintext, padding.PKCS1v15())


def decrypt_pkcs1v15(private: bytes, ciphertext: bytes) -> bytes:
    """Return the plaintext. Raises CryptoError without saying what is wrong.

    Computed here, because OpenSSL returns random bytes for wrong padding where Go reports an error.
    """
    numbers = rsa_private(private).private_numbers()
    modulus = numbers.public_numbers.n
    size = (modulus.bit_length() + 7) // 8
    if len(ciphertext) != size:
        raise CryptoError("crypto/rsa: decryption error")
    block = pow(int.from_bytes(ciphertext, "big"), numbers.d, modulus).to_bytes(size, "big")
    end = block.find(b"\0", 2)
    if block[:2] != b"\0\2" or end < 10:
        raise CryptoError("crypto/rsa: decryption error")
    return block[end + 1 :]


def max_salt(bits: int, hash_name: str) -> int:
    """Return the maximum length in bytes of a PSS salt for a modulus of ``bits`` bits."""
    return (bits - 1 + 7) // 8 - 2 - SIZES[hash_name]


def sign_pss(private: bytes, digest: bytes, hash_name: str, salt: int = SALT_AUTO) -> bytes:
    """Return a PSS signature of a digest. ``salt`` in bytes, or ``SALT_AUTO``, ``SALT_HASH``."""
    if len(digest) != SIZES[hash_name]:
        raise CryptoError("crypto/rsa: input must be hashed with given hash")
    key = rsa_private(private)
    if salt == SALT_AUTO:
        salt = max_salt(key.key_size, hash_name)
    return key.sign(digest, _pss(hash_name, salt), _prehashed(hash_name))


def verify_pss(public: bytes, digest: bytes, signature: bytes, hash_name: str, salt: int = SALT_AUTO) -> bool:
    """Return whether the signature is valid; it is not if the digest has the wrong size."""
    if len(digest) != SIZES[hash_name]:
        return False
    try:
        rsa_public(public).verify(signature, digest, _pss(hash_name, salt), _prehashed(hash_name))
    except InvalidSignature:
        return False
    return True


def sign_pkcs1v15(private: bytes, digest: bytes, hash_name: str) -> bytes:
    """Return a PKCS #1 v1.5 signature of a digest; hash ``none`` signs the input with no digest header."""
    key = rsa_private(private)
    if hash_name != NONE and len(digest) != SIZES[hash_name]:
        raise CryptoError("crypto/rsa: input must be hashed message")
    if len(digest) > key.key_size // 8 - 11:
        raise CryptoError("crypto/rsa: message too long for RSA key size")
    return (
        _sign_unhashed(private, digest)
        if hash_name == NONE
        else key.sign(digest, padding.PKCS1v15(), _prehashed(hash_name))
    )


def verify_pkcs1v15(public: bytes, digest: bytes, signature: bytes, hash_name: str) -> bool:
    """Return whether the signature is valid; it is not if the digest has the wrong size."""
    key = rsa_public(public)
    if hash_name == NONE:
        return _verify_unhashed(public, digest, signature)
    if len(digest) != SIZES[hash_name]:
        return False
    try:
        key.verify(signature, digest, padding.PKCS1v15(), _prehashed(hash_name))
    except InvalidSignature:
        return False
    return True


def _sign_unhashed(private: bytes, data: bytes) -> bytes:
    """Return a signature without a digest header, which not all releases of ``cryptography`` support."""
    numbers = rsa_private(private).private_numbers()
    size = (numbers.public_numbers.n.bit_length() + 7) // 8
    block = b"\x00\x01" + b"\xff" * (size - len(data) - 3) + b"\x00" + data
    message = int.from_bytes(block, "big")
    low = pow(message, numbers.dmq1, numbers.q)
    high = (pow(message, numbers.dmp1, numbers.p) - low) * numbers.iqmp % numbers.p
    return (low + high * numbers.q).to_bytes(size, "big")


def _verify_unhashed(public: bytes, data: bytes, signature: bytes) -> bool:
    """Return whether a signature without a digest header is valid; OpenSSL refuses lengths of input that Go accepts."""
    numbers = rsa_public(public).public_numbers()
    size = (numbers.n.bit_length() + 7) // 8
    padded = size - len(data) - 3
    if len(signature) != size or padded < 8:
        return False
    block = pow(int.from_bytes(signature, "big"), numbers.e, numbers.n).to_bytes(size, "big")
    return block == b"\x00\x01" + b"\xff" * padded + b"\x00" + data


def _oaep(hash_name: str) -> padding.OAEP:
    return padding.OAEP(padding.MGF1(algorithm(hash_name)), algorithm(hash_name), label=None)


def _pss(hash_name: str, salt: int) -> padding.PSS:
    mask = padding.MGF1(algorithm(hash_name))
    if salt == SALT_AUTO:
        return padding.PSS(mask, padding.PSS.AUTO)
    return padding.PSS(mask, SIZES[hash_name] if salt == SALT_HASH else salt)


def _prehashed(hash_name: str) -> utils.Prehashed:
    return utils.Prehashed(algorithm(hash_name))
