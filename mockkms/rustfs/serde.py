"""Parse JSON as serde_json, the server's parser, does, with its error messages and positions.

``parse`` returns a tree with the position of each value. A syntax error inside an array or object is kept in the tree
and raised when a reader arrives there: the real parser checks types while it parses, so the first error counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from math import isinf

from mockkms.json_reading import read_json

_NUMBER = re.compile(rb"-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_SPACE = b" \t\r\n"
_BLANKS = re.compile(rb"[ \t\r\n]*+")
_TEXT = re.compile(rb'(?:[^"\\\x00-\x1f]++|\\.)*+', re.DOTALL)
_DEPTH = 127
"""Maximum nesting of arrays and objects."""
_STRING_ERRORS: dict[type[ValueError], str] = {
    UnicodeDecodeError: "invalid unicode code point",
    UnicodeEncodeError: "unexpected end of hex escape",
}


class SerdeError(Exception):
    """An error of the parser; ``at`` is the byte offset that its message names, None if it names none."""

    def __init__(self, text: str, at: int | None = None) -> None:
        super().__init__(text)
        self.text, self.at = text, at

    def located(self, body: bytes) -> str:
        """Return the message with line and column, both from 1; the column counts the bytes read on the line."""
        if self.at is None:
            return self.text
        before = body[: self.at]
        line_start = before.rfind(b"\n") + 1
        return f"{self.text} at line {before.count(10) + 1} column {self.at - line_start}"


@dataclass(slots=True)
class JsonNode:
    """One JSON value with its position, in bytes."""

    kind: str
    """``string``, ``integer``, ``float``, ``boolean``, ``null``, ``sequence`` or ``map``."""
    value: str | int | float | bool | None
    """None for arrays, objects and null."""
    start: int
    end: int
    """Offset after the last byte that was read for the value."""
    items: list[JsonNode] = field(default_factory=list)
    entries: list[tuple[str, int, JsonNode | SerdeError]] = field(default_factory=list)
    """Of an object: name, offset after the name, and value (or the error in its place)."""
    broken: SerdeError | None = None
    """The syntax error after the items or entries that were read."""


class _JsonParser:
    def __init__(self, body: bytes) -> None:
        self.body, self.at = body, 0

    def space(self) -> int | None:
        """Skip white space; return the next byte, None at the end."""
        body = self.body
        if self.at < len(body) and body[self.at] in _SPACE:
            self.at = _end(_BLANKS, body, self.at)
        return body[self.at] if self.at < len(body) else None

    def peek_error(self, text: str) -> SerdeError:
        return SerdeError(text, min(self.at + 1, len(self.body)))

    def value(self, depth: int) -> JsonNode:
        lead = self.space()
        if lead is None:
            raise self.peek_error("EOF while parsing a value")
        start = self.at
        if lead == 0x22:
            return JsonNode("string", self.string(), start, self.at)
        if lead in b"-0123456789":
            return self.number(start)
        if lead in b"tfn":
            word, kind, value = {
                0x74: (b"true", "boolean", True), 0x66: (b"false", "boolean", False), 0x6E: (b"null", "null", None),
            }[lead]  # fmt: skip
            self.word(word)
            return JsonNode(kind, value, start, self.at)
        if lead in b"[{":
            if depth >= _DEPTH:
                raise self.peek_error("recursion limit exceeded")
            return self.array(start, depth) if lead == 0x5B else self.object(start, depth)
        raise self.peek_error("expected value")

    def word(self, word: bytes) -> None:
        for expected in word:
            if self.at >= len(self.body):
                raise SerdeError("EOF while parsing a value", self.at)
            self.at += 1
            if self.body[self.at - 1] != expected:
                raise SerdeError("expected ident", self.at)

    def number(self, start: int) -> JsonNode:
        match = _NUMBER.match(self.body, start)
        if match is None:
            self.at = start + 1
            raise self.peek_error("EOF while parsing a value" if self.at >= len(self.body) else "invalid number")
        self.at = match.end()
        text = match.group().decode()
        whole = not (match.group(1) or match.group(2))
        if whole and len(text) <= 20 and -(2**63) <= int(text) < 2**64:
            return JsonNode("integer", int(text), start, self.at)
        if isinf(float(text)):
            raise SerdeError("number out of range", self.at)
        return JsonNode("float", float(text), start, self.at)

    def string(self) -> str:
        body, start = self.body, self.at
        at = _end(_TEXT, body, start + 1)
        if at < len(body) and body[at] < 0x20:
            raise SerdeError("control character (\\u0000-\\u001F) found while parsing a string", at)
        if body[at : at + 1] != b'"':
            raise SerdeError("EOF while parsing a string", len(body))
        self.at = at + 1
        return self.unquoted(body[start : self.at])

    def unquoted(self, quoted: bytes) -> str:
        try:
            text: str = read_json(quoted.decode())
            text.encode()
        except ValueError as error:
            raise SerdeError(_STRING_ERRORS.get(type(error), "invalid escape"), self.at) from None
        return text

    def array(self, start: int, depth: int) -> JsonNode:
        node = JsonNode("sequence", None, start, start)
        self.at += 1
        try:
            lead = self.space()
            if lead is None:
                raise self.peek_error("EOF while parsing a list")
            if lead != 0x5D:
                while True:
                    node.items.append(self.value(depth + 1))
                    if node.items[-1].broken or not self.comma(0x5D, "a list", "expected `,` or `]`"):
                        break
            if not (node.items and node.items[-1].broken):
                self.at += 1
        except SerdeError as error:
            node.broken = error
        node.broken = node.broken or (node.items[-1].broken if node.items else None)
        node.end = self.at
        return node

    def comma(self, closing: int, what: str, text: str) -> bool:
        """Skip a comma and return True, or return False at the closing bracket."""
        byte = self.space()
        if byte == closing:
            return False
        if byte is None:
            raise self.peek_error(f"EOF while parsing {what}")
        if byte != 0x2C:
            raise self.peek_error(text)
        self.at += 1
        byte = self.space()
        if byte is None:
            raise self.peek_error("EOF while parsing a value")
        if byte == closing:
            raise self.peek_error("trailing comma")
        return True

    def object(self, start: int, depth: int) -> JsonNode:
        node = JsonNode("map", None, start, start)
        self.at += 1
        try:
            if self.space() != 0x7D:
                while True:
                    self.entry(node, depth)
                    if node.broken or not self.comma(0x7D, "an object", "expected `,` or `}`"):
                        break
            if not node.broken:
                self.at += 1
        except SerdeError as error:
            node.broken = error
        node.end = self.at
        return node

    def entry(self, node: JsonNode, depth: int) -> None:
        byte = self.space()
        if byte is None:
            raise self.peek_error("EOF while parsing an object")
        if byte != 0x22:
            raise self.peek_error("key must be a string")
        name = self.string()
        name_end = self.at
        try:
            byte = self.space()
            if byte is None:
                raise self.peek_error("EOF while parsing an object")
            if byte != 0x3A:
                raise self.peek_error("expected `:`")
            self.at += 1
            value = self.value(depth + 1)
        except SerdeError as error:
            node.entries.append((name, name_end, error))
            node.broken = error
            return
        node.entries.append((name, name_end, value))
        node.broken = value.broken


def _end(pattern: re.Pattern[bytes], body: bytes, at: int) -> int:
    """Return the end of a repetition that begins at ``at``, possibly of nothing."""
    found = pattern.match(body, at)
    return found.end() if found is not None else at


def parse(body: bytes) -> JsonNode:
    """Return the tree of ``body``. Raises SerdeError if its first value is invalid."""
    return _JsonParser(body).value(0)


def end(body: bytes, node: JsonNode) -> None:
    """Raise SerdeError if anything but white space follows the value."""
    rest = _JsonParser(body)
    rest.at = node.end
    if rest.space() is not None:
        raise rest.peek_error("trailing characters")
