"""Writing JSON as Go's ``encoding/json`` does: map keys sorted, ``<>&`` escaped, numbers as they were sent."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from json import encoder

from mockkms.vault.golang import deep_json
from mockkms.vault.golang.number import Number

# A number keeps its text through the encoder as a string with a random mark, which a client cannot forge.
_LONGEST_INT = 4000
"""Digits: Python refuses longer texts of whole numbers."""
_MARK = secrets.token_hex(16)
_MARKED = re.compile(rf'"{_MARK}([^"\\]*(?:\\.[^"\\]*)*)"')


def _read(text: str) -> int | Number:
    """Return a number as it was sent: whole numbers that an ``int`` holds exactly, else the text."""
    plain = text != "-0" and text.lstrip("-").isdigit() and len(text) < _LONGEST_INT
    return int(text) if plain else Number(text)


_DECODER = json.JSONDecoder(parse_float=Number, parse_int=_read)


class Encoded(Mapping[str, object]):
    """A JSON object kept as the text that ``encode`` produced, so that deep nesting costs no recursion.

    It behaves as the mapping it encodes and is decoded on each access.
    """

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def value(self) -> dict[str, object]:
        """Return the object as dicts and lists of its own."""
        try:
            found: object = _DECODER.decode(self.text)
        except RecursionError:
            found = deep_json.decode(self.text, 0, _read)
        assert isinstance(found, dict)
        return found

    def __getitem__(self, key: str) -> object:
        return self.value()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.value())

    def __len__(self) -> int:
        return len(self.value())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Encoded):
            return self.text == other.text
        return isinstance(other, Mapping) and bool(self.value() == dict(other))

    def __repr__(self) -> str:
        return f"Encoded({self.text!r})"

    def __reduce__(self) -> tuple[type[Encoded], tuple[str]]:
        return Encoded, (self.text,)


_LONG = 64 * 1024
"""Characters of a text from which on an answer with it takes long."""


def is_long(kept: object) -> bool:
    """Return whether a value is a text so long that an answer with it takes long."""
    return isinstance(kept, Encoded) and len(kept.text) > _LONG


def keep(value: object) -> Encoded:
    """Return a decoded JSON value as its text."""
    return Encoded(encode(value))


def in_order(value: object) -> Encoded:
    """Return an object as its text, with its members, and those below, in their order: as Go writes structs."""
    return Encoded(encode(value, ordered=True))


def _default(value: object) -> str:
    if isinstance(value, (Number, Encoded)):
        return _MARK + value.text
    raise TypeError(f"{type(value).__name__} is not JSON")


def _writer(*, sort_keys: bool) -> Callable[[object], str]:
    """Return an encoder to reuse: ``JSONEncoder.encode`` builds one for every call, two thirds of a short answer's
    cost.
    """
    whole = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=sort_keys, default=_default)
    make = getattr(encoder, "c_make_encoder", None)
    if make is None:
        return whole.encode
    parts = make(None, _default, encoder.encode_basestring, None, ":", ",", sort_keys, False, True)
    return lambda value: "".join(parts(value, 0))


_SORTED, _ORDERED = _writer(sort_keys=True), _writer(sort_keys=False)
_UNSAFE = re.compile("[<>&\u2028\u2029]")
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def _unmarked(match: re.Match[str]) -> str:
    inner = match[1]
    return str(json.loads(f'"{inner}"')) if "\\" in inner else inner


def encode(value: object, *, ordered: bool = False) -> str:
    """Return ``value`` as Go's encoder writes it, without a final newline: ``<>&`` escaped, map keys sorted unless
    ``ordered``.
    """
    if type(value) is Encoded:  # isinstance() with a Mapping would be a call of Python code.
        return value.text
    if isinstance(value, dict) and not ordered and Encoded in map(type, value.values()):
        # A text that is written already need not go through the writer as a text within a text.
        return "{" + ",".join(f"{encode(key)}:{encode(value[key])}" for key in sorted(value)) + "}"
    try:
        text = _ORDERED(value) if ordered else _SORTED(value)
    except RecursionError:
        text = deep_json.encode(value, _ORDERED, sort_keys=not ordered)
    if _MARK in text:
        text = _MARKED.sub(_unmarked, text)
    # One search for all of them takes forty times as long.
    if "<" in text or ">" in text or "&" in text or "\u2028" in text or "\u2029" in text:
        text = _UNSAFE.sub(lambda match: _ESCAPES[match.group()], text)
    return text
