"""Values of literal tokens: numbers, quoted strings with escapes, and heredocs."""

from __future__ import annotations

import re
from contextlib import suppress

from mockkms.error_context import error_context
from mockkms.vault.hcl.lexer import HclToken, TokenKind
from mockkms.vault.hcl.tree import HclError, Literal, Position

_ESCAPE = re.compile(
    r"\\(?:([abfnrtv\\\"'])|([0-7]{3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.|$))", re.DOTALL
)
_BRACE = re.compile("[{}]")
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_INT64 = range(-(2**63), 2**63)


def literal(token: HclToken) -> Literal:
    """Return the value of a literal token. Raises HclError for a well-formed token without a valid value."""
    return Literal(_value(token), token.text, token.position)


def _value(token: HclToken) -> str | int | float | bool:
    kind, text = token.kind, token.text
    if kind is TokenKind.BOOL:
        return text == "true"
    if kind is TokenKind.NUMBER:
        return integer(text, token.position)
    if kind is TokenKind.FLOAT:
        return floating(text)
    return heredoc(text) if kind is TokenKind.HEREDOC else unquote(text, token.position)


def floating(text: str) -> float:
    """Return a number with a fraction or an exponent. Raises HclError with Go's text."""
    with error_context(raised=HclError, text=f'strconv.ParseFloat: parsing "{text}": invalid syntax'):
        return float(text)


def integer(text: str, position: Position | None = None) -> int:
    """Return a whole number with Go's prefixes (``0x``, a leading 0 is octal). Raises HclError with Go's text."""
    body = text.lstrip("+-")
    number = None
    if re.fullmatch(r"[0-9a-fA-FxXoO]+", body):
        base = 16 if body[:2] in ("0x", "0X") else 8 if len(body) > 1 and body[0] == "0" else 10
        with suppress(ValueError):
            number = int(text, base) if len(text) < 400 else 2**64
    if number is None:
        raise HclError(f'strconv.ParseInt: parsing "{text}": invalid syntax', position)
    if number not in _INT64:
        raise HclError(f'strconv.ParseInt: parsing "{text}": value out of range', position)
    return number


def unquote(text: str, position: Position | None = None) -> str:
    """Return the content of a quoted string; interpolations (``${…}``) are left unchanged."""
    content, out, end = text[1:-1], [], 0
    while (start := content.find("${", end)) >= 0:
        out.append(unescape(content[end:start], position))
        end = _closing(content, start + 2)
        out.append(content[start:end])
    out.append(unescape(content[end:], position))
    return "".join(out)


def _closing(text: str, at: int) -> int:
    """Return the end of the interpolation that was opened before ``at``."""
    depth = 1
    for brace in _BRACE.finditer(text, at):
        depth += 1 if brace.group() == "{" else -1
        if not depth:
            return brace.end()
    return len(text)


def unescape(text: str, position: Position | None = None) -> str:
    """Replace Go's escapes. Raises HclError for an unknown escape."""
    if "\\" not in text:
        return text

    def replace(match: re.Match[str]) -> str:
        simple, octal, byte, short, long, wrong = match.groups()
        if simple:
            return _SIMPLE.get(simple, simple)
        if wrong is not None:
            raise HclError("illegal char escape", position)
        code = int(octal, 8) if octal else int(byte or short or long, 16)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise HclError("illegal char escape", position)
        return chr(code)

    return _ESCAPE.sub(replace, text)


def heredoc(text: str) -> str:
    """Return the lines between the anchors.

    ``<<-`` removes the closing anchor's indentation if all lines have it.
    """
    opening, _, body = text.partition("\n")
    anchor = opening[2:].lstrip("-")
    lines = body.split("\n")[:-1]
    indent = lines[-1].rstrip("\r")[: -len(anchor)]
    lines = lines[:-1]
    whole = "".join(line + "\n" for line in lines)
    if not opening.startswith("<<-"):
        return whole + indent
    if all(line.startswith(indent) for line in lines):
        return "".join(line[len(indent) :] + "\n" for line in lines)
    return whole
