"""The estimate of a JSON body's memory, against one made from the decoded body."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockkms.server.json_limits import cost
from mockkms.vault.golang import json as go_json

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=30
)


def estimate(value: object) -> int:
    """Bytes for a value: 88 for an object, 40 for an array, 32 and its text for a string, 24 for a number, 17 else."""
    if isinstance(value, dict):
        return 88 + sum(estimate(name) + estimate(inner) for name, inner in value.items())
    if isinstance(value, list):
        return 40 + sum(estimate(inner) for inner in value)
    if isinstance(value, str):
        return 32 + len(json.dumps(value).encode()) - 2
    return 17 if value is None or isinstance(value, bool) else 24


@given(value=values, indent=st.sampled_from([None, 2]))
def test_the_estimate_is_that_of_the_decoded_body(value: object, indent: int | None) -> None:
    body = json.dumps(value, indent=indent).encode()
    assert cost.memory(body) == estimate(value)
    assert cost.memory(body) <= cost.bound(body)


@pytest.mark.parametrize("strings", [0, 1, 999, 1000, 1001, 2500])
def test_bodies_of_many_strings_are_divided_at_their_ends(strings: int) -> None:
    value = [*(f'"{number}\\' for number in range(strings)), *range(2000)]
    assert cost.memory(json.dumps(value).encode()) == estimate(value)


@pytest.mark.parametrize("most", [0, 1, 999, 1000, 1001, 2000])
def test_the_number_of_strings_is_limited(most: int) -> None:
    allowed = json.dumps([str(number) for number in range(most)]).encode()
    assert cost.fault(allowed, most) is None
    more = json.dumps([str(number) for number in range(most + 1)]).encode()
    assert cost.fault(more, most) == "exceeded maximum number of strings"


@given(value=values, indent=st.sampled_from([None, 2]), most=st.integers(0, 12))
def test_a_fault_is_certain_before_decoding_whatever_follows_it(value: object, indent: int | None, most: int) -> None:
    """OpenBao reads tokens until a limit is exceeded (``http/util.go`` and its tests), and decodes afterwards."""
    body = json.dumps([value, *"abcdefghijklmno"], indent=indent).encode()
    assert cost.fault_before_decoding(body, most) == cost.fault(body, most) == "exceeded maximum number of strings"
    assert cost.fault_before_decoding(body + b"}", most) == "exceeded maximum number of strings"
    assert cost.fault_before_decoding(b"[," + body, most) is None


@pytest.mark.parametrize("item", [b"[]", b"{}", b"1", b"null", b"1.5", b"[{}, []]"])
def test_the_memory_is_estimated_before_decoding(item: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "MOST_MEMORY", 1_000_000)
    body = b'{"list": [' + b",".join([item] * 60_000)
    assert cost.fault_before_decoding(body, 1_000) == "exceeded maximum estimated memory limits"
    for broken in (b"{" + body, body.replace(b"[", b"[,", 1), body.replace(b",", b" ", 1)):
        assert cost.fault_before_decoding(broken, 1_000) is None
    assert cost.fault_before_decoding(b'{"list": [' + item + b"]}", 1_000) is None


@pytest.mark.parametrize(
    "text", ["[", "{", '{"a"', '{"a":', "[1,", '[{"a":[1,2', "[[1],", '{"a":{"b":1},', '["a" ', " [ "]
)
def test_beginnings_of_json(text: str) -> None:
    assert go_json.begins_valid(text.encode())


@pytest.mark.parametrize(
    "text", ["[,", "{,", '{"a",', "[1,,", "[1 2", "[-", "{1", "[:", '{"a":,', "tru", '["a', "[]x", "[NaN,"]
)
def test_texts_that_do_not_begin_a_json_document(text: str) -> None:
    assert not go_json.begins_valid(text.encode())


UNCLOSED = b'{"a":"' + b'a\\"' * 2_000_000


@pytest.mark.parametrize("body", [b'{"a":"', UNCLOSED, UNCLOSED + b"\\", b'"\\'])
def test_a_string_that_is_not_closed_is_read_once(body: bytes) -> None:
    """Read again from each quote in it, the long ones would take hours."""
    assert cost.fault_before_decoding(body, 1_000) is None
    assert cost.memory(body) <= 2 * 32 + len(body) + 88
