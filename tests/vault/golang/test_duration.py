"""Durations as Go reads them, at the edges of what it can hold."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockkms.vault.golang.duration import go_duration, parse_seconds


@pytest.mark.parametrize(
    ("text", "seconds"), [("", 0), ("90", 90), ("-5", -5), ("2d", 172800), ("1h30m", 5400), ("1.5s", 1.5), ("+3", 3)]
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("bad", 'strconv.ParseInt: parsing "ba": invalid syntax'),
        ("d", 'strconv.ParseInt: parsing "": invalid syntax'),
        ("9" * 30 + "d", f'strconv.ParseInt: parsing "{"9" * 30}": value out of range'),
        ("x", 'time: invalid duration "x"'),
        ("1.5", 'time: missing unit in duration "1.5"'),
        ("9" * 20, f'time: invalid duration "{"9" * 20}"'),
        ('1"h', 'time: unknown unit "\\"h" in duration "1\\"h"'),
        ("1ü", r'time: unknown unit "\xc3\xbc" in duration "1\xc3\xbc"'),
        ("9999999999", "multiplication of durations resulted in overflow, one operand may be too large"),
        ("9999999999h", 'time: invalid duration "9999999999h"'),
    ],
)
def test_errors_have_gos_texts(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(fault)}$"):
        parse_seconds(text)


@given(st.one_of(st.integers(), st.text(max_size=30), st.integers().map(lambda n: f"{n}d")))
def test_whatever_is_read_fits_into_64_bits_of_nanoseconds(value: object) -> None:
    try:
        seconds = parse_seconds(value)
    except ValueError:
        return
    assert abs(seconds) <= 9_223_372_037


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.001, "1ms"), (-0.0015, "-1.5ms"), (0.1, "100ms"), (2e-6, "2µs"), (1e-9, "1ns"), (1e-12, "0s"),
     (1.5, "1.5s"), (90, "1m30s"), (-3600, "-1h0m0s"), (3600.25, "1h0m0.25s")],
)  # fmt: skip
def test_durations_are_printed(seconds: float, text: str) -> None:
    assert go_duration(seconds) == text
