"""HashiCorp Vault's limits on JSON bodies, which it checks before it decodes a body, and its errors.

Only bodies that start with ``{`` or ``[`` are checked. There are two versions of the check: Vault 1.21 reads the tokens
of Go's decoder; Vault 2 has its own scanner (``strict``), which also refuses duplicate keys, a second value, and
numbers out of range. Sources: the documentation of the listener's ``max_json_*`` settings, and recordings.

For most bodies, counting characters shows that they are valid; only others are scanned.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import isfinite

from mockkms.vault.golang.json import GoJSONError, Scanner
from mockkms.vault.golang.number import Number

MAX_DEPTH = 500
MAX_STRING = 1024 * 1024
"""Bytes of a string or number."""
MAX_ENTRIES = 10_000
"""Entries of an object, or elements of an array."""
MAX_TOKENS = 500_000

_LARGEST = 10**308
_BLANKS = b" \t\r\n\x1f\x8b"
_BLANK = re.compile(rb"[ \t\r\n\x1f\x8b]*")
_STRING = re.compile(rb'[^"\\]+|\\[^u]|\\u[0-9a-fA-F]{4}')
_GOOD_STRING = re.compile(rb'"(?:[^"\\]++|\\[bfnrt"\\/]|\\u[0-9a-fA-F]{4})*+"')
_ENDS_IN_HIGH_SURROGATE = re.compile(rb'\\u[dD][89abAB][0-9a-fA-F]{2}"')
_LITERAL = re.compile(rb"[^ \t\r\n\x1f\x8b,}\]]*")
_NUMBER = re.compile(rb"[0-9.eE+\-]*")
_GO_NUMBER = re.compile(rb"[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?")
_ESCAPES = {0x62: b"\b", 0x66: b"\f", 0x6E: b"\n", 0x72: b"\r", 0x74: b"\t", 0x22: b'"', 0x5C: b"\\", 0x2F: b"/"}
_BOM = b"\xef\xbb\xbf"


def applies(body: bytes) -> bool:
    """Return whether ``body`` is checked: its first character opens an object or an array."""
    return body.lstrip(b" \t\r\n")[:1] in (b"{", b"[")


def harmless(body: bytes, decoded: object, *, strict: bool) -> bool:
    """Return whether counting characters shows that a decoded body is within all limits; if False, call ``fault``.

    ``decoded`` is its first value, with numbers outside the range of a float as ``Number``.
    """
    if len(body) > MAX_TOKENS:
        return False
    opened = body.count(b"{") + body.count(b"[")
    if opened > MAX_DEPTH:
        return False
    # Shorter bodies have no room for so many entries.
    if len(body) > MAX_ENTRIES and (body.count(b":") > MAX_ENTRIES or body.count(b",") >= MAX_ENTRIES):
        return False
    if not strict:
        return True
    if b"\\" in body and (b'\\"' in body or (b"\\u" in body and _ENDS_IN_HIGH_SURROGATE.search(body))):
        return False
    # As many quotes as keys and strings need, as many brackets as containers, and one of them last: no key was given
    # twice, and no second value followed.
    strings = body.count(b'"') // 2
    if opened == 1 and type(decoded) is dict and strings == 2 * len(decoded) and body[-1:] == b"}":
        for value in decoded.values():
            if type(value) is not str:
                break
        else:
            return True  # The usual case, without a call.
    return body.rstrip(_BLANKS)[-1:] in (b"}", b"]") and _fits(decoded, strings, opened)


def _fits(decoded: object, strings: int, containers: int) -> bool:
    """Return whether a value has so many strings (keys included) and containers, and every number fits a float."""
    waiting = [decoded]
    for container in waiting:  # Containers found on the way are appended.
        if isinstance(container, dict):
            strings -= len(container)
            values: Iterable[object] = container.values()
        elif isinstance(container, list):
            values = container
        else:
            return False
        containers -= 1
        for value in values:
            if isinstance(value, str):
                strings -= 1
            elif isinstance(value, (dict, list)):
                waiting.append(value)
            elif isinstance(value, int):
                if not -_LARGEST <= value <= _LARGEST:
                    return False
            elif isinstance(value, (float, Number)) and not isfinite(value):
                return False
    return strings == 0 == containers


def fault(body: bytes, *, strict: bool, cut: bool = False) -> str:
    """Return the message of the first limit or rule that ``body`` violates; empty for a valid body.

    ``cut``: ``body`` is only the beginning of a body that is too large.
    """
    text = body.removeprefix(_BOM) if strict else body
    if not applies(text):
        return ""
    try:
        if strict:
            _Strict(text, cut=cut).run()
        else:
            _Tokens(text).run()
    except GoJSONError as error:
        if cut and not strict and error.ended:
            return "error reading JSON token: http: request body too large"
        return str(error) if strict or isinstance(error, _LimitError) else f"error reading JSON token: {error}"
    return "error reading JSON token: http: request body too large" if cut else ""


class _LimitError(GoJSONError):
    """An error of the check itself, not of the underlying decoder."""


class _Tokens(Scanner):
    """Go's decoder with the limits of Vault 1.21."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.any_number = True
        self.counts: list[int] = []

    def run(self) -> None:
        """Raise GoJSONError at the first fault."""
        super().run()
        if self.stack:
            raise _LimitError("malformed JSON, unclosed containers")

    def open(self, char: str) -> None:
        """Enter a container."""
        self.element()
        if len(self.stack) >= MAX_DEPTH:
            raise _LimitError("JSON input exceeds allowed nesting depth")
        super().open(char)
        self.counts.append(0)

    def close(self) -> None:
        """Leave a container."""
        self.counts.pop()
        super().close()

    def literal(self, byte: int) -> None:
        """Read a value other than an object or array."""
        self.element()
        super().literal(byte)

    def string(self) -> None:
        """Read a key or a string."""
        start, key = self.at, self.state in ("object-start", "object-key")
        super().string()
        if self.at - start - 2 > MAX_STRING:
            raise _LimitError("JSON string value exceeds allowed length")
        if key:
            self.counts[-1] += 1
            if self.counts[-1] > MAX_ENTRIES:
                raise _LimitError("JSON object exceeds allowed entry count")

    def element(self) -> None:
        """Count a value of an array."""
        if self.stack and self.stack[-1] == "[":
            self.counts[-1] += 1
            if self.counts[-1] > MAX_ENTRIES:
                raise _LimitError("JSON array exceeds allowed element count")


