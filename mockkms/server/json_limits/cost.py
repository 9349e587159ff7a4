"""How much a JSON body would cost the real server, by its own estimate: it refuses what is too costly."""

from __future__ import annotations

import re
from itertools import islice

MOST_MEMORY = 32 * 1024 * 1024 + 512 * 1024
"""Bytes by the server's estimate; its default ``max_request_json_memory``."""
_STRING = re.compile(rb'"([^"\\]*(?:\\.[^"\\]*)*)"', re.DOTALL)
_NUMBER = re.compile(rb"-?[0-9][0-9.eE+-]*")
_CONSTANTS = (b"true", b"false", b"null")
# What the server counts for a value of each kind, besides a text's own bytes.
_OBJECT, _ARRAY, _TEXT, _DIGITS, _CONSTANT = 88, 40, 32, 24, 17


def fault(body: bytes, most_strings: int) -> str | None:
    """Which of the two limits the body breaks first, in the server's words; None if neither."""
    end = _end_of_string(body, most_strings)
    told = body if end is None else body[:end]
    if _bound(told) > MOST_MEMORY and _memory(told) > MOST_MEMORY:
        return "exceeded maximum estimated memory limits"
    return None if end is None else "exceeded maximum number of strings"


def _end_of_string(body: bytes, number: int) -> int | None:
    """Where the string with this number (the first is 0) ends; None if there are fewer."""
    if body.count(b'"') < 2 * number:
        return None
    found = next(islice(_STRING.finditer(body), number, None), None)
    return None if found is None else found.end()


def _bound(body: bytes) -> int:
    """At most so much: quick to tell."""
    objects, arrays = body.count(b"{"), body.count(b"[")
    values = body.count(b",") + body.count(b":") + objects + arrays + 1
    return len(body) + values * _TEXT + objects * _OBJECT + arrays * _ARRAY


def _memory(body: bytes) -> int:
    bare, strings = _STRING.subn(b'"', body)
    texts = len(body) - len(bare) - strings + strings * _TEXT
    structure = bare.count(b"{") * _OBJECT + bare.count(b"[") * _ARRAY
    constants = sum(bare.count(word) for word in _CONSTANTS) * _CONSTANT
    return texts + structure + constants + len(_NUMBER.findall(bare)) * _DIGITS
