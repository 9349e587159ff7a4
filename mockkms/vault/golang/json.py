"""JSON as Go's ``encoding/json`` reads and writes it: key order, escapes, number texts, and error texts.

Reading is one call of the standard library while the input is good. Only bad input is read a second time, by a scanner
that follows Go's token states to find the same first fault (recorded in the parity area ``protocol``).
"""

from __future__ import annotations

import json
import re

from mockkms.collector import paused_collector
from mockkms.error_context import error_context
from mockkms.vault.golang import deep_json
from mockkms.vault.golang.json_text import encode
from mockkms.vault.golang.number import Number

__all__ = ["GoJSONError", "decode", "decode_object", "encode", "quote_char"]

MAX_DEPTH = 10_000


class GoJSONError(ValueError):
    """Invalid JSON, with Go's error text."""

    ended = False
    """Whether the text ended too early."""


def _number(text: str) -> Number:
    if float(text) in (float("inf"), float("-inf")):
        raise GoJSONError(f"json: cannot unmarshal number {text} into Go value of type float64")
    return Number(text)


def _constant(text: str) -> object:
    raise ValueError(text)


_DECODER = json.JSONDecoder(parse_float=_number, parse_constant=_constant)
_ANY_NUMBER = json.JSONDecoder(
    parse_float=Number, parse_constant=_constant, parse_int=lambda t: Number(t) if t == "-0" else int(t)
)
_LENIENT = json.JSONDecoder(parse_float=_number, parse_int=lambda t: int(t) if len(t) < 4000 else Number(t))


def _any_text(text: str) -> int | Number:
    plain = text.lstrip("-").isdigit() and text != "-0" and len(text) < 4000
    return int(text) if plain else Number(text)


_NEGATIVE_ZERO = re.compile(r"-0(?![0-9.eE])")
_KEEPING = json.JSONDecoder(
    parse_float=_number, parse_constant=_constant, parse_int=lambda t: Number(t) if t == "-0" else int(t)
)
"""Keeps the one whole number whose text an ``int`` loses; a call for each of them is too slow for the rest."""
_SURROGATE = re.compile("[\ud800-\udfff]")


def _whole(decoder: json.JSONDecoder, text: str) -> object:
    """Decode a text; the usual one, without blanks around it, with one call of the scanner."""
    if text[:1] in ("{", "["):
        value, end = decoder.raw_decode(text)
        if end == len(text):
            return value
    return decoder.decode(text)


def decode(body: bytes, *, any_number: bool = False, whole: bool = False) -> object:
    """Return the first JSON value of ``body``; of an empty body None, or with ``whole`` an error. Raises GoJSONError.

    ``any_number`` keeps numbers outside the range of a float as they were sent instead of refusing them.
    With ``whole``, errors are those of ``json.Unmarshal``, which sees the whole text; a decoder of a stream says less.
    """
    text = body.decode("utf-8", "replace")
    try:
        decoder = _KEEPING if "-0" in text and _NEGATIVE_ZERO.search(text) else _DECODER
        value = _whole(_ANY_NUMBER if any_number else decoder, text)
    except (ValueError, RecursionError) as error:
        if isinstance(error, GoJSONError):
            raise
        value = _decode_slowly(body, text, any_number=any_number, whole=whole)
    if "\\u" in text:
        value = deep_json.map_texts(value, _without_surrogates)
    return value


def decode_first(text: str) -> object:
    """Return the first value of a text and ignore what follows, as the server's ``jsonutil.DecodeJSON`` does.

    Raises GoJSONError, also for a text without a value.
    """
    if not text:
        raise GoJSONError("'data' being decoded is nil")
    start = len(text) - len(text.lstrip(" \t\r\n"))
    if start == len(text):
        raise GoJSONError("EOF")
    try:
        value, _ = _KEEPING.raw_decode(text, start)
    except (ValueError, RecursionError) as error:
        if isinstance(error, GoJSONError):
            raise
        value = _decode_slowly(text.encode(), text, any_number=False, whole=False, first=True)
    return deep_json.map_texts(value, _without_surrogates) if "\\u" in text else value


def begins_valid(beginning: bytes) -> bool:
    """Return whether a text is the beginning of a JSON value and ends after one of its tokens; False if it may not be.

    Other threads wait for as long as this takes: 0.1 s for two million tokens.
    """
    text = beginning.decode("utf-8", "replace").lstrip(" \t\r\n")
    try:
        with paused_collector():
            _ANY_NUMBER.raw_decode(text)
    except json.JSONDecodeError as error:
        return error.pos == len(text)
    except (ValueError, RecursionError):
        pass
    return False


