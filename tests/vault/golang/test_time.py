"""Times as Go's ``time.Parse`` takes them for RFC 3339."""

from __future__ import annotations

import pytest

from mockkms.vault.golang import time

NOON = time.parse("2027-03-01T12:00:00Z")


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("2027-03-01T9:00:00Z", -3),
        ("2027-03-01T12:00:00+02:00", -2),
        ("2027-03-01T12:00:00-23:59", 24 - 1 / 60),
        ("2027-03-01T12:00:00+24:00", -24),
        ("2027-03-01T12:00:00,5Z", 0.5 / 3600),
    ],
)
def test_times(text: str, hours: float) -> None:
    assert time.parse(text) == pytest.approx(NOON + hours * 3600)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("2027-03-01T24:00:00Z", ": hour out of range"),
        ("2027-02-30T9:00:00Z", ": day out of range"),
        ("2027-03-01T12:00:00+25:00", ": time zone offset hour out of range"),
        ("2027-03-01T12:00:00+01:61", ": time zone offset minute out of range"),
        ("2027-03-01T12:00:00Zx", ': extra text: "x"'),
    ],
)
def test_faults(text: str, fault: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        time.parse(text)
    assert str(caught.value) == f'parsing time "{text}"{fault}'
