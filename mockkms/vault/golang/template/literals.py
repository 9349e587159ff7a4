"""The values of numbers, runes and strings in templates, with the error texts of Go."""

from __future__ import annotations

import ast
import math
import re

from mockkms.vault.golang.fmt import quote
from mockkms.vault.golang.template.nodes import NumberNode
from mockkms.vault.golang.template.scanning import Lexeme
from mockkms.vault.golang.template.values import decoded

_ESCAPES = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", "'": "'", '"': '"',
}  # fmt: skip
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))", re.DOTALL)
_INTEGER = re.compile(r"[+-]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO]?[0-7_]+|[1-9][0-9_]*|0)")
_LARGEST = 1 << 63


def string(text: str, *, raw: bool) -> str:
    """Return the value of a string with its quotes, or of a ``raw`` one with its backquotes. Raises ValueError."""
    return text[1:-1].replace("\r", "") if raw else _unescaped(text[1:-1], "'")


def rune(token: Lexeme) -> NumberNode:
    """Return the code point of a character constant. Raises ValueError."""
    value = _unescaped(token.text[1:-1], '"')
    if len(value) != 1:
        raise ValueError(f"malformed character constant: {token.text}" if value else "invalid syntax")
    return NumberNode(token.at, token.text, ord(value), float(ord(value)), None, ord(value))


def number(token: Lexeme) -> NumberNode:
    """Return an integer, floating-point or imaginary constant. Raises ValueError."""
    text = token.text
    plain = text.replace("_", "")
    if text.endswith("i"):
        return _imaginary(token, plain)
    found = _integer(plain) if _INTEGER.fullmatch(text) else None
    if found is not None and -_LARGEST <= found < 2 * _LARGEST:
        fits = found < _LARGEST
        return NumberNode(token.at, text, found if fits else None, float(found), None, found if fits else None)
    floating = _float(plain)
    if floating is None:
        raise ValueError(f"illegal number syntax: {quote(text)}")
    if not any(char in text for char in ".eEpP"):
        raise ValueError(f"integer overflow: {quote(text)}")
    integral = int(floating) if floating.is_integer() and abs(floating) < _LARGEST else None
    return NumberNode(token.at, text, integral, floating, None, floating)


def _imaginary(token: Lexeme, plain: str) -> NumberNode:
    try:
        value = complex(plain[:-1] + "j")
    except ValueError:
        raise ValueError(f"illegal number syntax: {quote(token.text)}") from None
    real = value.real if value.imag == 0 else None
    whole = None if real is None or not real.is_integer() else int(real)
    return NumberNode(token.at, token.text, whole, real, value, value)


def _unescaped(text: str, refused: str) -> str:
    """Return a text with its escapes replaced; ``refused`` is the quote that may not be escaped. Raises ValueError."""
    found, end = [], 0
    for match in _ESCAPE.finditer(text):
        found.append(text[end : match.start()])
        two, four, eight, octal, other = match.groups()
        if two or octal:
            code = int(two, 16) if two else int(octal, 8)
            if code > 0xFF:
                raise ValueError("invalid syntax")
            found.append(decoded(bytes([code])))
        elif four or eight:
            code = int(four or eight, 16)
            if code > 0x10FFFF or 0xD800 <= code < 0xE000:
                raise ValueError("invalid syntax")
            found.append(chr(code))
        elif other not in _ESCAPES or other == refused:
            raise ValueError("invalid syntax")
        else:
            found.append(_ESCAPES[other])
        end = match.end()
    return "".join([*found, text[end:]])


def _float(text: str) -> float | None:
    """Return the number of a text as ``strconv.ParseFloat`` reads it; None for another text, and beyond all numbers."""
    hexadecimal = "x" in text.lower()
    if hexadecimal and "p" not in text.lower():
        return None
    try:
        found = float.fromhex(text) if hexadecimal else float(text)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def _integer(text: str) -> int | None:
    """Return the integer that a text of Go stands for; a leading zero means octal. None for thousands of digits."""
    sign, digits = (text[0], text[1:]) if text[0] in "+-" else ("", text)
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        digits = "0o" + digits[1:]
    try:
        found: int = ast.literal_eval(digits)
    except SyntaxError:  # Python refuses more than 4,300 decimal digits, which no integer of Go has.
        return None
    return -found if sign == "-" else found
