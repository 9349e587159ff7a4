"""Wrapping for import."""

from __future__ import annotations

import pytest

from mockkms.crypto import CryptoError, keywrap
from mockkms.crypto.asymmetric import public_of
from mockkms.crypto.rsa import pool, rsa
from mockkms.world.entropy import Entropy

KEY = pool.take(2048, Entropy(1), "wrap")
PUBLIC = public_of(KEY)


@pytest.mark.parametrize("hash", keywrap.HASHES)
@pytest.mark.parametrize("size", [16, 32, 33, 138, 1218])
def test_unwrapping_returns_the_wrapped_key(hash: str, size: int) -> None:
    name = keywrap.hash_named(hash.lower())
    blob = keywrap.wrap(PUBLIC, bytes(range(256)) * 5 if size == 1218 else bytes(size), b"e" * 32, name)
    assert keywrap.unwrap(KEY, blob, name) == (bytes(range(256)) * 5 if size == 1218 else bytes(size))


def test_faults() -> None:
    blob = keywrap.wrap(PUBLIC, bytes(32), b"e" * 32, "sha2-256")
    cases = {
        b"": "provided ciphertext is too short",
        blob[:256]: "provided ciphertext is too short",
        blob[:272]: "kwp: wrapped key size too small",
        blob[:285]: "kwp: wrapped key size must be a multiple of 8 bytes",
        blob[:288]: "kwp: unwrap failed integrity check",
        blob[:256] + bytes(9000): "kwp: wrapped key size too large",
    }
    for data, text in cases.items():
        with pytest.raises(CryptoError, match=text):
            keywrap.unwrap(KEY, data, "sha2-256")
    with pytest.raises(CryptoError, match="decryption error"):
        keywrap.unwrap(KEY, blob, "sha1")
    short = rsa.encrypt_oaep(PUBLIC, bytes(16)) + bytes(40)
    with pytest.raises(CryptoError, match="expected ephemeral AES key to be 256-bit"):
        keywrap.unwrap(KEY, short, "sha2-256")
    with pytest.raises(CryptoError, match="unknown hash function: MD5"):
        keywrap.hash_named("MD5")
