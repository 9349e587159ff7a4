"""How much of one request the journal keeps, and how many bytes that takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from sys import getsizeof

from mockkms.world.journal.entry import Entry

PART_LIMIT = 16 * 1024
"""Bytes or characters kept of each part of an entry: target, headers, token, each body."""
_ENTRY = 2048
"""Bytes of a usual entry without its target, headers, token and bodies, at most."""


def shorten(entry: Entry, body_limit: int = PART_LIMIT) -> None:
    """Cut parts beyond their limits; ``entry.shortened`` has their names."""
    cut = [*entry.shortened]
    if len(entry.method) > PART_LIMIT:
        entry.method = entry.method[:PART_LIMIT]
        cut.append("method")
    if len(entry.body) > body_limit:
        entry.body = entry.body[:body_limit]
        cut.append("body")
    if len(entry.answer) > body_limit:
        entry.answer = entry.answer[:body_limit]
        cut.append("answer")
    if entry.asked is not None and len(entry.asked[1]) > PART_LIMIT:
        entry.asked = (entry.asked[0], entry.asked[1][:PART_LIMIT])
        cut.append("token")
    if len(entry.trace.namespace) > PART_LIMIT:
        entry.trace = replace(entry.trace, namespace=entry.trace.namespace[:PART_LIMIT])
        cut.append("namespace")
    entry.shortened = tuple(cut)


def shortened_headers(headers: Mapping[str, str]) -> Mapping[str, str] | None:
    """Return the first headers up to the limit, their names in lower case; None where all are within it."""
    if sum(map(len, headers)) + sum(map(len, headers.values())) <= PART_LIMIT:
        return None
    kept: dict[str, str] = {}
    left = PART_LIMIT
    for name, text in headers.items():
        left -= len(name)
        if left <= 0:
            break
        kept.setdefault(name.lower(), text[:left])
        left -= len(text)
    return kept


def size_of_headers(headers: Mapping[str, str]) -> int:
    """Return about how many bytes headers take."""
    return sum(getsizeof(name) + getsizeof(text) for name, text in headers.items())


def size_of_target(target: str, shown: str) -> int:
    """Return about how many bytes a target takes, with its shown form if that is another text."""
    return getsizeof(target) + (0 if shown is target else getsizeof(shown))


def size(entry: Entry, headers: int, target: int) -> int:
    """Return about how many bytes an entry takes, whose headers take ``headers`` and whose target takes ``target``.

    No part of an entry that takes at most ``PART_LIMIT`` bytes in all exceeds its own limit.
    """
    asked = entry.asked
    token = len(asked[1]) if asked is not None else 0
    named = len(entry.method) + len(entry.trace.namespace)
    return _ENTRY + target + headers + len(entry.body) + len(entry.answer) + token + named