def decode_object(body: bytes, *, whole: bool = False) -> dict[str, object] | None:
    """Like ``decode``, for an endpoint's parameters: an object or null. Raises GoJSONError."""
    return as_object(decode(body, whole=whole))


def kind_of(value: object) -> str:
    """Return the kind of a decoded value in Go's errors: ``object``, ``array``, ``string``, ``bool`` or ``number``."""
    return {dict: "object", list: "array", str: "string", bool: "bool"}.get(type(value), "number")


def as_object(value: object) -> dict[str, object] | None:
    """Return a decoded value as an endpoint's parameters: an object, or None for null. Raises GoJSONError."""
    if value is None or isinstance(value, dict):
        return value
    raise GoJSONError(f"json: cannot unmarshal {kind_of(value)} into Go value of type map[string]interface {{}}")


def _decode_slowly(body: bytes, text: str, *, any_number: bool, whole: bool, first: bool = False) -> object:
    start = len(text) - len(text.lstrip(" \t\r\n"))
    if start == len(text):
        if whole:
            raise GoJSONError("unexpected end of JSON input")
        return None
    scanner = Scanner(body)
    scanner.whole = whole
    scanner.any_number = any_number
    scanner.first = first
    scanner.run()
    try:
        with error_context(raised=GoJSONError, text="unexpected EOF"):
            found: object = _LENIENT.raw_decode(text, start)[0]
            return found
    except RecursionError:
        return deep_json.decode(text, start, _any_text)


def _without_surrogates(text: str) -> str:
    return _SURROGATE.sub("\ufffd", text)


def quote_char(byte: int) -> str:
    """Return a byte as Go quotes it in an error."""
    if byte == 0x27:
        return r"'\''"
    if byte == 0x22:
        return "'\"'"
    char = chr(byte)
    named = {7: r"\a", 8: r"\b", 9: r"\t", 10: r"\n", 11: r"\v", 12: r"\f", 13: r"\r", 0x5C: r"\\"}
    if byte in named:
        return f"'{named[byte]}'"
    if byte < 0x20 or byte == 0x7F:
        return f"'\\x{byte:02x}'"
    if 0x80 <= byte < 0xA0 or byte in (0xA0, 0xAD):
        return f"'\\u{byte:04x}'"
    return f"'{char}'"


_CONTEXT = {
    "value": " looking for beginning of value",
    "array-start": " looking for beginning of value",
    "array-comma": " after array element",
    "object-start": "",
    "object-key": " looking for beginning of object key string",
    "object-colon": " after object key",
    "object-comma": " after object key:value pair",
}
_CLOSING = {("]", "array-start"), ("]", "array-comma"), ("}", "object-start"), ("}", "object-comma")}
_LITERALS = {0x74: b"true", 0x66: b"false", 0x6E: b"null"}
_DIGITS = frozenset(b"0123456789")
_BLANKS = re.compile(rb"[ \t\r\n]*+")
_MORE_DIGITS = re.compile(rb"[0-9]*+")
_GOOD_TEXT = re.compile(rb'(?:[^"\\\x00-\x1f]++|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*+')
_PIECE = 256 * 1024
"""Bytes that one call of a regular expression reads: other threads run between the calls only."""
_ENDED = "unexpected end of JSON input"
_HEX = frozenset(b"0123456789abcdefABCDEF")


