"""Prime numbers for the RSA keys of seeded worlds: any two of one size make a key, so 32 give 496 keys.

They are public and some keys share one: these keys repeat from run to run and machine to machine, and guard nothing.

Each is the first suitable number after the digest of a text, which is found in microseconds if its distance is known.
"""

from __future__ import annotations

import hashlib
from functools import cache


@cache
def primes(bits: int) -> tuple[int, ...]:
    """Return the primes for keys of 2048, 3072 or 4096 ``bits``, in a fixed order. Raises KeyError for other sizes."""
    return tuple(_start(bits, place) + 2 * distance for place, distance in enumerate(_DISTANCES[bits]))


def _start(bits: int, place: int) -> int:
    """Return the odd number of half the bits from which on a prime was searched.

    Its two highest bits are set, so that the product of two primes has all bits.
    """
    digest = hashlib.shake_256(f"mockkms RSA {bits} {place}".encode()).digest(bits // 16)
    return int.from_bytes(digest, "big") | 3 << bits // 2 - 2 | 1


# fmt: off
_DISTANCES = {
    2048: (
        139, 269, 290, 222, 757, 293, 85, 3, 415, 67, 213, 146, 176, 138, 1261, 679, 299, 270, 426, 447,
        609, 158, 9, 823, 243, 683, 420, 805, 707, 501, 664, 637,
    ),
    3072: (
        160, 540, 98, 1133, 400, 240, 434, 771, 189, 1633, 2204, 662, 1720, 75, 539, 869, 178, 367, 90, 34,
        666, 1022, 201, 40, 788, 16, 1141, 33, 140, 241, 1022, 205,
    ),
    4096: (
        134, 593, 691, 243, 180, 296, 401, 869, 1218, 683, 456, 341, 795, 721, 451, 1307, 819, 1659, 413,
        238, 100, 555, 346, 353, 53, 193, 38, 1242, 773, 467, 166, 431,
    ),
}
# fmt: on
"""Half the distance of each prime ``p`` from its start: the first one for which 65537 does not divide ``p - 1``."""
