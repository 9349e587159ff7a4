"""Long JSON is scanned in pieces, and strings without faults in one call: what is found is the same."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mockkms.server.json_limits import limits
from mockkms.vault.golang import json as go_json

VALUES = st.recursive(
    st.text(max_size=12) | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)
SPOILERS = [b"", b"\\", b'"', b"\x01", b"\\u12", b"\\x", b"\\ud83d", b"1", b",", b"\xff", b" " * 9]


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Valid JSON, cut or spoilt somewhere, or left as it is."""
    body = json.dumps([draw(VALUES)], ensure_ascii=draw(st.booleans())).encode()
    at = draw(st.integers(0, len(body)))
    return body[:at] + draw(st.sampled_from(SPOILERS)) + (b"" if draw(st.booleans()) else body[at:])


def error(body: bytes, *, whole: bool) -> str:
    """The first fault by Go's scanner."""
    scanner = go_json.Scanner(body)
    scanner.whole = whole
    try:
        scanner.run()
    except go_json.GoJSONError as found:
        return f"{found} at {scanner.at}"
    return ""


@pytest.mark.parametrize("piece", [1, 2, 5, 7])
@given(body=bodies(), whole=st.booleans())
@example(body=b'["\\u0041\\n\\u00e9"]', whole=True)
def test_pieces_find_the_same_error(piece: int, body: bytes, whole: bool) -> None:
    expected = error(body, whole=whole)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(go_json, "_PIECE", piece)
        assert error(body, whole=whole) == expected


class PartByPart(limits._Strict):
    """Reads every string part by part."""

    def good_string(self) -> bool:
        return False


@given(body=bodies(), cut=st.booleans(), longest=st.integers(3, 20))
@example(body=b'["a\\ud83d"]', cut=False, longest=20)
@example(body=b'["a\\\\ud83d"]', cut=False, longest=20)
@example(body=b'["abcd"]', cut=False, longest=4)
@example(body=b'["abcd"]', cut=False, longest=3)
def test_whole_strings_are_as_strings_part_by_part(body: bytes, cut: bool, longest: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "MAX_STRING", longest)
        found = limits.fault(body, strict=True, cut=cut)
        patch.setattr(limits, "_Strict", PartByPart)
        assert limits.fault(body, strict=True, cut=cut) == found
