"""The real server's estimate of the memory for a JSON body: it refuses bodies that need too much."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from mockkms.vault.golang import json as go_json

MOST_MEMORY = 32 * 1024 * 1024 + 512 * 1024
"""Bytes by the server's estimate; its default ``max_request_json_memory``."""
# A string that is not closed ends with the body. Otherwise the rest would be read again from each quote in it.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_AT_ONCE = 1_000
"""Strings that one call of the regular expressions reads: other threads run between the calls only."""
_PIECE = 64 * 1024
"""Bytes without strings that are estimated at once."""
_OF_NUMBERS = b"0123456789.eE+-"
_MARKED = bytes(ord("0") if byte in _OF_NUMBERS else ord(" ") for byte in range(256))
_CONSTANTS = (b"true", b"false", b"null")
# Bytes that the server counts for a value of each kind, in addition to the bytes of a string.
_OBJECT, _ARRAY, _TEXT, _DIGITS, _CONSTANT = 88, 40, 32, 24, 17


def fault(body: bytes, most_strings: int) -> str | None:
    """Return the server's message for the limit that the body exceeds first; None if it exceeds neither."""
    end = _end_of_string(body, most_strings)
    read = body if end is None else body[:end]
    if bound(read) > MOST_MEMORY and memory(read) > MOST_MEMORY:
        return "exceeded maximum estimated memory limits"
    return None if end is None else "exceeded maximum number of strings"


def fault_before_decoding(body: bytes, most_strings: int) -> str | None:
    """Return the message of ``fault`` if that is certain without decoding the body as a whole.

    The server reads a body token by token, and refuses it at the first one beyond a limit, whatever follows. None if no
    limit is exceeded, or if what precedes that token is not the beginning of a valid body.
    """
    end = _end_of_string(body, most_strings)
    read = body if end is None else body[:end]
    text = "exceeded maximum number of strings"
    if bound(read) > MOST_MEMORY:
        total = end_of_memory = 0
        for piece, end_of_memory in _small_pieces(read):
            total += _memory_of_piece(piece)
            if total > MOST_MEMORY:
                read, text, end = read[:end_of_memory], "exceeded maximum estimated memory limits", end_of_memory
                break
    return None if end is None or not go_json.begins_valid(read) else text


def _small_pieces(body: bytes) -> Iterator[tuple[bytes, int]]:
    """Divide a body with few strings between its tokens; return each piece with its end."""
    start = 0
    for match in _STRING.finditer(body):
        yield from _between(body, start, match.start())
        yield match.group(), match.end()
        start = match.end()
    yield from _between(body, start, len(body))


def _between(body: bytes, start: int, end: int) -> Iterator[tuple[bytes, int]]:
    """Divide a part without strings, each piece after a comma."""
    while start < end:
        comma = body.find(b",", min(start + _PIECE, end), end)
        until = comma + 1 if comma >= 0 else end
        yield body[start:until], until
        start = until


def _end_of_string(body: bytes, number: int) -> int | None:
    """Return the end of the string with this number, counted from 0; None if there are fewer."""
    if body.count(b'"') < 2 * number:
        return None
    found = _STRING.finditer(body)
    for _ in range(number // _AT_ONCE):
        next(islice(found, _AT_ONCE - 1, None), None)
    last = next(islice(found, number % _AT_ONCE, None), None)
    return None if last is None else last.end()


def bound(body: bytes) -> int:
    """Return an upper bound of ``memory`` that is fast to compute."""
    objects, arrays = body.count(b"{"), body.count(b"[")
    values = body.count(b",") + body.count(b":") + objects + arrays + 1
    return len(body) + values * _TEXT + objects * _OBJECT + arrays * _ARRAY


def memory(body: bytes) -> int:
    """Return the server's estimate for a body, in bytes."""
    return sum(_memory_of_piece(piece) for piece in _pieces(body))


def _pieces(body: bytes) -> Iterator[bytes]:
    """Divide a body at ends of strings, into pieces with few strings."""
    start = 0
    found = _STRING.finditer(body)
    while (match := next(islice(found, _AT_ONCE - 1, None), None)) is not None:
        yield body[start : match.end()]
        start = match.end()
    yield body[start:]


def _memory_of_piece(piece: bytes) -> int:
    bare, strings = _STRING.subn(b'"', piece)
    texts = len(piece) - len(bare) - strings + strings * _TEXT
    structure = bare.count(b"{") * _OBJECT + bare.count(b"[") * _ARRAY
    constants = 0
    for word in _CONSTANTS:
        constants += bare.count(word) * _CONSTANT
        bare = bare.replace(word, b" ")
    return texts + structure + constants + _numbers(bare) * _DIGITS


def _numbers(bare: bytes) -> int:
    """Return how many numbers there are outside of strings and constants.

    Counting in bytes is fast; a regular expression would make an object of each number of millions.
    """
    return (b" " + bare.translate(_MARKED)).count(b" 0")
