"""The type of a body as Go reads it, and what a body may cost."""

from __future__ import annotations

import pytest

from mockkms.server.gateway.media_type import parse_media_type
from mockkms.server.json_limits import cost


@pytest.mark.parametrize(
    ("text", "media"),
    [
        ("application/json", "application/json"),
        (" Application/JSON ; charset=utf-8", "application/json"),
        ('a/b; x="y;\\"z"; x="y;\\"z"', "a/b"),
        ("a/b;", "a/b"),
        ("json", "json"),
    ],
)
def test_a_media_type_is_read(text: str, media: str) -> None:
    assert parse_media_type(text) == media


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "mime: no media type"),
        ("/x", "mime: no media type"),
        ("a b/c", "mime: expected slash after first token"),
        ("application/", "mime: expected token after slash"),
        ("a/b/c", "mime: unexpected content after media subtype"),
        ("a/b; charset", "mime: invalid media parameter"),
        ("a/b; charset=", "mime: invalid media parameter"),
        ("a/b; x=1; X=2", "mime: duplicate parameter name"),
    ],
)
def test_a_bad_media_type_is_refused_with_gos_text(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=f"^{fault}$"):
        parse_media_type(text)


def test_the_limit_that_a_body_exceeds_first_is_reported() -> None:
    few, many = b'["a",' + b"1," * 10, b'["a"' + b',"b"' * 20
    costly = b"{}," * 400_000
    assert cost.fault(few, 10) is None
    assert cost.fault(many, 10) == "exceeded maximum number of strings"
    assert cost.fault(costly + many, 10) == "exceeded maximum estimated memory limits"
    assert cost.fault(many + costly, 10) == "exceeded maximum number of strings"


def test_long_texts_cost_their_length_alone() -> None:
    assert cost.fault(b'["' + b"," * 20_000_000 + b'"]', 10) is None
