"""AEAD against published vectors and another library."""

from __future__ import annotations

import nacl.bindings
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockkms.crypto import CryptoError, aead


def test_hchacha20_of_the_draft() -> None:
    nonce = bytes.fromhex("000000090000004a0000000031415927")
    subkey = "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc"
    assert aead.hchacha20(bytes(range(32)), nonce).hex() == subkey


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=24, max_size=24), st.binary(), st.binary())
def test_xchacha20_as_libsodium_does_it(key: bytes, nonce: bytes, text: bytes, extra: bytes) -> None:
    sealed = aead.seal("xchacha20-poly1305", key, nonce, text, extra)
    assert sealed[:24] == nonce
    assert nacl.bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(sealed[24:], extra, nonce, key) == text
    assert aead.open_sealed("xchacha20-poly1305", key, sealed, extra) == text


@pytest.mark.parametrize("algorithm", list(aead.NONCE_SIZES))
def test_truncated_input_is_refused(algorithm: str) -> None:
    sealed = aead.seal(algorithm, bytes(32), bytes(aead.NONCE_SIZES[algorithm]), b"text")
    for size in range(len(sealed)):
        with pytest.raises(CryptoError, match="message authentication failed"):
            aead.open_sealed(algorithm, bytes(32), sealed[:size])