class Scanner:
    """Go's JSON scanner over a whole text, to find the error that Go reports first.

    ``run`` reads token after token; each method that reads one moves ``at`` behind it, and raises GoJSONError.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        """The position of the next byte."""
        self.state = "value"
        """What may come next: a key of ``_CONTEXT``, or ``end``."""
        self.stack: list[str] = []
        """The brackets that are open."""
        self.any_number = False
        """Whether numbers outside the range of a float are accepted."""
        self.whole = False
        """Whether the text has to be one value, as for ``json.Unmarshal``."""
        self.first = False
        """Whether what follows the first value is not read."""

    def run(self) -> None:
        """Read the text. Raises GoJSONError."""
        data = self.data
        while True:
            if self.at < len(data) and data[self.at] in b" \t\r\n":
                self.at = self.end_of(_BLANKS, self.at)
            if self.at >= len(data):
                if self.whole and self.state != "end":
                    raise GoJSONError(_ENDED)
                return
            self.token(data[self.at])
            if self.first and self.state == "value" and not self.stack:
                return

    def fail(self, byte: int, context: str) -> GoJSONError:
        """Return the error for a byte that cannot stand here."""
        return GoJSONError(f"invalid character {quote_char(byte)}{context}")

    def token(self, byte: int) -> None:
        """Read the token that begins with ``byte``."""
        state = self.state
        char = chr(byte)
        if state == "end":
            raise self.fail(byte, " after top-level value")
        if char == "," and state in ("array-comma", "object-comma"):
            self.at += 1
            self.state = "value" if state == "array-comma" else "object-key"
        elif char == ":" and state == "object-colon":
            self.at += 1
            self.state = "value"
        elif (char, state) in _CLOSING:
            self.close()
        elif char in ",:]}":
            raise self.fail(byte, _CONTEXT["object-key" if self.whole and state == "object-start" else state])
        elif state in ("object-start", "object-key"):
            if char != '"':
                raise self.fail(byte, _CONTEXT["object-key" if self.whole else state])
            self.string()
            self.state = "object-colon"
        elif state in ("object-colon", "object-comma", "array-comma"):
            raise self.fail(byte, _CONTEXT[state])
        elif char in "[{":
            self.open(char)
        else:
            self.literal(byte)
            self.after_value()

    def open(self, char: str) -> None:
        """Read an opening bracket."""
        self.at += 1
        self.stack.append(char)
        if len(self.stack) > MAX_DEPTH:
            raise GoJSONError("exceeded max depth")
        self.state = "array-start" if char == "[" else "object-start"

    def close(self) -> None:
        """Read a closing bracket."""
        self.at += 1
        self.stack.pop()
        self.after_value()

    def after_value(self) -> None:
        """Set what may follow the value that has ended."""
        if not self.stack:
            self.state = "end" if self.whole else "value"
        else:
            self.state = "array-comma" if self.stack[-1] == "[" else "object-comma"

    def literal(self, byte: int) -> None:
        """Read a string, a number, ``true``, ``false`` or ``null``."""
        if byte == 0x22:
            self.string()
        elif byte in _LITERALS:
            word = _LITERALS[byte]
            for offset, expected in enumerate(word[1:], 1):
                found = self.peek(self.at + offset)
                if found != expected:
                    text = word.decode()
                    raise self.fail(found, f" in literal {text} (expecting {quote_char(expected)})")
            self.at += len(word)
        elif byte in _DIGITS or byte == 0x2D:
            self.number()
        else:
            raise self.fail(byte, " looking for beginning of value")

    def end_of(self, pattern: re.Pattern[bytes], at: int) -> int:
        """Return the end of a repetition that begins at ``at``; earlier only in an escape at the end of a piece."""
        while True:
            found = pattern.match(self.data, at, at + _PIECE)
            end = found.end() if found is not None else at
            if end < at + _PIECE:
                return end
            at = end

    def peek(self, at: int) -> int:
        """Return the byte at a position within a token. Raises GoJSONError at the end of the text."""
        if at >= len(self.data):
            if self.whole:
                return 0x20  # Go's scanner ends a whole text with a blank.
            error = GoJSONError("unexpected EOF")
            error.ended = True
            raise error
        return self.data[at]

    def string(self) -> None:
        """Read a string."""
        at = self.at + 1
        while True:
            at = self.end_of(_GOOD_TEXT, at)
            if self.whole and at >= len(self.data):
                raise GoJSONError(_ENDED)
            byte = self.peek(at)
            if byte == 0x22:
                self.at = at + 1
                return
            if byte < 0x20:
                raise self.fail(byte, " in string literal")
            if byte == 0x5C:
                at += 1
                escape = self.peek(at)
                if escape == 0x75:
                    for offset in range(1, 5):
                        digit = self.peek(at + offset)
                        if digit not in _HEX:
                            raise self.fail(digit, r" in \u hexadecimal character escape")
                    at += 4
                elif escape not in b'bfnrt\\/"':
                    raise self.fail(escape, " in string escape code")
            at += 1

    def number(self) -> None:
        """Read a number."""
        data, at = self.data, self.at
        if data[at] == 0x2D:
            at += 1
            if (found := self.peek(at)) not in _DIGITS:
                raise self.fail(found, " in numeric literal")
        if data[at] == 0x30:
            at += 1
        else:
            at = self.digits(at)
        if at < len(data) and data[at] == 0x2E:
            at += 1
            if (found := self.peek(at)) not in _DIGITS:
                raise self.fail(found, " after decimal point in numeric literal")
            at = self.digits(at)
        if at < len(data) and data[at] in b"eE":
            at += 1
            if self.peek(at) in b"+-":
                at += 1
            if (found := self.peek(at)) not in _DIGITS:
                raise self.fail(found, " in exponent of numeric literal")
            at = self.digits(at)
        if not self.any_number:
            _number(data[self.at : at].decode())
        self.at = at

    def digits(self, at: int) -> int:
        """Return the end of the digits at ``at``."""
        return self.end_of(_MORE_DIGITS, at)
