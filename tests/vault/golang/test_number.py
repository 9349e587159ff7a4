"""Thousands of digits, which Python refuses to read, are numbers out of range, as in Go."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mockkms.crypto.encoding.der_write import parse_oid
from mockkms.vault.auth.claims import claim
from mockkms.vault.framework.fields import Kind, convert
from mockkms.vault.golang import cron
from mockkms.vault.golang.duration import parse_go, parse_seconds
from mockkms.vault.golang.integers import int64, parse_int, parse_uint
from mockkms.vault.golang.number import of_digits

MANY = "9" * 5000
ZEROS = "0" * 5000


@pytest.mark.parametrize(
    ("read", "fault"),
    [
        (lambda: convert(Kind.INT, MANY), "value out of range"),
        (lambda: convert(Kind.INT, "0x" + "f" * 5000), "value out of range"),
        (lambda: parse_int(MANY), "value out of range"),
        (lambda: parse_int("-" + MANY), "value out of range"),
        (lambda: parse_uint(MANY), "value out of range"),
        (lambda: parse_uint("7" * 5000, base=8, bits=32), "value out of range"),
        (lambda: parse_oid(f"1.2.{MANY}"), "value out of range"),
        (lambda: parse_oid(f"1.2.-{MANY}"), "value out of range"),
        (lambda: parse_go(f"{MANY}h"), "invalid duration"),
        (lambda: cron.parse(f"{MANY} * * * *"), "value out of range"),
    ],
)
def test_thousands_of_digits_are_out_of_range(read: Callable[[], object], fault: str) -> None:
    with pytest.raises(ValueError, match=fault) as caught:
        read()
    assert "4300" not in str(caught.value)


def test_leading_zeros_do_not_count() -> None:
    assert of_digits(f"{ZEROS}12") == 12
    assert of_digits("") == 0
    assert of_digits(f"{ZEROS}ff", 16) == 255
    assert parse_int(f"-{ZEROS}12") == -12
    assert parse_oid(f"1.2.{ZEROS}12") == (1, 2, 12)
    assert parse_go(f"{ZEROS}2h") == parse_seconds("2h") == 7200


@pytest.mark.parametrize("text", ["", "+", "x", "1_000", "٣", " 1", "0x1", "1.0"])
def test_other_texts_are_no_numbers(text: str) -> None:
    assert int64(text) is None
    with pytest.raises(ValueError, match=r'^strconv\.Atoi: parsing ".*": invalid syntax$'):
        parse_int(text, "Atoi")
    with pytest.raises(ValueError, match=r'^strconv\.ParseUint: parsing ".*": invalid syntax$'):
        parse_uint(text)


def test_the_limits_are_those_of_64_bits() -> None:
    assert parse_int("9223372036854775807") == 2**63 - 1
    assert parse_int("-9223372036854775808") == -(2**63)
    assert int64("9223372036854775808") is None
    assert parse_uint("18446744073709551615") == 2**64 - 1
    with pytest.raises(ValueError, match="value out of range"):
        parse_uint("18446744073709551616")
    with pytest.raises(ValueError, match="invalid syntax"):
        parse_uint("+1")


def test_a_pointer_beyond_the_items_of_a_claim_names_nothing() -> None:
    assert claim({"groups": ["a"]}, f"/groups/{MANY}") is None
    assert claim({"groups": ["a"]}, f"/groups/{ZEROS}") == "a"
