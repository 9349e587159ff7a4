"""RSA against the ``openssl`` program, and the bounds that Go keeps."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from mockkms.crypto import CryptoError
from mockkms.crypto.asymmetric import public_of
from mockkms.crypto.encoding import pem
from mockkms.crypto.hashes import HASHES
from mockkms.crypto.rsa import pool, rsa
from mockkms.world.entropy import Entropy

KEY = pool.take(2048, Entropy(1), "test")
PUBLIC = public_of(KEY)
DATA = b"the quick brown fox"


def digest(hash: str) -> bytes:
    return hashlib.new(HASHES[hash], DATA).digest()


def openssl(
    tmp_path: Path, options: list[str], signature: bytes | None, hash: str
) -> subprocess.CompletedProcess[bytes]:
    """Verify ``signature`` over ``DATA`` with openssl, or sign where there is none."""
    (tmp_path / "data").write_bytes(DATA)
    (tmp_path / "public").write_text(pem.encode("PUBLIC KEY", PUBLIC))
    (tmp_path / "private").write_text(pem.encode("PRIVATE KEY", KEY))
    act = ["-sign", "private"]
    if signature is not None:
        (tmp_path / "signature").write_bytes(signature)
        act = ["-verify", "public", "-signature", "signature"]
    name = HASHES[hash].replace("_", "-")
    return subprocess.run(
        ["openssl", "dgst", f"-{name}", *options, *act, "data"], cwd=tmp_path, capture_output=True, check=False
    )


@pytest.mark.parametrize("hash", HASHES)
def test_openssl_verifies_pkcs1v15(tmp_path: Path, hash: str) -> None:
    signature = rsa.sign_pkcs1v15(KEY, digest(hash), hash)
    assert openssl(tmp_path, [], signature, hash).stdout.strip() == b"Verified OK"
    assert rsa.verify_pkcs1v15(PUBLIC, digest(hash), signature, hash)
    assert not rsa.verify_pkcs1v15(PUBLIC, digest(hash)[::-1], signature, hash)


@pytest.mark.parametrize(("salt", "length"), [(rsa.SALT_AUTO, "max"), (rsa.SALT_HASH, "digest"), (7, "7")])
@pytest.mark.parametrize("hash", ["sha1", "sha2-256", "sha2-512"])
def test_openssl_verifies_pss(tmp_path: Path, hash: str, salt: int, length: str) -> None:
    signature = rsa.sign_pss(KEY, digest(hash), hash, salt)
    options = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", f"rsa_pss_saltlen:{length}"]
    assert openssl(tmp_path, options, signature, hash).stdout.strip() == b"Verified OK"


def test_signatures_of_openssl_verify(tmp_path: Path) -> None:
    options = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"]
    signature = openssl(tmp_path, options, None, "sha2-256").stdout
    assert rsa.verify_pss(PUBLIC, digest("sha2-256"), signature, "sha2-256", rsa.SALT_AUTO)
    assert rsa.verify_pss(PUBLIC, digest("sha2-256"), signature, "sha2-256", 32)
    assert not rsa.verify_pss(PUBLIC, digest("sha2-256"), signature, "sha2-256", 31)
    assert not rsa.verify_pss(PUBLIC, digest("sha2-256"), signature[:-1], "sha2-256")


@pytest.mark.parametrize("size", [0, 1, 32, 245])
def test_unhashed_signatures(tmp_path: Path, size: int) -> None:
    data = bytes(range(size))
    signature = rsa.sign_pkcs1v15(KEY, data, "none")
    (tmp_path / "s").write_bytes(signature)
    (tmp_path / "p").write_text(pem.encode("PUBLIC KEY", PUBLIC))
    recovered = subprocess.run(
        ["openssl", "pkeyutl", "-verifyrecover", "-pubin", "-inkey", "p", "-in", "s"],
        cwd=tmp_path, capture_output=True, check=True,
    )  # fmt: skip
    assert recovered.stdout == data
    assert rsa.verify_pkcs1v15(PUBLIC, data, signature, "none")
    assert not rsa.verify_pkcs1v15(PUBLIC, data + b"x", signature, "none")


def test_inputs_of_the_wrong_size() -> None:
    with pytest.raises(CryptoError, match="input must be hashed with given hash"):
        rsa.sign_pss(KEY, b"short", "sha2-256")
    with pytest.raises(CryptoError, match="input must be hashed message"):
        rsa.sign_pkcs1v15(KEY, b"short", "sha2-256")
    with pytest.raises(CryptoError, match="message too long for RSA key size"):
        rsa.sign_pkcs1v15(KEY, bytes(246), "none")
    assert not rsa.verify_pss(PUBLIC, b"short", bytes(256), "sha2-256")
    assert not rsa.verify_pkcs1v15(PUBLIC, b"short", bytes(256), "sha2-256")
    assert not rsa.verify_pkcs1v15(PUBLIC, b"short", b"", "none")


def test_longest_salt() -> None:
    longest = rsa.max_salt(2048, "sha2-256")
    assert longest == 222
    signature = rsa.sign_pss(KEY, digest("sha2-256"), "sha2-256", longest)
    assert rsa.verify_pss(PUBLIC, digest("sha2-256"), signature, "sha2-256", longest)


@pytest.mark.parametrize("hash", ["sha1", "sha2-256", "sha2-512"])
def test_oaep(hash: str) -> None:
    assert rsa.decrypt_oaep(KEY, rsa.encrypt_oaep(PUBLIC, DATA, hash), hash) == DATA
    with pytest.raises(CryptoError, match="crypto/rsa: decryption error"):
        rsa.decrypt_oaep(KEY, bytes(256), hash)
    with pytest.raises(CryptoError, match="crypto/rsa: decryption error"):
        rsa.decrypt_oaep(KEY, b"", hash)
    with pytest.raises(CryptoError, match="message too long for RSA key size"):
        rsa.encrypt_oaep(PUBLIC, bytes(300), hash)
