"""ECDSA against the ``openssl`` program and PyJWT, with digests of every length."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from mockkms.crypto import CryptoError, ecdsa
from mockkms.crypto.asymmetric import CURVES, ORDERS, ec_private, generate_ec, load_public, public_of
from mockkms.crypto.encoding import b64, pem
from mockkms.crypto.hashes import HASHES
from mockkms.world.entropy import Entropy

KEYS = {curve: generate_ec(curve, Entropy(1), curve) for curve in CURVES}


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("hash", ["sha1", "sha2-256", "sha2-512", "sha3-384"])
def test_openssl_verifies(tmp_path: Path, curve: str, hash: str) -> None:
    signature = ecdsa.sign(KEYS[curve], hashlib.new(HASHES[hash], b"data").digest())
    (tmp_path / "data").write_bytes(b"data")
    (tmp_path / "signature").write_bytes(signature)
    (tmp_path / "public").write_text(pem.encode("PUBLIC KEY", public_of(KEYS[curve])))
    name = HASHES[hash].replace("_", "-")
    done = subprocess.run(
        ["openssl", "dgst", f"-{name}", "-verify", "public", "-signature", "signature", "data"],
        cwd=tmp_path, capture_output=True, check=False,
    )  # fmt: skip
    assert done.stdout.strip() == b"Verified OK"


@pytest.mark.parametrize(("curve", "algorithm"), [("P-256", "ES256"), ("P-384", "ES384"), ("P-521", "ES512")])
def test_jws_signatures_make_tokens(curve: str, algorithm: str) -> None:
    head = b64.encode_url(f'{{"alg":"{algorithm}","typ":"JWT"}}'.encode())
    signing = head + "." + b64.encode_url(b'{"sub":"me"}')
    digest = hashlib.new(f"sha{algorithm[2:]}", signing.encode()).digest()
    token = f"{signing}.{b64.encode_url(ecdsa.sign(KEYS[curve], digest, jws=True))}"
    public = load_public(public_of(KEYS[curve]))
    assert isinstance(public, ec.EllipticCurvePublicKey)
    assert jwt.decode(token, public, algorithms=[algorithm]) == {"sub": "me"}


@given(curve=st.sampled_from(sorted(CURVES)), digest=st.binary(min_size=1, max_size=100), jws=st.booleans())
@settings(max_examples=60)
def test_any_digest_signs_and_verifies(curve: str, digest: bytes, jws: bool) -> None:
    public = public_of(KEYS[curve])
    signature = ecdsa.sign(KEYS[curve], digest, jws=jws)
    assert ecdsa.verify(public, digest, signature, jws=jws)
    assert not ecdsa.verify(public, bytes((digest[0] ^ 1,)) + digest[1:], signature, jws=jws)


@pytest.mark.parametrize(("curve", "size"), [("P-256", 32), ("P-384", 48), ("P-521", 66)])
def test_only_the_leftmost_bits_count(curve: str, size: int) -> None:
    public, digest = public_of(KEYS[curve]), bytes(range(size))
    assert ecdsa.verify(public, digest + b"more", ecdsa.sign(KEYS[curve], digest))


def test_the_521_bit_digest_is_the_number_cut_to_the_order() -> None:
    """The equation of ECDSA, computed by hand: u1·G + u2·Q has r as its x."""
    key, digest = KEYS["P-521"], bytes((0xA5,)) * 80
    raw = ecdsa.sign(key, digest, jws=True)
    r, s = int.from_bytes(raw[:66], "big"), int.from_bytes(raw[66:], "big")
    order = ORDERS["P-521"]
    number = int.from_bytes(digest[:66], "big") >> 7
    secret = ec_private(key).private_numbers().private_value
    nonce = (number + r * secret) * pow(s, -1, order) % order
    assert ec.derive_private_key(nonce, ec.SECP521R1()).public_key().public_numbers().x % order == r


@pytest.mark.parametrize(
    ("signature", "text"),
    [
        (b"", "supplied signature is invalid"),
        (b"\x30\x03\x02\x01\x01", "supplied signature is invalid"),
        (b"\x30\x06\x02\x01\x01\x02\x01", "supplied signature is invalid"),
        (b"\x30\x07\x02\x02\x00\x01\x02\x01\x01", "supplied signature is invalid"),
        (b"\x30\x06\x02\x01\x01\x02\x01\x01\x00", "supplied signature contains extra data"),
    ],
)
def test_malformed_asn1(signature: bytes, text: str) -> None:
    with pytest.raises(CryptoError, match=text):
        ecdsa.verify(public_of(KEYS["P-256"]), bytes(32), signature)


@pytest.mark.parametrize("signature", [b"", b"x", bytes(64), b"\xff" * 64, b"\xff" * 63, b"\xff" * 500])
def test_a_malformed_jws_signature_is_invalid(signature: bytes) -> None:
    assert not ecdsa.verify(public_of(KEYS["P-256"]), bytes(32), signature, jws=True)


def test_signatures_with_numbers_out_of_range_are_invalid() -> None:
    assert not ecdsa.verify(public_of(KEYS["P-256"]), bytes(32), b"\x30\x06\x02\x01\x00\x02\x01\x01")
    assert not ecdsa.verify(public_of(KEYS["P-256"]), bytes(32), b"\x30\x06\x02\x01\xff\x02\x01\x01")
