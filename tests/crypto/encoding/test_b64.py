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
def test_errors_name_the_byte(text: str, at: int) -> None:
    with pytest.raises(ValueError, match=f"^illegal base64 data at input byte {at}$"):
        b64.decode(text)


@pytest.mark.parametrize(
    ("text", "at"), [("x", 0), ("YWJjY", 4), ("YQ==", 2), ("YW Jj", 2), ("Y\n", 1), ("_-8", 0), ("YWJj\u00e9", 4)]
)
def test_errors_without_padding(text: str, at: int) -> None:
    with pytest.raises(ValueError, match=f"^illegal base64 data at input byte {at}$"):
        b64.decode_raw(text)
    assert b64.decode_raw("YWJ\njZA") == b"abcd"


@pytest.mark.parametrize("size", [0, 1, 2, 3, 16, 47, 48, 49, 50, 200])
def test_long_texts_are_converted_in_pieces(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(b64, "_PIECE", 16)
    raw = bytes(range(size))
    text = b64.encode(raw)
    assert text == base64.b64encode(raw).decode()
    assert b64.decode(text) == raw
    assert b64.decode("\n".join(text[at : at + 7] for at in range(0, len(text), 7))) == raw
    faults = [text[:at] + harm + text[at + 1 :] for at in range(0, len(text), 5) for harm in ("=", "!", "")]
    in_pieces = [_decoded(harmed) for harmed in faults]
    monkeypatch.undo()
    assert in_pieces == [_decoded(harmed) for harmed in faults]


def _decoded(text: str) -> object:
    try:
        return b64.decode(text)
    except ValueError as error:
        return str(error)
