"""Shares combine back to the secret, fewer or wrong ones do not."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockkms.vault.seals import shamir


@given(
    secret=st.binary(min_size=1, max_size=40),
    counts=st.tuples(st.integers(2, 9), st.integers(2, 9)).filter(lambda c: c[0] >= c[1]),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=60)
def test_any_threshold_of_shares_gives_the_secret_back(secret: bytes, counts: tuple[int, int], seed: int) -> None:
    parts, threshold = counts
    rng = random.Random(seed)
    shares = shamir.split(secret, parts, threshold, rng.randbytes)
    assert len({share[-1] for share in shares}) == parts
    assert all(len(share) == len(secret) + 1 and share[-1] for share in shares)
    assert shamir.combine(rng.sample(shares, threshold)) == secret
    assert shamir.combine(rng.sample(shares, parts)) == secret


def test_fewer_shares_than_the_threshold_give_something_else() -> None:
    secret = bytes(range(32))
    shares = shamir.split(secret, 5, 3, random.Random(1).randbytes)
    assert shamir.combine(shares[:2]) != secret


def test_shares_are_points_of_a_polynomial_over_the_aes_field() -> None:
    # f(x) = 0x53 + 0xCA x over GF(2^8): 0x53 * 0xCA = 1 there, so f(0x53) = 0x53 ^ 1.
    share = bytes([0x53 ^ 0x01, 0x53])
    other = bytes([0x53 ^ 0xCA, 0x01])
    assert shamir.combine([share, other]) == b"\x53"


def test_refusals_have_the_servers_texts() -> None:
    one = b"\x01\x01"
    for parts, text in (
        ([one], "less than two parts cannot be used to reconstruct the secret"),
        ([b"\x01", b"\x02"], "parts must be at least two bytes"),
        ([one, b"\x01\x02\x03"], "all parts must be the same length"),
        ([one, b"\x07\x01"], "duplicate part detected"),
    ):
        with pytest.raises(ValueError, match=text):
            shamir.combine(parts)


@pytest.mark.parametrize(("parts", "threshold"), [(1, 2), (256, 2), (3, 1)])
def test_impossible_counts_are_refused(parts: int, threshold: int) -> None:
    with pytest.raises(ValueError, match=r"part|threshold"):
        shamir.split(b"secret", parts, threshold, random.Random(0).randbytes)


def test_an_empty_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        shamir.split(b"", 3, 2, random.Random(0).randbytes)
