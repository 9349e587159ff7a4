"""Numbers in texts, as Go has them.

JSON numbers keep their text, as Go's ``json.Number`` does: ``1.0`` stays ``1.0``, ``1e5`` stays ``1e5``.
"""

from __future__ import annotations

_LARGE = 1e21
_MOST_DIGITS = 100
"""Digits without leading zeros of a number that is beyond 64 bits in every base."""


def of_digits(digits: str, base: int = 10) -> int:
    """Return the number of digits without a sign; no digits: 0.

    One beyond 64 bits may be returned smaller than it is, and is still beyond them: Python refuses 4,300 digits.
    """
    return int(digits.lstrip("0")[:_MOST_DIGITS] or "0", base)


class Number:
    """A number other than a plain integer literal. ``text`` is the literal as sent, and is sent back unchanged."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __float__(self) -> float:
        return float(self.text)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Number({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Number) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)


def of_float(value: float) -> Number:
    """Return a finite number as ``encoding/json`` writes a ``float64``."""
    return Number(float_text(value, least=1e-6, digits=1))


def float_text(value: float, *, least: float, digits: int, most: float = _LARGE) -> str:
    """Return the shortest text of a finite number: with an exponent, of at least so many ``digits``, for extremes.

    Numbers from ``least`` up to ``most`` have none.
    """
    from decimal import Decimal  # Rare, and a library of its own to load.

    shortest = Decimal(repr(value))
    if value and not least <= abs(value) < most:
        mantissa, _, exponent = f"{shortest.normalize():e}".partition("e")
        return f"{mantissa}e{int(exponent):+0{digits + 1}d}"
    text = f"{shortest:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
