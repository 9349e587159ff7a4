"""Writing JSON as Go's ``encoding/json`` does: map keys sorted, ``<>&`` escaped, numbers as they were sent."""

from __future__ import annotations

import json
import re
import secrets
from typing import Any

from mockkms.vault.number import Number

# A number keeps its text through the encoder as a marked string, whose mark no client can know.
_MARK = secrets.token_hex(16)
_MARKED = re.compile(f'"{_MARK}([^"]*)"')


def _default(value: Any) -> str:
    if isinstance(value, Number):
        return _MARK + value.text
    raise TypeError(f"{type(value).__name__} is not JSON")


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=_default)
_ORDERED = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_default)
_UNSAFE = re.compile("[<>&\u2028\u2029]")
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def encode(value: Any, *, ordered: bool = False) -> str:
    """``value`` as Go writes it: map keys sorted (``ordered``: as they stand), ``<>&`` escaped; no final newline."""
    text = (_ORDERED if ordered else _ENCODER).encode(value)
    if _MARK in text:
        text = _MARKED.sub(r"\1", text)
    if _UNSAFE.search(text):
        text = _UNSAFE.sub(lambda match: _ESCAPES[match.group()], text)
    return text
