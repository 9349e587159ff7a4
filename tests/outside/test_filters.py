"""Filters on the wire, byte by byte."""

from __future__ import annotations

import pytest

from mockkms.outside import ber, filters


@pytest.mark.parametrize(
    ("text", "wire"),
    [
        ("(objectClass=*)", "870b6f626a656374436c617373"),
        ("(a=b)", "a306040161040162"),
        ("(a>=b)", "a506040161040162"),
        ("(a<=b)", "a606040161040162"),
        ("(a~=b)", "a806040161040162"),
        (r"(a=\2ab)", "a30704016104022a62"),
        ("(&(a=b)(!(c=d)))", "a012a306040161040162a208a306040163040164"),
        ("(|(a=b))", "a108a306040161040162"),
        ("(a=x*y*z)", "a40e0401613009800178810179820 17a".replace(" ", "")),
        ("(a=*y*)", "a4080401613003810179"),
        ("(m:1.2:=v)", "a90b8103312e3282016d830176"),
        ("(m:dn:=v)", "a90982016d8301768401ff"),
    ],
)
def test_a_filter_is_encoded(text: str, wire: str) -> None:
    assert filters.encoded(text).hex() == wire


@pytest.mark.parametrize("text", ["", "a=b", "(a=b", "(a=b))", "(a)", "(!(a=b)(c=d))", "((a=b)(c=d))", "(&(a=b)"])
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"filter|negation"):
        filters.encoded(text)


def test_values_are_escaped() -> None:
    assert filters.escaped("a*(b)\\ü\0") == r"a\2a\28b\29\5c\c3\bc\00"
    assert filters.encoded(f"(a={filters.escaped('*)ü')})") == ber.tlv(0xA3, ber.text("a"), ber.text("*)ü"))


def test_lengths_take_as_many_bytes_as_they_need() -> None:
    for size in (0, 127, 128, 255, 256, 70000):
        made = ber.text(b"x" * size)
        assert list(ber.elements(made)) == [(ber.TEXT, b"x" * size)]
        with pytest.raises(ValueError, match="cut off"):
            list(ber.elements(made[:-1]))
    assert ber.integer(128).hex() == "02020080"
    with pytest.raises(ValueError, match="a length"):
        ber.head(b"\x04\x80\x00\x00")
