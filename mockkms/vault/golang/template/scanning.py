"""The tokens of a template, by the rules of Go's lexer."""

from __future__ import annotations

from collections.abc import Iterator

from mockkms.lazy_dataclass import dataclass
from mockkms.vault.golang.fmt import quote

KEYWORDS = ("block", "break", "continue", "define", "else", "end", "if", "nil", "range", "template", "with")
_SPACES = " \t\r\n"
_SHOWN = 10
"""Characters of a token that messages show."""
_SIGNS = {"=": "assign", "|": "pipe"}
_DIGITS = "0123456789_"
_BASES = {"x": _DIGITS + "abcdefABCDEF", "o": "01234567_", "b": "01_"}


@dataclass(frozen=True)
class Lexeme:
    """One token: ``kind`` is the name of its rule or keyword, ``at`` its place in the text."""

    kind: str
    text: str
    at: int
    line: int

    def __str__(self) -> str:
        if self.kind == "eof":
            return "EOF"
        if self.kind == "error":
            return self.text
        if self.kind in KEYWORDS or self.kind == "dot":
            return f"<{self.text}>"
        return quote(self.text[:_SHOWN]) + "..." if len(self.text.encode()) > _SHOWN else quote(self.text)


class TemplateLexer:
    """Iterates over the tokens of a text. The last one has the kind ``eof`` or ``error``."""

    def __init__(self, text: str) -> None:
        self._text, self._at, self._line, self._parens = text, 0, 1, 0
        self._counted = 0

    def tokens(self) -> Iterator[Lexeme]:
        """Yield the tokens."""
        while True:
            opening = self._text.find("{{", self._at)
            end = len(self._text) if opening < 0 else opening
            text = self._text[self._at : end]
            trims = opening >= 0 and self._text[opening + 2 : opening + 3] == "-" and self._space(opening + 3)
            if trims:
                text = text.rstrip(_SPACES)
            if text:
                yield self._token("text", self._at, self._at + len(text))
            if opening < 0:
                yield self._token("eof", end, end)
                return
            inside = opening + (4 if trims else 2)
            if self._text.startswith("/*", inside):
                fault = self._comment(inside + 2)
                if fault:
                    yield self._token("error", opening, opening, fault)
                    return
                continue
            yield self._token("left", opening, opening + 2)
            self._at, self._parens = inside, 0
            for token in self._inside():
                yield token
                if token.kind == "error":
                    return

    def _space(self, at: int) -> bool:
        return self._text[at : at + 1] in tuple(_SPACES)

    def _token(self, kind: str, start: int, end: int, text: str | None = None) -> Lexeme:
        self._line += self._text.count("\n", self._counted, start)
        self._counted = max(self._counted, start)
        line = self._line + (self._text.count("\n", start, end) if kind == "text" else 0)
        return Lexeme(kind, self._text[start:end] if text is None else text, start, line)

    def _comment(self, start: int) -> str:
        """Skip a comment with its delimiters; return what is wrong with it, if anything."""
        end = self._text.find("*/", start)
        if end < 0:
            return "unclosed comment"
        closes, trims = self._closing(end + 2)
        if not closes:
            return "comment ends before closing delimiter"
        self._close(end + 2, trims=trims)
        return ""

    def _closing(self, at: int) -> tuple[bool, bool]:
        """Return whether a closing delimiter is at a place, and whether it trims what follows."""
        if self._space(at) and self._text.startswith("-}}", at + 1):
            return True, True
        return self._text.startswith("}}", at), False

    def _close(self, at: int, *, trims: bool) -> None:
        at += 4 if trims else 2
        while trims and self._space(at):
            at += 1
        self._at = at

    def _inside(self) -> Iterator[Lexeme]:
        """Yield the tokens of an action, up to its closing delimiter."""
        while True:
            closes, trims = self._closing(self._at)
            start = self._at
            if closes:
                if self._parens:
                    yield self._token("error", start, start, "unclosed left paren")
                    return
                yield self._token("right", start + (2 if trims else 0), start + (4 if trims else 2))
                self._close(start, trims=trims)
                return
            if start >= len(self._text):
                yield self._token("error", start, start, "unclosed action")
                return
            token = self._one(start)
            if token.kind != "error":
                self._at = start + len(token.text)
            yield token
            if token.kind == "error":
                return

    def _one(self, start: int) -> Lexeme:
        """Return the token of an action at a place."""
        char = self._text[start]
        following = self._text[start + 1 : start + 2]
        if char in _SPACES:
            end = start
            while self._space(end) and not self._closing(end)[1]:
                end += 1
            return self._token("space", start, end)
        if char in _SIGNS:
            return self._token(_SIGNS[char], start, start + 1)
        if char == ":":
            if following != "=":
                return self._token("error", start, start, "expected :=")
            return self._token("declare", start, start + 2)
        if char in "\"'`":
            return self._quoted(start, char)
        if char == "$" or (char == "." and following and following not in "0123456789"):
            return self._word(start, "variable" if char == "$" else "field")
        if char in ".+-" or char in "0123456789":
            return self._number(start)
        if _alphanumeric(char):
            return self._word(start, "identifier")
        if char in "()":
            self._parens += 1 if char == "(" else -1
            if self._parens < 0:
                return self._token("error", start, start, "unexpected right paren")
            return self._token(char, start, start + 1)
        if char.isascii() and char.isprintable():
            return self._token("char", start, start + 1)
        return self._token("error", start, start, f"unrecognized character in action: {_shown(char)}")

    def _quoted(self, start: int, mark: str) -> Lexeme:
        kind, what = {
            '"': ("string", "quoted string"), "'": ("rune", "character constant"), "`": ("raw", "raw quoted string"),
        }[mark]  # fmt: skip
        end = start + 1
        while end < len(self._text):
            char = self._text[end]
            if char == mark:
                return self._token(kind, start, end + 1)
            if mark != "`":
                if char == "\\":
                    end += 1
                    char = self._text[end : end + 1]
                if char == "\n":
                    break
            end += 1
        return self._token("error", start, start, f"unterminated {what}")

    def _word(self, start: int, kind: str) -> Lexeme:
        """Return a name, a field or a variable; each must be followed by something that can follow it."""
        end = start + (0 if kind == "identifier" else 1)
        if kind != "identifier" and self._ends(end):
            return self._token("dot" if kind == "field" else kind, start, end)
        while end < len(self._text) and _alphanumeric(self._text[end]):
            end += 1
        if not self._ends(end):
            return self._token("error", start, start, f"bad character {_shown(self._text[end])}")
        word = self._text[start:end]
        if kind == "identifier":
            kind = word if word in KEYWORDS else "bool" if word in ("true", "false") else kind
        return self._token(kind, start, end)

    def _ends(self, at: int) -> bool:
        return at >= len(self._text) or self._text[at] in _SPACES + ".,|:)(" or self._text.startswith("}}", at)

    def _number(self, start: int) -> Lexeme:
        end, good = self._digits(start)
        kind = "number"
        if good and self._text[end : end + 1] in ("+", "-"):
            end, good = self._digits(end)
            good, kind = good and self._text[end - 1] == "i", "complex"
        if not good:
            return self._token("error", start, start, f"bad number syntax: {quote(self._text[start:end])}")
        return self._token(kind, start, end)

    def _digits(self, at: int) -> tuple[int, bool]:
        """Return where a number ends, and whether something follows that may follow a number."""
        text = self._text

        def run(at: int, allowed: str) -> int:
            while at < len(text) and text[at] in allowed:
                at += 1
            return at

        at += text[at : at + 1] in ("+", "-")
        digits, exponent = _DIGITS, "eE"
        if text[at : at + 1] == "0":
            at += 1
            base = text[at : at + 1].lower()
            if base and base in _BASES:
                digits, exponent, at = _BASES[base], "pP" if base == "x" else "", at + 1
        at = run(at, digits)
        if text[at : at + 1] == ".":
            at = run(at + 1, digits)
        if exponent and text[at : at + 1] and text[at] in exponent:
            at += 1
            at += text[at : at + 1] in ("+", "-")
            at = run(at, _DIGITS)
        at += text[at : at + 1] == "i"
        if at < len(text) and _alphanumeric(text[at]):
            return at + 1, False
        return at, True


def _alphanumeric(char: str) -> bool:
    return char == "_" or char.isalpha() or char.isdecimal()


def _shown(char: str) -> str:
    """Return a character as ``%#U`` shows it."""
    code = f"U+{ord(char):04X}"
    return f"{code} '{char}'" if char.isprintable() else code
