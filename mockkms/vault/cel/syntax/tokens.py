"""The tokens of CEL, split as the lexer of cel-go splits them: the longest match, and what it skips with an error."""

from __future__ import annotations

import re
from dataclasses import dataclass

EOF = "<EOF>"
IDENTIFIER = "IDENTIFIER"
FLOAT, INT, UINT = "NUM_FLOAT", "NUM_INT", "NUM_UINT"
STRING, BYTES = "STRING", "BYTES"
ESCAPED = "ESC_IDENTIFIER"
SIGNS = (
    "==", "!=", "in", "<", "<=", ">=", ">", "&&", "||", "[", "]", "{", "}", "(", ")", ".", ",", "-", "!", "?", ":",
    "+", "*", "/", "%", "true", "false", "null",
)  # fmt: skip
"""Kinds that are their own text, in the order in which messages list them; the other kinds follow."""
KINDS = (EOF, *SIGNS, FLOAT, INT, UINT, STRING, BYTES, IDENTIFIER, ESCAPED)

PACKAGES = frozenset(("math", "sets", "base64", "strings", "lists", "optional", "regex"))
"""What may precede the name of a function: ``math.abs``."""

_HEX = "[0-9a-fA-F]"
_ESCAPE = rf"\\[abfnrtv\"'\\?`]|\\[xX]{_HEX}{{2}}|\\u{_HEX}{{4}}|\\U{_HEX}{{8}}|\\[0-3][0-7][0-7]"
_EXPONENT = r"[eE][+-]?\d+"
_STRING = "|".join((
    rf'"""(?:{_ESCAPE}|[^\\])*?"""',
    rf"'''(?:{_ESCAPE}|[^\\])*?'''",
    rf'"(?:{_ESCAPE}|[^\\"\n\r])*"',
    rf"'(?:{_ESCAPE}|[^\\'\n\r])*'",
    r'[rR]"""(?:.*?)"""',
    r"[rR]'''(?:.*?)'''",
    r'[rR]"[^"\n\r]*"',
    r"[rR]'[^'\n\r]*'",
))  # fmt: skip
_PATTERNS = [
    (kind, re.compile(pattern, re.DOTALL | re.ASCII))
    for kind, pattern in (
        ("", r"[\t \r\n\f]+|//[^\n]*"),
        (FLOAT, rf"\d+\.\d+(?:{_EXPONENT})?|\d+{_EXPONENT}|\.\d+(?:{_EXPONENT})?"),
        (INT, rf"0x{_HEX}+|\d+"),
        (UINT, rf"(?:0x{_HEX}+|\d+)[uU]"),
        (STRING, _STRING),
        (BYTES, rf"[bB](?:{_STRING})"),
        (IDENTIFIER, r"[A-Za-z_]\w*"),
        (ESCAPED, r"`[\w.\-/ ]+`"),
        ("sign", "|".join(re.escape(sign) for sign in sorted(SIGNS, key=len, reverse=True) if not sign.isalpha())),
    )
]
_BEGINNINGS = (
    (
        re.compile(
            rf"(['\"])(?:{_ESCAPE}|(?!\1)[^\\\n\r])*(?:\\(?:[xX]{_HEX}?|u{_HEX}{{0,3}}|U{_HEX}{{0,7}}|[0-3][0-7]?)?)?"
        )
    ),
    re.compile(r"`[A-Za-z0-9_.\-/ ]*"),
    re.compile(r"[=&|]"),
)
"""What a token may begin with that does not end: the character after it is the one that does not fit."""


@dataclass(frozen=True)
class CelToken:
    """A token and where it is."""

    kind: str
    text: str
    start: int


def split(text: str) -> tuple[list[CelToken], list[tuple[int, int]]]:
    """Return the tokens, with one for the end, and the start and end of each text that is not a token."""
    found: list[CelToken] = []
    misfits: list[tuple[int, int]] = []
    at = 0
    while at < len(text):
        kind, end = _longest(text, at)
        if end == at:
            end = _misfit(text, at) + 1
            misfits.append((at, min(end, len(text))))
        elif kind:
            part = text[at:end]
            found.append(CelToken(part if kind == "sign" or part in SIGNS else kind, part, at))
        at = end
    return [*found, CelToken(EOF, EOF, len(text))], misfits


def _longest(text: str, at: int) -> tuple[str, int]:
    best, end = "", at
    for kind, pattern in _PATTERNS:
        match = pattern.match(text, at)
        if match is not None and match.end() > end:
            best, end = kind, match.end()
    return best, end


def _misfit(text: str, at: int) -> int:
    """Return the position of the character because of which nothing at ``at`` is a token."""
    return max((match.end() for match in (one.match(text, at) for one in _BEGINNINGS) if match), default=at)


def shown(text: str) -> str:
    """Return a text in quotes, as messages show it."""
    escaped = text.replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"
