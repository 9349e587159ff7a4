"""Thousands of digits, which Python refuses to read, are numbers out of range, as in Go."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mockkms.vault.framework.fields import Kind, convert
from mockkms.vault.golang import cron
from mockkms.vault.golang.duration import parse_go, parse_int64, parse_seconds
from mockkms.vault.golang.number import of_digits

MANY = "9" * 5000
ZEROS = "0" * 5000


@pytest.mark.parametrize(
    ("read", "fault"),
    [
        (lambda: convert(Kind.INT, MANY), "value out of range"),
        (lambda: convert(Kind.INT, "0x" + "f" * 5000), "value out of range"),
        (lambda: parse_int64(MANY), "value out of range"),
        (lambda: parse_int64("-" + MANY), "value out of range"),
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
    assert parse_int64(f"-{ZEROS}12") == -12
    assert parse_go(f"{ZEROS}2h") == parse_seconds("2h") == 7200
