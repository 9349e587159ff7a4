"""Go's ``time.Parse`` with RFC 3339, its error texts included."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from mockkms.error_context import error_context
from mockkms.vault.golang.fmt import quote
from mockkms.world.clock import parse_rfc3339

LAYOUT = "2006-01-02T15:04:05Z07:00"
_PARTS = (
    ("2006", r"\d{4}"), ("-", "-"), ("01", r"\d{2}"), ("-", "-"), ("02", r"\d{2}"), ("T", "T"), ("15", r"\d{2}"),
    (":", ":"), ("04", r"\d{2}"), (":", ":"), ("05", r"\d{2}(?:[.,]\d+)?"), ("Z07:00", r"Z|[+-]\d{2}:\d{2}"),
)  # fmt: skip


def parse(text: str) -> float:
    """Return seconds since the epoch. Raises ValueError with Go's text."""
    at = 0
    for name, pattern in _PARTS:
        match = re.compile(pattern, re.ASCII).match(text, at)
        if match is None:
            raise ValueError(f'parsing time {quote(text)} as "{LAYOUT}": cannot parse {quote(text[at:])} as "{name}"')
        at = match.end()
    if at < len(text):
        raise ValueError(f"parsing time {quote(text)}: extra text: {quote(text[at:])}")
    fields = {"month": (text[5:7], 1, 12), "day": (text[8:10], 1, 31), "hour": (text[11:13], 0, 23)}
    fields |= {"minute": (text[14:16], 0, 59), "second": (text[17:19], 0, 59)}
    for name, (digits, low, high) in fields.items():
        if not low <= int(digits) <= high:
            raise ValueError(f"parsing time {quote(text)}: {name} out of range")
    with error_context(text=f"parsing time {quote(text)}: day out of range"):
        return parse_rfc3339(text.replace(",", "."))


def show(moment: float) -> str:
    """Return a time as RFC 3339 in UTC with as many fraction digits as needed."""
    stamp = datetime.fromtimestamp(round(moment, 6), UTC)
    fraction = f".{stamp.microsecond:06d}".rstrip("0") if stamp.microsecond else ""
    return f"{stamp:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def plain(moment: float) -> str:
    """Return a time in UTC in Go's default format (``Time.String``)."""
    return show(moment).replace("T", " ").replace("Z", " +0000 UTC")
