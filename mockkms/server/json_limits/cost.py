"""The real server's estimate of the memory for a JSON body: it refuses bodies that need too much."""

from __future__ import annotations

import re
from itertools import islice

MOST_MEMORY = 32 * 1024 * 1024 + 512 * 1024
"""Bytes by the server's estimate; its default ``max_request_json_memory``."""
_STRING = re.compile(rb'"([^"\\]*(?:\\.[^"\\]*)*)"', re.DOTALL)
_NUMBER = re.compile(rb"-?[0-9][0-9.eE+-]*")
_CONSTANTS = (b"true", b"false", b"null")
# Bytes that the server counts for a value of each kind, in addition to the bytes of a string.
_OBJECT, _ARRAY, _TEXT, _DIGITS, _CONSTANT = 88, 40, 32, 24, 17


def fault(body: bytes, most_strings: int) -> str | None:
    """Return the server's message for the limit that the body exceeds first; None if it exceeds neither."""
    end = _end_of_string(body, most_strings)
    read = body if end is None else body[:end]
    if _bound(read) > MOST_MEMORY and _memory(read) > MOST_MEMORY:
        return "exceeded maximum estimated memory limits"
    return None if end is None else "exceeded maximum number of strings"


def _end_of_string(body: bytes, number: int) -> int | None:
    """Return the end of the string with this number, counted from 0; None if there are fewer."""
    if body.count(b'"') < 2 * number:
        return None
    found = next(islice(_STRING.finditer(body), number, None), None)
    return None if found is None else found.end()


def _bound(body: bytes) -> int:
    """Return an upper bound of ``_memory`` that is fast to compute."""
    objects, arrays = body.count(b"{"), body.count(b"[")
    values = body.count(b",") + body.count(b":") + objects + arrays + 1
    return len(body) + values * _TEXT + objects * _OBJECT + arrays * _ARRAY


def _memory(body: bytes) -> int:
    bare, strings = _STRING.subn(b'"', body)
    texts = len(body) - len(bare) - strings + strings * _TEXT
    structure = bare.count(b"{") * _OBJECT + bare.count(b"[") * _ARRAY
    constants = sum(bare.count(word) for word in _CONSTANTS) * _CONSTANT
    return texts + structure + constants + len(_NUMBER.findall(bare)) * _DIGITS
