"""Kerberos encryption, by the test vectors of RFC 3961, RFC 3962 and RFC 8009."""

from __future__ import annotations

import os

import pytest

from mockkms.vault.auth.kerberos.encryption import decrypt, derived_sha2, fold, unsteal
from tests.vault.auth.kerberos import kdc

_KEY = b"chicken teriyaki"
_TEXT = b"I would like the General Gau's Chicken, please, and wonton soup."


@pytest.mark.parametrize(
    ("text", "size", "folded"),
    [
        ("012345", 8, "be072631276b1955"),
        ("password", 7, "78a07b6caf85fa"),
        ("Rough Consensus, and Running Code", 8, "bb6ed30870b7f0e0"),
        ("kerberos", 16, "6b65726265726f737b9b5b2b93132b93"),
    ],
)
def test_folding(text: str, size: int, folded: str) -> None:
    """RFC 3961, appendix A.1."""
    assert fold(text.encode(), size).hex() == folded


@pytest.mark.parametrize(
    ("length", "cipher"),
    [
        (17, "c6353568f2bf8cb4d8a580362da7ff7f97"),
        (31, "fc00783e0efdb2c1d445d4c8eff7ed2297687268d6ecccc0c07b25e25ecfe5"),
        (32, "39312523a78662d5be7fcbcc98ebf5a897687268d6ecccc0c07b25e25ecfe584"),
        (47, "97687268d6ecccc0c07b25e25ecfe584b3fffd940c16a18c1b5549d2f838029e39312523a78662d5be7fcbcc98ebf5"),
    ],
)
def test_ciphertext_stealing(length: int, cipher: str) -> None:
    """RFC 3962, appendix B."""
    assert unsteal(_KEY, bytes.fromhex(cipher)) == _TEXT[:length]
    assert kdc.steal(_KEY, _TEXT[:length]).hex() == cipher


def test_the_keys_of_sha2() -> None:
    """RFC 8009, appendix A: keys for key usage 2."""
    key = bytes.fromhex("3705d96080c17728a0e800eab6e0d23c")
    assert derived_sha2(key, 2, b"\xaa", 16).hex() == "9b197dd1e8c5609d6e67c3e37c62c72e"
    assert derived_sha2(key, 2, b"\x55", 16).hex() == "9fda0e56ab2d85e1569a688696c26a6c"


@pytest.mark.parametrize(
    ("kind", "key", "cipher"),
    [
        (
            19,
            "3705d96080c17728a0e800eab6e0d23c",
            "ef85fb890bb8472f4dab20394dca781dad877eda39d50c870c0d5a0a8e48c718",
        ),
        (
            20,
            "6d404d37faf79f9df0d33568d320669800eb4836472ea8a026d16b7182460c52",
            "41f53fa5bfe7026d91faf9be959195a058707273a96a40f0a01960621ac612748b9bbfbe7eb4ce3c",
        ),
    ],
)
def test_messages_of_sha2(kind: int, key: str, cipher: str) -> None:
    """RFC 8009, appendix A: encryptions of the empty message."""
    assert decrypt(kind, bytes.fromhex(key), 2, bytes.fromhex(cipher)) == b""


@pytest.mark.parametrize(("kind", "size"), [(17, 16), (18, 32), (19, 16), (20, 32), (23, 16)])
def test_what_another_key_encrypted_is_refused(kind: int, size: int) -> None:
    for length in (0, 1, 16, 33):
        key, plain = os.urandom(size), os.urandom(length)
        sealed = kdc.encrypt(kind, key, 2, plain)
        assert decrypt(kind, key, 2, sealed) == plain
        for wrong in (
            lambda: decrypt(kind, os.urandom(size), 2, sealed),  # noqa: B023 - called at once.
            lambda: decrypt(kind, key, 11, sealed),  # noqa: B023
            lambda: decrypt(kind, key, 2, sealed[:-1] + bytes([sealed[-1] ^ 1])),  # noqa: B023
        ):
            with pytest.raises(ValueError, match="integrity verification failed"):
                wrong()


def test_unknown_types_and_short_texts() -> None:
    with pytest.raises(ValueError, match="unknown or unsupported EType: 1"):
        decrypt(1, b"", 2, b"")
    with pytest.raises(ValueError, match="incorrect keysize"):
        decrypt(18, b"x", 2, b"")
    for kind, size in ((18, 32), (20, 32), (23, 16)):
        with pytest.raises(ValueError, match="ciphertext too short"):
            decrypt(kind, bytes(size), 2, b"x")
