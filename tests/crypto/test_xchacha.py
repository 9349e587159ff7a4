"""XChaCha20-Poly1305 against PyNaCl."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
)

from mockkms.crypto import CryptoError, aead

NAME = "xchacha20-poly1305"


@given(
    key=st.binary(min_size=32, max_size=32),
    nonce=st.binary(min_size=24, max_size=24),
    text=st.binary(max_size=200),
    extra=st.binary(max_size=40),
)
@settings(max_examples=50)
def test_same_as_nacl(key: bytes, nonce: bytes, text: bytes, extra: bytes) -> None:
    sealed = aead.seal(NAME, key, nonce, text, extra)
    assert sealed == nonce + crypto_aead_xchacha20poly1305_ietf_encrypt(text, extra, nonce, key)
    assert crypto_aead_xchacha20poly1305_ietf_decrypt(sealed[24:], extra, nonce, key) == text
    assert aead.open_sealed(NAME, key, sealed, extra) == text


def test_hchacha20_of_the_draft() -> None:
    key = bytes(range(32))
    nonce = bytes.fromhex("000000090000004a0000000031415927")
    assert aead.hchacha20(key, nonce).hex() == "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc"


def test_modified_input_is_refused() -> None:
    sealed = aead.seal(NAME, bytes(32), bytes(24), b"text")
    with pytest.raises(CryptoError, match="chacha20poly1305: message authentication failed"):
        aead.open_sealed(NAME, bytes(32), sealed[:-1] + bytes((sealed[-1] ^ 1,)))
