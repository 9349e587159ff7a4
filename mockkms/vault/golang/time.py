"""Go's ``time.Parse`` with RFC 3339, its error texts included."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from mockkms.error_context import error_context
from mockkms.world.clock import parse_rfc3339

LAYOUT = "2006-01-02T15:04:05Z07:00"
_PARTS = (
    ("2006", r"\d{4}"), ("-", "-"), ("01", r"\d{2}"), ("-", "-"), ("02", r"\d{2}"), ("T", "T"), ("15", r"\d{1,2}"),
    (":", ":"), ("04", r"\d{2}"), (":", ":"), ("05", r"\d{2}(?:[.,]\d+)?"), ("Z07:00", r"Z|[+-]\d{2}:\d{2}"),
)  # fmt: skip


def _quote(text: str) -> str:
    """Return ``text`` in double quotes as errors of Go's ``time`` show it, which differs from ``%q``."""
    shown = [
        "\\" + chr(byte) if byte in b'"\\' else chr(byte) if 0x20 <= byte < 0x80 else f"\\x{byte:02x}"
        for byte in text.encode("utf-8", "surrogatepass")
    ]
    return '"' + "".join(shown) + '"'


def parse(text: str) -> float:
    """Return seconds since the epoch. Raises ValueError with Go's text."""
    given, at = text, 0
    for name, pattern in _PARTS:
        match = re.compile(pattern, re.ASCII).match(text, at)
        if match is None:
            raise ValueError(f'parsing time {_quote(text)} as "{LAYOUT}": cannot parse {_quote(text[at:])} as "{name}"')
        at = match.end()
    if at < len(text):
        raise ValueError(f"parsing time {_quote(text)}: extra text: {_quote(text[at:])}")
    if text[12] == ":":  # Go takes an hour of one digit.
        text = f"{text[:11]}0{text[11:]}"
    fields = {"month": (text[5:7], 1, 12), "day": (text[8:10], 1, 31), "hour": (text[11:13], 0, 23)}
    fields |= {"minute": (text[14:16], 0, 59), "second": (text[17:19], 0, 59)}
    for name, (digits, low, high) in fields.items():
        if not low <= int(digits) <= high:
            raise ValueError(f"parsing time {_quote(given)}: {name} out of range")
    offset = 0
    if not text.endswith("Z"):
        hours, minutes = int(text[-5:-3]), int(text[-2:])
        for name, number, most in (("hour", hours, 24), ("minute", minutes, 60)):
            if number > most:
                raise ValueError(f"parsing time {_quote(given)}: time zone offset {name} out of range")
        offset = (hours * 3600 + minutes * 60) * (-1 if text[-6] == "-" else 1)
        text = f"{text[:-6]}Z"
    with error_context(text=f"parsing time {_quote(given)}: day out of range"):
        return parse_rfc3339(text.replace(",", ".")) - offset


def show(moment: float) -> str:
    """Return a time as RFC 3339 in UTC with as many fraction digits as needed."""
    stamp = datetime.fromtimestamp(round(moment, 6), UTC)
    fraction = f".{stamp.microsecond:06d}".rstrip("0") if stamp.microsecond else ""
    return f"{stamp:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def plain(moment: float) -> str:
    """Return a time in UTC in Go's default format (``Time.String``)."""
    return show(moment).replace("T", " ").replace("Z", " +0000 UTC")


_LAYOUT = re.compile(
    r"January|Jan|Monday|Mon|MST|2006|06|002|01|1(?!5)|15|02|_2|2|03|3|04|4|05|5|PM|pm|-0700|-07:00|-07|Z0700|Z07:00"
    r"|(?<=05)[.,](?:0+|9+)(?![0-9])"
)
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def formatted(moment: float, layout: str) -> str:
    """Return a time in UTC in a layout of Go, in which the reference time is written out."""
    stamp = datetime.fromtimestamp(moment, UTC)
    twelve = stamp.hour % 12 or 12
    parts = {
        "January": _MONTHS[stamp.month - 1], "Jan": _MONTHS[stamp.month - 1][:3],
        "Monday": _DAYS[stamp.weekday()], "Mon": _DAYS[stamp.weekday()][:3], "MST": "UTC",
        "2006": f"{stamp.year:04d}", "06": f"{stamp.year % 100:02d}", "002": f"{stamp.timetuple().tm_yday:03d}",
        "01": f"{stamp.month:02d}", "1": f"{stamp.month}", "02": f"{stamp.day:02d}", "_2": f"{stamp.day:2d}",
        "2": f"{stamp.day}", "15": f"{stamp.hour:02d}", "03": f"{twelve:02d}", "3": f"{twelve}",
        "04": f"{stamp.minute:02d}", "4": f"{stamp.minute}", "05": f"{stamp.second:02d}", "5": f"{stamp.second}",
        "PM": "AM" if stamp.hour < 12 else "PM", "pm": "am" if stamp.hour < 12 else "pm",
        "-0700": "+0000", "-07:00": "+00:00", "-07": "+00", "Z0700": "Z", "Z07:00": "Z",
    }  # fmt: skip

    def one(match: re.Match[str]) -> str:
        part = match.group()
        if part in parts:
            return parts[part]
        digits = f"{stamp.microsecond:06d}000"[: len(part) - 1]
        if part[1] == "0":
            return part[0] + digits
        digits = digits.rstrip("0")
        return part[0] + digits if digits else ""

    return _LAYOUT.sub(one, layout)
