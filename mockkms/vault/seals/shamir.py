"""Shamir's secret sharing over GF(256), one polynomial per byte, in the share format of the real server.

A share is one byte longer than the secret: the y values, then the x coordinate (1 to 255). Shares are interchangeable
with those of Vault's ``shamir`` package.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

SHARE_OVERHEAD = 1
"""Bytes a share is longer than the secret."""
_FIELD = 0x11B


def _tables() -> tuple[list[int], list[int]]:
    exp, log = [0] * 510, [0] * 256
    value = 1
    for power in range(255):
        exp[power] = exp[power + 255] = value
        log[value] = power
        double = value << 1
        value ^= double ^ _FIELD if double & 0x100 else double
    return exp, log


_EXP, _LOG = _tables()


def _mul(a: int, b: int) -> int:
    return _EXP[_LOG[a] + _LOG[b]] if a and b else 0


def _div(a: int, b: int) -> int:
    return _EXP[_LOG[a] + 255 - _LOG[b]] if a else 0


def split(secret: bytes, parts: int, threshold: int, random: Callable[[int], bytes]) -> list[bytes]:
    """Split ``secret`` into ``parts`` shares of which any ``threshold`` (2 or more) give it back.

    ``random(n)`` returns n random bytes. Raises ValueError for invalid counts or an empty secret.
    """
    if parts < threshold:
        raise ValueError("parts cannot be less than threshold")
    if parts > 255 or threshold > 255:
        raise ValueError("parts cannot exceed 255")
    if threshold < 2:
        raise ValueError("threshold must be at least 2")
    if not secret:
        raise ValueError("cannot split an empty secret")
    columns = _coordinates(parts, random)
    shares = [bytearray() for _ in columns]
    for byte in secret:
        coefficients = [byte, *random(threshold - 1)]
        for x, share in zip(columns, shares, strict=True):
            y = 0
            for coefficient in reversed(coefficients):
                y = _mul(y, x) ^ coefficient
            share.append(y)
    return [bytes(share) + bytes([x]) for x, share in zip(columns, shares, strict=True)]


def _coordinates(parts: int, random: Callable[[int], bytes]) -> list[int]:
    """Return distinct x coordinates, in random order."""
    pool = list(range(1, 256))
    return [pool.pop(int.from_bytes(random(4), "big") % len(pool)) for _ in range(parts)]


def combine(parts: Sequence[bytes]) -> bytes:
    """Return the secret of these shares; too few or mixed shares yield other bytes, not an error.

    Raises ValueError, with the real server's text, for fewer than two shares, different lengths, or a repeated share.
    """
    if len(parts) < 2:
        raise ValueError("less than two parts cannot be used to reconstruct the secret")
    size = len(parts[0])
    if size < 2:
        raise ValueError("parts must be at least two bytes")
    if any(len(part) != size for part in parts[1:]):
        raise ValueError("all parts must be the same length")
    columns = [part[-1] for part in parts]
    if len(set(columns)) != len(columns):
        raise ValueError("duplicate part detected")
    weights = [_weight(columns, index) for index in range(len(columns))]
    secret = bytearray()
    for position in range(size - 1):
        value = 0
        for weight, part in zip(weights, parts, strict=True):
            value ^= _mul(weight, part[position])
        secret.append(value)
    return bytes(secret)


def _weight(columns: Sequence[int], index: int) -> int:
    """Return Lagrange's basis polynomial of one coordinate at 0."""
    weight, own = 1, columns[index]
    for other, x in enumerate(columns):
        if other != index:
            weight = _mul(weight, _div(x, x ^ own)) if x ^ own else 0
    return weight
