"""The lexer. An error does not stop it; the last one is reported, as in the real scanner."""

from __future__ import annotations

import re
from bisect import bisect_right
from enum import StrEnum
from typing import NamedTuple

from mockkms.vault.hcl.tree import HclError, Position


class TokenKind(StrEnum):
    """Token kinds, named as in error messages."""

    ILLEGAL = "ILLEGAL"
    EOF = "EOF"
    IDENT = "IDENT"
    NUMBER = "NUMBER"
    FLOAT = "FLOAT"
    BOOL = "BOOL"
    STRING = "STRING"
    HEREDOC = "HEREDOC"
    LBRACK = "LBRACK"
    LBRACE = "LBRACE"
    COMMA = "COMMA"
    PERIOD = "PERIOD"
    RBRACK = "RBRACK"
    RBRACE = "RBRACE"
    ASSIGN = "ASSIGN"
    ADD = "ADD"
    SUB = "SUB"


LITERALS = frozenset({TokenKind.NUMBER, TokenKind.FLOAT, TokenKind.BOOL, TokenKind.STRING, TokenKind.HEREDOC})

_SIGNS = {
    "[": TokenKind.LBRACK,
    "]": TokenKind.RBRACK,
    "{": TokenKind.LBRACE,
    "}": TokenKind.RBRACE,
    ",": TokenKind.COMMA,
    "=": TokenKind.ASSIGN,
    "+": TokenKind.ADD,
    "-": TokenKind.SUB,
    ".": TokenKind.PERIOD,
}
_SPACE = re.compile(r"[ \t\n\r]*")
_IDENT = re.compile(r"[^\W\d][\w\-.]*")
_NUMBER = re.compile(r"-?(?:(?P<hex>0[xX][0-9a-fA-F]*)|(?P<whole>[0-9]+)(?P<rest>(?:\.[0-9]*)?(?:[eE][+-]?[0-9]*)?))")
_POINT = re.compile(r"\.[0-9]+(?:[eE][+-]?[0-9]*)?")
_ANCHOR = re.compile(r"<<(-?)([^\W_]*)", re.UNICODE)
_ESCAPES = re.compile(r"[abfnrtv\\\"]|[0-7]{3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}")


class HclToken(NamedTuple):
    """A token with its source text."""

    kind: TokenKind
    text: str
    position: Position


class HclLexer:
    """Reads tokens one by one. ``fault`` is the last lexical error so far, or None."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.past = 0
        """How often the end was read: the columns that errors at the end show count on with every read."""
        self.fault: HclError | None = None
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def position(self, index: int) -> Position:
        """Return line and column of a character; past the end, the column counts the reads of the end as in Go."""
        line = bisect_right(self._line_starts, index)
        return Position(line, index - self._line_starts[line - 1] + 1)

    def next(self) -> HclToken:
        """Return the next token, skipping comments."""
        while True:
            space = _SPACE.match(self.text, self.at)
            self.at = space.end() if space else self.at
            if not self.text.startswith(("#", "/"), self.at):
                break
            self._comment()
        start = self.at
        if start >= len(self.text):
            self.past += 1
            return HclToken(TokenKind.EOF, "", self._end())
        place = self.position(start)
        kind = self._scan(self.text[start])
        return HclToken(kind, self.text[start : self.at], place)

    def _end(self) -> Position:
        return self.position(len(self.text) + self.past - 1)

    def _error(self, message: str, index: int) -> None:
        self.fault = HclError(message, self.position(index))

    def _scan(self, first: str) -> TokenKind:
        if match := _IDENT.match(self.text, self.at):
            self._take(match.end(), 1)
            return TokenKind.BOOL if match.group() in ("true", "false") else TokenKind.IDENT
        if match := _NUMBER.match(self.text, self.at):
            return self._number(match)
        if first == '"':
            return self._string()
        if first == "<":
            return self._heredoc()
        if match := _POINT.match(self.text, self.at):
            self._take(match.end(), 1)
            return TokenKind.FLOAT
        self.at += 1
        if first in _SIGNS:
            return _SIGNS[first]
        if first == "\0":
            self._error("unexpected null character (0x00)", self.at - 1)
            self.at = len(self.text)
            return TokenKind.EOF
        self._error("illegal char", self.at - 1)
        return TokenKind.ILLEGAL

    def _take(self, end: int, reads: int) -> None:
        """Move to ``end``; at the end of the text, count ``reads`` reads beyond it, as the real scanner makes them."""
        self.at = end
        if end >= len(self.text):
            self.past += reads

    def _comment(self) -> None:
        text, start = self.text, self.at
        if text.startswith("/*", start):
            end = text.find("*/", start + 2)
            if end < 0:
                self._take(len(text), 1)
                self._error("comment not terminated", len(text))
            else:
                self.at = end + 2
        elif text.startswith(("#", "//"), start):
            end = text.find("\n", start)
            self._take(end if end >= 0 else len(text), 1)
        else:
            self._error("expected '/' for comment", start)
            self.at = start + 1

    def _number(self, match: re.Match[str]) -> TokenKind:
        digits = match["whole"] or ""
        self._take(match.end(), 1 if digits.startswith("0") or match["hex"] else 2)
        if match["hex"]:
            if len(match["hex"]) == 2:
                self._error("illegal hexadecimal number", min(self.at, len(self.text)))
            return TokenKind.NUMBER
        if match["rest"]:
            return TokenKind.FLOAT
        if digits.startswith("0") and digits.strip("01234567"):
            self._error("illegal octal number", self.at)
        return TokenKind.NUMBER

    def _string(self) -> TokenKind:
        text, at, depth = self.text, self.at + 1, 0
        while True:
            char = text[at : at + 1]
            if not char or char == "\0" or (char == "\n" and depth == 0):
                self._take(at + 1 if char == "\n" else at, 1)
                self._error("literal not terminated", at)
                return TokenKind.STRING
            at += 1
            if char == '"' and depth == 0:
                break
            if depth == 0 and text.startswith("${", at - 1):
                depth, at = 1, at + 1
            elif depth and char in "{}":
                depth += 1 if char == "{" else -1
            elif char == "\\":
                at = self._escape(at)
            elif "\udc80" <= char <= "\udcff":
                self._error("illegal UTF-8 encoding", at - 1)
        self.at = at
        return TokenKind.STRING

    def _escape(self, at: int) -> int:
        match = _ESCAPES.match(self.text, at)
        if match:
            return match.end()
        self._error("illegal char escape", at)
        return at + 1

    def _heredoc(self) -> TokenKind:
        text, start = self.text, self.at
        match = _ANCHOR.match(text, start)
        if match is None:
            self._take(min(start + 2, len(text)), 1)
            self._error("heredoc expected second '<', didn't see it", start + 1)
            return TokenKind.HEREDOC
        after = match.end()
        if after >= len(text):
            self._take(len(text), 1)
            self._error("heredoc not terminated", len(text))
        elif text[after] != "\n":
            self.at = after + 1
            self._error("invalid characters in heredoc anchor", after)
        elif not match[2]:
            self.at = after + 1
            self._error("zero-length heredoc anchor", after)
        else:
            end = re.compile(rf"^[ \t\v\f\r]*{re.escape(match[2])}\r*\n", re.MULTILINE).search(text, after + 1)
            self._take(end.end() if end else len(text), 0 if end else 1)
            if end is None:
                self._error("heredoc not terminated", len(text))
        return TokenKind.HEREDOC
