"""Writing JSON as Go's ``encoding/json`` does: map keys sorted, ``<>&`` escaped, numbers as they were sent."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable
from json import encoder
from typing import Any

from mockkms.vault.number import Number

# A number keeps its text through the encoder as a marked string, whose mark no client can know.
_MARK = secrets.token_hex(16)
_MARKED = re.compile(f'"{_MARK}([^"]*)"')


def _default(value: Any) -> str:
    if isinstance(value, Number):
        return _MARK + value.text
    raise TypeError(f"{type(value).__name__} is not JSON")


def _writer(sort_keys: bool) -> Callable[[Any], str]:
    """What ``JSONEncoder.encode`` makes anew at every call, made once: a short answer costs a third then."""
    whole = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=sort_keys, default=_default)
    make = getattr(encoder, "c_make_encoder", None)
    if make is None:
        return whole.encode
    parts = make(None, _default, encoder.encode_basestring, None, ":", ",", sort_keys, False, True)
    return lambda value: "".join(parts(value, 0))


_SORTED, _ORDERED = _writer(True), _writer(False)
_UNSAFE = re.compile("[<>&\u2028\u2029]")
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def encode(value: Any, *, ordered: bool = False) -> str:
    """``value`` as Go writes it: map keys sorted (``ordered``: as they stand), ``<>&`` escaped; no final newline."""
    text = _ORDERED(value) if ordered else _SORTED(value)
    if _MARK in text:
        text = _MARKED.sub(r"\1", text)
    if _UNSAFE.search(text):
        text = _UNSAFE.sub(lambda match: _ESCAPES[match.group()], text)
    return text
