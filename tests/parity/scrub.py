"""What is random or local inside a text, replaced by what it is."""

from __future__ import annotations

import re
from collections.abc import Mapping

ZERO_TIME = "0001-01-01T00:00:00Z"
PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.S)
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(\.[A-Za-z0-9]{6}\b)?")
SERIAL = re.compile(r"\b[0-9a-f]{2}(?:[:-][0-9a-f]{2}){15,}\b")

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_CAP = re.compile(r'(effective max_ttl of )"((?:\d+h)?(?:\d+m)?(?:\d+s)?)"')
_UNITS = {"h": 3600, "m": 60, "s": 1}
_PLAIN = [
    (UUID, "<uuid>"),
    (SERIAL, "<serial>"),
    (re.compile(r"\b(entity|group)_[0-9a-f]{8}\b"), r"\1_<hex8>"),
    (re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}:\d+\b"), "<address>"),
    (re.compile(r"\b(?:hvs|s)\.[A-Za-z0-9_-]{24,}"), "<service-token>"),
]
_OTP_SECRET = re.compile(r"(?<=[?&]secret=)[A-Z2-7]{16,}")
_PRODUCT = re.compile(r"(?<![-\w/.:])(?:OpenBao|Openbao|openbao|Vault|vault|HashiCorp Vault)\b(?![-:/.]\w)")

MEMORABLE = 16
"""Characters: a shorter captured value might stand anywhere by chance."""


def scrub(text: str, captured: Mapping[str, str], *, product: bool = True) -> str:
    """``text`` with captured values named, moments, ids, tokens and addresses replaced, and the product unnamed."""
    for name, value in captured.items():
        if len(value) >= MEMORABLE:
            text = text.replace(value, f"${{{name}}}")
    text = _TIME.sub(lambda found: ZERO_TIME if found.group() == ZERO_TIME else "<time>", text)
    text = _CAP.sub(lambda found: f'{found.group(1)}"{about(_seconds(found.group(2)))}"', text)
    for pattern, label in _PLAIN:
        text = pattern.sub(label, text)
    text = _OTP_SECRET.sub(lambda found: f"<base32:{len(found.group())}>", text)
    return _PRODUCT.sub("<product>", text) if product else text


def about(value: object) -> object:
    """A remaining time in seconds, rounded up to the minute; anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        return value
    return f"<about {-(-value // 60) * 60}s>"


def _seconds(duration: str) -> int:
    return sum(int(count) * _UNITS[unit] for count, unit in re.findall(r"(\d+)([hms])", duration))
