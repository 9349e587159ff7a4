"""Text in double quotes, as Go's ``%q`` writes it."""

from __future__ import annotations

_SHORT = {
    "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v",
    '"': '\\"', "\\": "\\\\",
}  # fmt: skip
_LONE_BYTES = range(0xDC80, 0xDD00)
"""What ``surrogateescape`` makes of bytes that are not UTF-8."""


def quote(text: str) -> str:
    """Return ``text`` in double quotes with what is not printable escaped, as ``%q`` does."""
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(char: str) -> str:
    if char in _SHORT:
        return _SHORT[char]
    if char.isprintable():
        return char
    code = ord(char)
    if code < 0x80 or code in _LONE_BYTES:
        return f"\\x{code & 0xFF:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
