"""Removing secrets from journal entries: target, headers and JSON are kept, with a mark in place of every secret.

``hiding`` decides what a secret is.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from mockkms.faults import addresses
from mockkms.faults.addresses import REDACTED
from mockkms.json_reading import read_json
from mockkms.world.journal.bounds import PART_LIMIT
from mockkms.world.journal.entry import Entry
from mockkms.world.journal.hiding import PARSED, Hide, Known


def redact(entry: Entry, known: Known = lambda token: False) -> None:
    """Remove the secrets from an entry's target, headers, bodies and remarks.

    ``known`` says whether a text is a token. A body that is not JSON is removed as a whole, except for error pages.
    """
    hide = Hide(entry, known)
    # Python's hash of texts differs from process to process: a secret cannot be guessed from it.
    entry.hidden = hash((entry.target, entry.body))
    headers = {name: hide.header(name.lower(), text) for name, text in entry.headers.items()}
    asked, given = _marked(entry.body, hide.request), _marked(entry.answer, hide.answer)
    # Only now are all secrets of the request known.
    entry.headers = {name: hide.sweep(text) for name, text in headers.items()}
    entry.body = _written(entry.body, asked, hide)
    page = entry.status >= 400 and entry.answer[:1] not in (b"{", b"[")
    entry.answer = hide.page(entry.answer) if page else _written(entry.answer, given, hide)
    target = addresses.hide(addresses.cut(entry.target, PART_LIMIT), known, strict=True)
    entry.shortened = ("target",) if len(entry.target) > PART_LIMIT else ()
    entry.target = entry.shown_target = hide.sweep(target)
    entry.unexpected = hide.text(entry.unexpected)
    hint, rule = hide.text(entry.trace.hint), hide.text(entry.trace.rule)
    if (hint, rule) != (entry.trace.hint, entry.trace.rule):
        entry.trace = replace(entry.trace, hint=hint, rule=rule)


_UNREADABLE = object()


def _marked(body: bytes, mark: Callable[[object], object]) -> object:
    """Return the JSON of a body with the secrets that ``mark`` sees replaced; ``_UNREADABLE`` for what is not JSON."""
    if not body or len(body) > PARSED:
        return _UNREADABLE
    try:
        return mark(read_json(body))
    except (ValueError, RecursionError):
        return _UNREADABLE


def _written(body: bytes, marked: object, hide: Hide) -> bytes:
    if not body:
        return body
    if marked is not _UNREADABLE:
        try:
            text = json.dumps(hide.texts(marked), separators=(",", ":"), ensure_ascii=False)
            return text.encode(errors="replace")
        except RecursionError:
            pass
    return f"{REDACTED[:-1]}: {len(body)} bytes)".encode()
