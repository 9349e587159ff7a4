"""Whole numbers in texts, as Go's ``strconv`` reads them, with its error texts."""

from __future__ import annotations

import re

from mockkms.vault.golang.fmt import quote
from mockkms.vault.golang.number import of_digits

_SIGNED = re.compile(r"[+-]?[0-9]+")
_UNSIGNED = {10: re.compile(r"[0-9]+"), 8: re.compile(r"[0-7]+")}


def int64(text: str) -> int | None:
    """Return a decimal number, with or without a sign; None for another text, and beyond 64 bits."""
    if not _SIGNED.fullmatch(text):
        return None
    value = of_digits(text.lstrip("+-"))
    value = -value if text[0] == "-" else value
    return value if -(1 << 63) <= value < 1 << 63 else None


def parse_int(text: str, function: str = "ParseInt") -> int:
    """Return a decimal number of 64 bits, with or without a sign.

    Raises ValueError with the error of ``function`` (``ParseInt`` or ``Atoi``):
    ``strconv.Atoi: parsing "x": invalid syntax``.
    """
    value = int64(text)
    if value is None:
        raise _fault(function, text, out_of_range=bool(_SIGNED.fullmatch(text)))
    return value


def parse_uint(text: str, *, base: int = 10, bits: int = 64) -> int:
    """Return a number without a sign, of ``bits``, with base 10 or 8. Raises ValueError with the error of ParseUint."""
    valid = _UNSIGNED[base].fullmatch(text)
    value = of_digits(text, base) if valid else 0
    if not valid or value >= 1 << bits:
        raise _fault("ParseUint", text, out_of_range=bool(valid))
    return value


def _fault(function: str, text: str, *, out_of_range: bool) -> ValueError:
    fault = "value out of range" if out_of_range else "invalid syntax"
    return ValueError(f"strconv.{function}: parsing {quote(text)}: {fault}")
