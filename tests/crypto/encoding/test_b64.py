"""Base64 as Go's StdEncoding reads it; the expected answers were given by Go."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockkms.crypto.encoding import b64


@given(st.binary())
def test_what_is_encoded_decodes(raw: bytes) -> None:
    text = b64.encode(raw)
    assert text == base64.b64encode(raw).decode()
    assert b64.decode(text) == raw
    assert b64.decode("\r\n".join(text) + "\n") == raw


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("not base64", 3), ("YWJj==", 4), ("YWJ", 0), ("_-8=", 0), ("!!", 0), ("=", 0), ("A===", 1), ("AA=A", 2),
        ("AA=", 3), ("AAA=A", 4), ("AA==\n=", 5), ("YWJjY", 4), ("YWJj\u00e9", 4), ("A\n=", 2),
    ],
)  # fmt: skip
def test_faults_name_their_byte(text: str, at: int) -> None:
    with pytest.raises(ValueError, match=f"^illegal base64 data at input byte {at}$"):
        b64.decode(text)
