"""PEM as Go writes and reads it: 64 characters a line, a line break at the end; invalid blocks are skipped."""

from __future__ import annotations

import base64
import binascii
import re
from typing import NamedTuple

_BEGIN = re.compile(r"(?:^|(?<=\n))-----BEGIN ([^\n]*?)-----[ \t]*\r?\n")
_HEADER = re.compile(r"[^\n:]*:[^\n]*\n")


class Block(NamedTuple):
    """One PEM block and the text behind it."""

    label: str
    der: bytes
    rest: str
    headers: bool
    """Whether lines with names and values precede the content."""


def encode(label: str, der: bytes) -> str:
    """Return ``der`` between ``-----BEGIN label-----`` and its END."""
    text = base64.b64encode(der).decode()
    lines = "".join(text[at : at + 64] + "\n" for at in range(0, len(text), 64))
    return f"-----BEGIN {label}-----\n{lines}-----END {label}-----\n"


def decode(text: str) -> Block | None:
    """Return the first whole block of ``text``, or None."""
    for begin in _BEGIN.finditer(text):
        start = begin.end()
        while header := _HEADER.match(text, start):
            start = header.end()
        ending = f"-----END {begin[1]}-----"
        end = text.find(ending, start)
        if end < 0 or (end > start and text[end - 1] != "\n"):
            continue
        after = end + len(ending)
        line = text.find("\n", after)
        if text[after : line if line >= 0 else len(text)].strip(" \t\r"):
            continue
        try:
            body = re.sub(r"\s", "", text[start:end]).encode("ascii")
            der = binascii.a2b_base64(body, strict_mode=True)
        except ValueError:
            continue
        return Block(begin[1], der, text[line + 1 :] if line >= 0 else "", start > begin.end())
    return None
