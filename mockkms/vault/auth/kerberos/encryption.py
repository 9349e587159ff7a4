"""Decryption in Kerberos: the encryption types of today's keytabs.

Sources: RFC 3961 and 3962 (AES with SHA-1), RFC 8009 (AES with SHA-2), RFC 4757 (RC4). The cipher is that of the
``cryptography`` package; what only Kerberos has, key derivation and ciphertext stealing, is here.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from math import lcm

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

AES128_SHA1, AES256_SHA1, AES128_SHA2, AES256_SHA2, RC4 = 17, 18, 19, 20, 23
_BLOCK = 16
_ENCRYPTION, _INTEGRITY = b"\xaa", b"\x55"
_NULL = bytes(_BLOCK)
_KEY_SIZES = {AES128_SHA1: 16, AES256_SHA1: 32, AES128_SHA2: 16, AES256_SHA2: 32, RC4: 16}


def decrypt(kind: int, key: bytes, usage: int, data: bytes) -> bytes:
    """Return the plaintext of an encrypted part, verified.

    Args:
        kind: Number of the encryption type.
        key: The key of this type.
        usage: Number of the use of the key, as RFC 4120 assigns it.
        data: The ciphertext.

    Raises ValueError for an unknown type, and for data that another key has encrypted.
    """
    if kind not in _KEY_SIZES:
        raise ValueError(f"unknown or unsupported EType: {kind}")
    if len(key) != _KEY_SIZES[kind]:
        raise ValueError("incorrect keysize")
    if kind == RC4:
        return _decrypt_rc4(key, usage, data)
    return _decrypt_sha1(key, usage, data) if kind in (AES128_SHA1, AES256_SHA1) else _decrypt_sha2(key, usage, data)


def _check(expected: bytes, given: bytes) -> None:
    if not hmac.compare_digest(expected, given):
        raise ValueError("integrity verification failed")


# -- AES with SHA-1 --------------------------------------------------------------------------------------------------


def _decrypt_sha1(key: bytes, usage: int, data: bytes) -> bytes:
    cipher, mac = data[:-12], data[-12:]
    if len(cipher) < _BLOCK:
        raise ValueError("ciphertext too short")
    plain = unsteal(derived(key, usage, _ENCRYPTION), cipher)
    _check(hmac.digest(derived(key, usage, _INTEGRITY), plain, hashlib.sha1)[:12], mac)
    return plain[_BLOCK:]


def derived(key: bytes, usage: int, purpose: bytes) -> bytes:
    """Return the key for one use, by the DK function of RFC 3961. ``purpose`` is 0x99, 0xAA or 0x55."""
    block, made = fold(usage.to_bytes(4, "big") + purpose, _BLOCK), b""
    while len(made) < len(key):
        block = _cbc(key, block, encrypting=True)
        made += block
    return made[: len(key)]


def fold(text: bytes, size: int) -> bytes:
    """Return ``size`` bytes of a text of any length, by the n-fold function of RFC 3961."""
    total = lcm(len(text), size)
    bits = int.from_bytes(text, "big")
    width = 8 * len(text)
    parts = bytearray()
    for turn in range(total // len(text)):
        by = (13 * turn) % width
        parts += ((bits >> by | bits << (width - by)) & ((1 << width) - 1)).to_bytes(len(text), "big")
    added = sum(int.from_bytes(parts[at : at + size], "big") for at in range(0, total, size))
    limit = 1 << (8 * size)
    while added >= limit:  # Addition in ones' complement: the carry is added to the sum.
        added = added % limit + added // limit
    return added.to_bytes(size, "big")


# -- AES with SHA-2 --------------------------------------------------------------------------------------------------


def _decrypt_sha2(key: bytes, usage: int, data: bytes) -> bytes:
    digest, size, short = ("sha256", 16, 16) if len(key) == 16 else ("sha384", 24, 24)
    cipher, mac = data[:-size], data[-size:]
    if len(cipher) < _BLOCK:
        raise ValueError("ciphertext too short")
    integrity = derived_sha2(key, usage, _INTEGRITY, short)
    _check(hmac.digest(integrity, _NULL + cipher, digest)[:size], mac)
    return unsteal(derived_sha2(key, usage, _ENCRYPTION, len(key)), cipher)[_BLOCK:]


def derived_sha2(key: bytes, usage: int, purpose: bytes, size: int) -> bytes:
    """Return a key of ``size`` bytes for one use, by the KDF of RFC 8009."""
    label = usage.to_bytes(4, "big") + purpose
    text = b"\0\0\0\1" + label + b"\0" + (8 * size).to_bytes(4, "big")
    return hmac.digest(key, text, "sha256" if len(key) == 16 else "sha384")[:size]


# -- ciphers ---------------------------------------------------------------------------------------------------------


def _cbc(key: bytes, data: bytes, *, encrypting: bool) -> bytes:
    cipher = Cipher(algorithms.AES(key), modes.CBC(_NULL))
    context = cipher.encryptor() if encrypting else cipher.decryptor()
    return context.update(data) + context.finalize()


def unsteal(key: bytes, data: bytes) -> bytes:
    """Return the plaintext of AES in CBC mode with ciphertext stealing (CS3) and an initial vector of zeros."""
    if len(data) <= _BLOCK:
        return _cbc(key, data, encrypting=False)
    last = len(data) % _BLOCK or _BLOCK
    start, swapped, tail = data[: -_BLOCK - last], data[-_BLOCK - last : -last], data[-last:]
    raw = Cipher(algorithms.AES(key), modes.ECB()).decryptor().update(swapped)
    full = tail + raw[last:]
    ending = bytes(left ^ right for left, right in zip(raw[:last], tail, strict=True))
    return _cbc(key, start + full, encrypting=False) + ending


def _decrypt_rc4(key: bytes, usage: int, data: bytes) -> bytes:
    if len(data) < 24:
        raise ValueError("ciphertext too short")
    own = hmac.digest(key, {3: 8, 9: 8, 23: 13}.get(usage, usage).to_bytes(4, "little"), "md5")
    checksum, cipher = data[:16], data[16:]
    plain = bytes(byte ^ pad for byte, pad in zip(cipher, _rc4(hmac.digest(own, checksum, "md5")), strict=False))
    _check(hmac.digest(own, plain, "md5"), checksum)
    return plain[8:]


def _rc4(key: bytes) -> Iterator[int]:
    """Yield the bytes of RC4 without end. Its cipher in ``cryptography`` is about to be removed."""
    box, j = list(range(256)), 0
    for i in range(256):
        j = (j + box[i] + key[i % len(key)]) % 256
        box[i], box[j] = box[j], box[i]
    i = j = 0
    while True:
        i = (i + 1) % 256
        j = (j + box[i]) % 256
        box[i], box[j] = box[j], box[i]
        yield box[(box[i] + box[j]) % 256]