class _Container:
    """An open object or array."""

    __slots__ = ("array", "count", "key_next", "keys")

    def __init__(self, *, array: bool) -> None:
        self.array = array
        self.count = 0
        self.key_next = not array
        self.keys: set[bytes] = set()


class _Strict:
    """The scanner of Vault 2, which is less strict than JSON in some respects and stricter in others."""

    def __init__(self, data: bytes, *, cut: bool) -> None:
        self.data = data
        self.cut = cut
        self.at = 0
        self.open: list[_Container] = []

    def run(self) -> None:
        """Raise GoJSONError at the first fault."""
        data, started, after_comma, tokens = self.data, False, False, 0
        while self.skip_blanks() < len(data):
            byte = data[self.at]
            if after_comma and byte in b"}]":
                where = "object key-value pair" if byte == 0x7D else "array element"
                raise GoJSONError(f"invalid character '{chr(byte)}' after {where}")
            if started and not self.open:
                raise GoJSONError(f"invalid character '{chr(byte)}' after top-level value")
            started, after_comma, tokens = True, False, tokens + 1
            if tokens > MAX_TOKENS:
                raise GoJSONError("JSON payload exceeds allowed token count")
            if byte in b"{[":
                self.open_container(array=byte == 0x5B)
            elif byte in b"}]":
                self.close_container(byte)
            elif byte == 0x22:
                self.string()
            elif byte in b"tfn":
                self.at = _end(_LITERAL, data, self.at)
                self.value()
            elif byte in b"-0123456789":
                self.number()
                self.value()
            elif byte == 0x2C:
                self.at += 1
                after_comma = True
                if self.open and not self.open[-1].array:
                    self.open[-1].key_next = True
            elif byte == 0x3A:
                self.at += 1
            else:
                raise GoJSONError(f"invalid character '{chr(byte)}' looking for beginning of value")
        if self.open and not self.cut:
            raise GoJSONError("malformed JSON, unclosed containers")

    def skip_blanks(self) -> int:
        """Skip blanks and return the position of the next character."""
        self.at = _end(_BLANK, self.data, self.at)
        return self.at

    def open_container(self, *, array: bool) -> None:
        """Enter a container."""
        self.value()
        if len(self.open) >= MAX_DEPTH:
            raise GoJSONError("JSON input exceeds allowed nesting depth")
        self.open.append(_Container(array=array))
        self.at += 1

    def close_container(self, byte: int) -> None:
        """Leave a container."""
        top = self.open[-1] if self.open else None
        if top is not None and not top.array and not top.key_next:
            raise GoJSONError("invalid character '}' after object key")
        if top is None:
            raise GoJSONError(f"malformed JSON: unmatched closing delimiter '{chr(byte)}'")
        if top.array is not (byte == 0x5D):
            raise GoJSONError(f"malformed JSON: mismatched closing delimiter '{chr(byte)}'")
        self.open.pop()
        self.at += 1
        if self.open and not self.open[-1].array:
            self.open[-1].key_next = True

    def value(self) -> None:
        """Count a value other than a string in its container."""
        if not self.open:
            return
        top = self.open[-1]
        if not top.array:
            top.key_next = True
            return
        top.count += 1
        if top.count > MAX_ENTRIES:
            raise GoJSONError("JSON array exceeds allowed element count")

    def string(self) -> None:
        """Read a key or a string."""
        top = self.open[-1] if self.open else None
        if top is None or top.array or not top.key_next:
            if not self.good_string():
                self.text()
            self.value()
            return
        text = self.text()
        if text in top.keys:
            raise GoJSONError(f"duplicate key '{text.decode('utf-8', 'replace')}' in object")
        top.keys.add(text)
        top.count += 1
        if top.count > MAX_ENTRIES:
            raise GoJSONError("JSON object exceeds allowed entry count")
        top.key_next = False

    def good_string(self) -> bool:
        """Pass over a string that violates no rule, in one call; if False, nothing was read."""
        found = _GOOD_STRING.match(self.data, self.at, self.at + MAX_STRING + 2)
        if found is None or _ENDS_IN_HIGH_SURROGATE.match(self.data, found.end() - 7):
            return False
        self.at = found.end()
        return True

    def text(self) -> bytes:
        """Read a string and return its bytes, with escapes resolved."""
        data, at, parts = self.data, self.at + 1, []
        start, high = at, False
        while True:
            found = _STRING.match(data, at)
            if found is None:
                break
            part = found.group()
            high = False
            if part[:2] == b"\\u":
                code = int(part[2:], 16)
                high = 0xD800 <= code < 0xDC00
                part = ("\ufffd" if 0xD800 <= code < 0xE000 else chr(code)).encode()
            elif part[:1] == b"\\":
                part = self.escaped(part[1])
            parts.append(part)
            at = found.end()
            if at - start > MAX_STRING:
                raise GoJSONError("JSON string value exceeds allowed length")
        if at >= len(data):
            raise GoJSONError("http: request body too large" if self.cut else "malformed JSON, unclosed string")
        if data[at] == 0x5C:
            raise self.bad_escape(at)
        if high:
            raise GoJSONError("malformed JSON, unterminated surrogate pair in string")
        self.at = at + 1
        return b"".join(parts)

    @staticmethod
    def escaped(byte: int) -> bytes:
        """Return the byte that an escape stands for."""
        if byte not in _ESCAPES:
            raise GoJSONError(f"invalid character '{chr(byte)}' in string escape code")
        return _ESCAPES[byte]

    def bad_escape(self, at: int) -> GoJSONError:
        """Return the error for an invalid or incomplete escape."""
        digits = self.data[at + 2 : at + 6]
        if len(self.data) < at + 2:
            return GoJSONError("malformed JSON, unterminated escape sequence in string")
        if len(digits) < 4:
            return GoJSONError("malformed JSON, unterminated unicode escape in string")
        wrong = next(char for char in digits.decode("utf-8", "replace") if char not in "0123456789abcdefABCDEF")
        return GoJSONError(f"invalid character '{wrong}' in string escape code")

    def number(self) -> None:
        """Read a number by the rules of Go's ``ParseFloat``."""
        data = self.data
        if data[self.at] == 0x30 and data[self.at + 1 : self.at + 2].isdigit():
            raise GoJSONError(f"invalid character '{chr(data[self.at + 1])}' after top-level value")
        end = _end(_NUMBER, data, self.at)
        text = data[self.at : end]
        if len(text) > MAX_STRING:
            raise GoJSONError("JSON number value exceeds allowed length")
        if not _GO_NUMBER.fullmatch(text) or float(text) in (float("inf"), float("-inf")):
            raise GoJSONError(f"malformed JSON, invalid number syntax for '{text.decode()}'")
        self.at = end


def _end(pattern: re.Pattern[bytes], data: bytes, at: int) -> int:
    """Return the end of a pattern that matches at ``at``, possibly with no characters."""
    found = pattern.match(data, at)
    return found.end() if found is not None else at
