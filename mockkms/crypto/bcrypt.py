"""Verifying bcrypt hashes without a dependency: Blowfish with the expensive key schedule, its tables computed from π.

A verification of cost 10 takes some seconds in pure Python, in which the server answers nothing else. Results are
therefore remembered, and the ``bcrypt`` package (the extra ``mockkms[bcrypt]``) is used where it is installed.
"""

from __future__ import annotations

import hmac
from functools import cache, lru_cache
from importlib import import_module, util

_ALPHABET = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_MASK = 0xFFFFFFFF
_MAGIC = b"OrpheanBeholderScryDoubt"
_WORDS = 18 + 4 * 256
_SPARE_BITS = 15
"""The bits of the last letter of a salt that are beyond its 16 bytes."""
_GUARD = 64
"""Bits beyond those needed, against rounding."""


def _arctan_inverse(x: int, one: int) -> int:
    total = term = one // x
    square, divisor, sign = x * x, 3, -1
    while term:
        term //= square
        total += sign * (term // divisor)
        divisor, sign = divisor + 2, -sign
    return total


@cache
def _tables() -> tuple[int, ...]:
    """Return the fraction of π in words of 32 bits: the P-array, then the four S-boxes."""
    bits = _WORDS * 32
    one = 1 << (bits + _GUARD)
    pi = 4 * (4 * _arctan_inverse(5, one) - _arctan_inverse(239, one))
    fraction = (pi - 3 * one) >> _GUARD
    return tuple((fraction >> (bits - 32 * (at + 1))) & _MASK for at in range(_WORDS))


def _encipher(p: list[int], s: list[int], left: int, right: int) -> tuple[int, int]:
    left ^= p[0]
    for at in range(1, 17, 2):
        right ^= ((((s[left >> 24] + s[256 + (left >> 16 & 255)]) ^ s[512 + (left >> 8 & 255)])
                   + s[768 + (left & 255)]) & _MASK) ^ p[at]  # fmt: skip
        left ^= ((((s[right >> 24] + s[256 + (right >> 16 & 255)]) ^ s[512 + (right >> 8 & 255)])
                  + s[768 + (right & 255)]) & _MASK) ^ p[at + 1]  # fmt: skip
    return right ^ p[17], left


def _words(data: bytes, count: int) -> list[int]:
    stretched = (data * (count * 4 // len(data) + 1))[: count * 4]
    return [int.from_bytes(stretched[at : at + 4], "big") for at in range(0, count * 4, 4)]


def _expand(p: list[int], s: list[int], key: list[int], salt: list[int]) -> None:
    for at in range(18):
        p[at] ^= key[at]
    left = right = 0
    turn = 0
    for table in (p, s):
        for at in range(0, len(table), 2):
            left, right = _encipher(p, s, left ^ salt[turn], right ^ salt[turn + 1])
            table[at], table[at + 1] = left, right
            turn ^= 2


def _hash(password: bytes, salt: bytes, cost: int) -> bytes:
    tables = _tables()
    p, s = list(tables[:18]), list(tables[18:])
    key = _words(password[:72] + b"\0", 18)
    salt_words, salted, zero = _words(salt, 4), _words(salt, 18), [0, 0, 0, 0]
    _expand(p, s, key, salt_words)
    for _ in range(1 << cost):
        _expand(p, s, key, zero)
        _expand(p, s, salted, zero)
    words = _words(_MAGIC, 6)
    for at in range(0, 6, 2):
        for _ in range(64):
            words[at], words[at + 1] = _encipher(p, s, words[at], words[at + 1])
    return b"".join(word.to_bytes(4, "big") for word in words)[:23]


def _decode(text: str) -> bytes:
    bits = 0
    for char in text:
        bits = bits << 6 | _ALPHABET.index(char)
    spare = len(text) * 6 % 8
    return (bits >> spare).to_bytes(len(text) * 6 // 8, "big")


def verify(password: bytes, cost: int, salt: str, hashed: str) -> bool:
    """Return whether a hash (31 letters of bcrypt's alphabet) is that of the first 72 bytes of ``password``.

    ``salt`` has 22 letters, of which the bits beyond its 16 bytes are ignored.
    """
    return verified(password[:72], cost, salt[:-1] + _ALPHABET[_ALPHABET.index(salt[-1]) & ~_SPARE_BITS], hashed)


@lru_cache(maxsize=64)
def verified(password: bytes, cost: int, salt: str, hashed: str) -> bool:
    """Return ``verify``, remembered; a longer password would stay in memory."""
    if util.find_spec("bcrypt") is not None:
        return bool(import_module("bcrypt").checkpw(password, f"$2b${cost:02}${salt}{hashed}".encode()))
    return hmac.compare_digest(_hash(password, _decode(salt), cost), _decode(hashed))
