"""Authenticated encryption as transit stores it: nonce, then ciphertext, then tag, in one piece.

Cipher objects are kept in bounded caches keyed by the key bytes: setting one up costs as much as a short encryption.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

from mockkms.crypto import CryptoError

Seal = Callable[[bytes, bytes, bytes | None], bytes]
"""``seal(nonce, text, associated)``: encrypts or decrypts with a key that was set before."""
NONCE_SIZES: Final = {"aes-gcm": 12, "chacha20-poly1305": 12, "xchacha20-poly1305": 24}
"""Bytes of nonce by algorithm."""

TAG_SIZE: Final = 16

_CACHED_KEYS = 512
_U32 = 0xFFFFFFFF
_CONSTANT = (0x61707865, 0x3320646E, 0x79622D32, 0x6B206574)


_aes = lru_cache(maxsize=_CACHED_KEYS)(AESGCM)
_chacha = lru_cache(maxsize=_CACHED_KEYS)(ChaCha20Poly1305)


def seal(algorithm: str, key: bytes, nonce: bytes, plaintext: bytes, associated: bytes | None = None) -> bytes:
    """Return ``nonce + ciphertext + tag``. Raises ValueError for a key or nonce of the wrong size."""
    if algorithm == "aes-gcm":
        return nonce + _aes(key).encrypt(nonce, plaintext, associated)
    if algorithm == "chacha20-poly1305":
        return nonce + _chacha(key).encrypt(nonce, plaintext, associated)
    subkey, short = _x(key, nonce)
    return nonce + ChaCha20Poly1305(subkey).encrypt(short, plaintext, associated)


def sealing(algorithm: str, key: bytes) -> Seal | None:
    """Return a function that encrypts with a key: ``(nonce, plaintext, associated)`` to ciphertext and tag.

    None for XChaCha20, whose key depends on the nonce. Raises ValueError for a key of wrong size.
    """
    if algorithm == "aes-gcm":
        return _aes(key).encrypt
    return _chacha(key).encrypt if algorithm == "chacha20-poly1305" else None


def opening(algorithm: str, key: bytes) -> Seal | None:
    """Return the opposite of ``sealing``, which raises InvalidTag; None for XChaCha20."""
    if algorithm == "aes-gcm":
        return _aes(key).decrypt
    return _chacha(key).decrypt if algorithm == "chacha20-poly1305" else None


def open_sealed(algorithm: str, key: bytes, sealed: bytes, associated: bytes | None = None) -> bytes:
    """Decrypt what ``seal`` returned.

    Raises CryptoError, with Go's text, if anything was changed or cut; ValueError for a key of the wrong size.
    """
    size = NONCE_SIZES[algorithm]
    nonce, body = sealed[:size], sealed[size:]
    name = "cipher" if algorithm == "aes-gcm" else "chacha20poly1305"
    try:
        if len(body) < TAG_SIZE or len(nonce) < size:
            raise InvalidTag
        if algorithm == "aes-gcm":
            return _aes(key).decrypt(nonce, body, associated)
        if algorithm == "chacha20-poly1305":
            return _chacha(key).decrypt(nonce, body, associated)
        subkey, short = _x(key, nonce)
        return ChaCha20Poly1305(subkey).decrypt(short, body, associated)
    except InvalidTag:
        raise CryptoError(f"{name}: message authentication failed") from None


def _x(key: bytes, nonce: bytes) -> tuple[bytes, bytes]:
    """Return the ChaCha20 key and 12-byte nonce that an XChaCha20 key and 24-byte nonce stand for."""
    if len(nonce) != 24:
        raise ValueError("Nonce must be 24 bytes")
    return hchacha20(key, nonce[:16]), bytes(4) + nonce[16:]


def hchacha20(key: bytes, nonce: bytes) -> bytes:
    """Return the 32-byte subkey of draft-irtf-cfrg-xchacha from a 32-byte key and a 16-byte nonce.

    HChaCha20 is the ChaCha20 block without its last addition, so the input is subtracted from a block of key stream.
    """
    block = struct.unpack("<16I", Cipher(ChaCha20(key, nonce), mode=None).encryptor().update(bytes(64)))
    start = _CONSTANT + struct.unpack("<4I", nonce)
    rows = block[:4] + block[12:]
    return struct.pack("<8I", *((word - was) & _U32 for word, was in zip(rows, start, strict=True)))
