"""PEM, key encodings, hashes, and URL-safe base64."""

from __future__ import annotations

import base64
import hashlib
import subprocess

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from hypothesis import given, settings
from hypothesis import strategies as st

from mockkms.crypto import hashes
from mockkms.crypto.asymmetric import generate_ec, generate_ed25519, public_of
from mockkms.crypto.encoding import b64, encodings, pem
from mockkms.crypto.rsa import pool
from mockkms.vault.golang.fmt import quote
from mockkms.world.entropy import Entropy

RSA_KEY = pool.take(2048, Entropy(1), "text")
EC_KEY = generate_ec("P-521", Entropy(1))
ED_KEY = generate_ed25519(Entropy(1))


def parts(text: str) -> tuple[str, bytes, str, bool]:
    """Return label, content, what follows, and whether there are headers, of the first block of a text."""
    block = pem.decode(text)
    assert block is not None
    return block.label, block.der, block.rest, block.headers


@given(st.binary(max_size=300))
@settings(max_examples=50)
def test_pem_round(data: bytes) -> None:
    text = pem.encode("SOME THING", data)
    assert parts(f"before\n{text}after") == ("SOME THING", data, "after", False)


@pytest.mark.parametrize(
    "text",
    [
        "", "-----BEGIN X-----\nAAAA\n", "-----BEGIN X-----\nAAAA\n-----END Y-----\n",
        "-----BEGIN X-----\n!!!!\n-----END X-----\n", "x-----BEGIN X-----\nAAAA\n-----END X-----\n",
        "-----BEGIN X-----\nAAAA\n-----END X-----more\n", "-----BEGIN X-----\nAAAA-----END X-----\n",
        "-----BEGIN X-----\nAAA\u00e9\n-----END X-----\n",
    ],
)  # fmt: skip
def test_no_pem(text: str) -> None:
    assert pem.decode(text) is None


def test_pem_with_headers_and_windows_lines() -> None:
    text = "-----BEGIN X-----\r\nProc-Type: 4\r\nDEK-Info: a\r\n\r\nAAAA\r\n-----END X-----\r\nrest"
    assert parts(text) == ("X", b"\x00\x00\x00", "rest", True)
    assert parts("-----BEGIN X-----\n!\n-----END X-----\n-----BEGIN Y-----\nAAAA\n-----END Y-----") == (
        "Y", b"\x00\x00\x00", "", False,
    )  # fmt: skip


def test_lines_taken_for_headers_are_read_once() -> None:
    """Else the time grows with the square of the length: hours for a text of this one's."""
    lines = "-----BEGIN a:-----\n-----END b:-----\n" * 30_000
    assert pem.decode(f"{lines}x\n") is None
    assert pem.decode(f"{lines}-----BEGIN X-----\nAAAA\n-----END X-----") is None, "as in Go"


@pytest.mark.parametrize(("format", "begin"), [("", "-----BEGIN RSA PRIVATE"), ("pem", "-----BEGIN PRIVATE")])
def test_rsa_texts(format: str, begin: str) -> None:
    text = encodings.rsa_private_text(RSA_KEY, format)
    assert text.startswith(begin)
    assert text.endswith("-----\n")
    load_pem_private_key(text.encode(), None)
    command = ["openssl", "pkey", "-check", "-noout"]
    checked = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
    assert b"Key is valid" in checked.stdout
    assert base64.b64decode(encodings.rsa_private_text(RSA_KEY, "der")) == RSA_KEY


@pytest.mark.parametrize(("format", "begin"), [("", "-----BEGIN EC PRIVATE"), ("pem", "-----BEGIN PRIVATE")])
def test_ec_texts(format: str, begin: str) -> None:
    text = encodings.ec_private_text(EC_KEY, format)
    assert text.startswith(begin)
    assert text.endswith("-----")
    load_pem_private_key(text.encode(), None)
    load_pem_public_key(encodings.public_text(public_of(EC_KEY), format).encode())


def test_ed25519_texts() -> None:
    for format in ("", "raw"):
        assert base64.b64decode(encodings.ed25519_private_text(ED_KEY, format)) == ED_KEY
        assert base64.b64decode(encodings.ed25519_public_text(ED_KEY[32:], format)) == ED_KEY[32:]
    load_pem_private_key(encodings.ed25519_private_text(ED_KEY, "pem").encode(), None)
    load_pem_public_key(encodings.ed25519_public_text(ED_KEY[32:], "pem").encode())


@pytest.mark.parametrize(("name", "size"), hashes.SIZES.items())
def test_hashes(name: str, size: int) -> None:
    assert len(hashes.digest(name, b"x")) == size == hashes.algorithm(name).digest_size
    assert hashes.known(name)
    assert hashes.verify_hmac(b"key", b"x", hashes.sign_hmac(b"key", b"x", name), name)
    assert not hashes.verify_hmac(b"key", b"y", hashes.sign_hmac(b"key", b"x", name), name)


def test_hash_values() -> None:
    assert hashes.digest("sha3-256", b"x") == hashlib.sha3_256(b"x").digest()
    assert hashes.known("none")
    assert not hashes.known("md5")
    assert not hashes.known("SHA2-256")


@given(st.binary(max_size=50))
@settings(max_examples=50)
def test_url_base64(data: bytes) -> None:
    text = b64.encode_url(data)
    assert text == base64.urlsafe_b64encode(data).decode().rstrip("=")
    assert b64.decode_url(text) == data


@pytest.mark.parametrize("text", ["A", "AA=", "AA==", "A+", "A/", "é", "A A", "!!!!"])
def test_no_url_base64(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        b64.decode_url(text)


def test_line_breaks_in_url_base64_are_skipped() -> None:
    assert b64.decode_url("AA\r\nAA") == bytes(3)


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("", '""'), ("plain é ☃", '"plain é ☃"'), ('a"b\\c', r'"a\"b\\c"'), ("\n\t\x00\x7f", r'"\n\t\x00\x7f"'),
        ("\u200b", r'"\u200b"'), ("\U000e0001", r'"\U000e0001"'),
    ],
)  # fmt: skip
def test_quoting(text: str, quoted: str) -> None:
    assert quote(text) == quoted


def test_many_blocks_are_read_without_copies_of_what_follows() -> None:
    """With a copy of the rest for each, the time grows with the square of their number."""
    text = pem.encode("CERTIFICATE", b"\x30\x00") * 150_000
    assert sum(block.label == "CERTIFICATE" for block in pem.blocks(text)) == 150_000
    first = next(pem.blocks(text + "behind"))
    assert first.rest == text[first.end :] + "behind"
