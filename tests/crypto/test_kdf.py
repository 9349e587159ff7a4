"""Key derivation against RFC 5869 and the published form of the counter mode."""

from __future__ import annotations

import hmac

from mockkms.crypto import kdf


def test_hkdf_of_the_rfc() -> None:
    key, salt, info = bytes([0x0B] * 22), bytes(range(13)), bytes(range(0xF0, 0xFA))
    expected = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    assert kdf.hkdf_sha256(key, salt, info, 42).hex() == expected
    without = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    assert kdf.hkdf_sha256(key, b"", b"", 42).hex() == without


def test_counter_mode_counts_from_zero_and_ends_with_the_size() -> None:
    block = hmac.digest(b"k", bytes(4) + b"context" + (256).to_bytes(4, "big"), "sha256")
    assert kdf.counter_sha256(b"k", b"context") == block
    assert kdf.counter_sha256(b"k", b"context", 48)[32:] != block[:16]
