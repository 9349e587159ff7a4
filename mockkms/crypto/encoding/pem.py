"""PEM as Go writes and reads it: 64 characters a line, a line break at the end; invalid blocks are skipped."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import NamedTuple

_BEGIN, _END, _DASHES = "-----BEGIN ", "\n-----END ", "-----"
_IGNORED = dict.fromkeys(map(ord, " \t\r\n"))


class Block(NamedTuple):
    """One PEM block, and where it ends in the text that it was read from."""

    label: str
    der: bytes
    headers: bool
    """Whether lines with names and values precede the content."""
    text: str
    end: int

    @property
    def rest(self) -> str:
        """The text behind the block, a copy."""
        return self.text[self.end :]


def encode(label: str, der: bytes) -> str:
    """Return ``der`` between ``-----BEGIN label-----`` and its END."""
    text = base64.b64encode(der).decode()
    lines = "".join(text[at : at + 64] + "\n" for at in range(0, len(text), 64))
    return f"-----BEGIN {label}-----\n{lines}-----END {label}-----\n"


def blocks(text: str) -> Iterator[Block]:
    """Yield all whole blocks of ``text``, in time linear in its length."""
    at = 0
    while (block := decode(text, at)) is not None:
        yield block
        at = block.end


def decode(text: str, at: int = 0) -> Block | None:
    """Return the first whole block of ``text`` from ``at`` on, or None (source: ``encoding/pem`` of Go)."""
    while (end := text.find(_END, at)) >= 0:
        begin = text.rfind(_BEGIN, at, end)
        at, last = end + len(_END), at
        if begin < 0 or (begin > last and text[begin - 1] != "\n"):
            continue
        line, start = _line(text, begin + len(_BEGIN))
        if not line.endswith(_DASHES):
            continue
        label, headers = line.removesuffix(_DASHES), False
        while start < len(text) and ":" in (header := _line(text, start))[0]:
            headers, start = True, header[1]
        if start >= len(text) or start > at:
            return None  # Lines behind the end were taken for headers, where Go gives up.
        ending, rest = _line(text, at)
        if ending != label + _DASHES or (headers and start > end):
            continue
        body = text[start : max(start, end)].translate(_IGNORED)
        if len(body) % 4:  # The library accepts too much padding.
            continue
        try:
            der = binascii.a2b_base64(body.encode("ascii"), strict_mode=True)
        except ValueError:
            continue
        return Block(label, der, headers, text, rest)
    return None


def _line(text: str, at: int) -> tuple[str, int]:
    """Return the line that begins at a place, without blanks at its end, and where the next one begins."""
    end = text.find("\n", at)
    line, after = (text[at:], len(text)) if end < 0 else (text[at:end].removesuffix("\r"), end + 1)
    return line.rstrip(" \t"), after
