"""The error for a request that is not in a recording: it names the nearest recorded request and what differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher, get_close_matches

from mockkms.recording.exchange import Asked, Exchange
from mockkms.recording.unify import unify, unify_text
from mockkms.vault.golang.json_text import encode

_LONGEST = 200
"""Characters of a path in the message."""
_MOST = 5
"""Differences that are named."""
_COMPARED = 1000
"""Recorded requests of one path that are compared."""


def nearest(name: str, exchanges: Sequence[Exchange], asked: Asked) -> str:
    """Return the message about what ``name`` holds.

    It shows recorded values, which hold no secrets, and no values that were sent.
    """
    what = f"mockkms: not in {name}: {asked.method} {_short(asked.path)}"
    if not exchanges:
        return f"{what}; it has no requests"
    same = [one for one in _numbered(exchanges) if unify_text(one[1].asked.path, asked.path, [])]
    if same:
        number, found, differences = min(
            ((number, one, _differences(one.asked, asked)) for number, one in same[:_COMPARED]),
            key=lambda pair: (pair[1].asked.method != asked.method, len(pair[2])),
        )
        shown = "; ".join(differences[:_MOST]) + (
            f"; and {len(differences) - _MOST} more" if len(differences) > _MOST else ""
        )
        return (
            f"{what}; the nearest recorded request is number {number}, {_line(found)}: {shown or 'its secrets differ'}"
        )
    paths = {one.asked.path: (number, one) for number, one in reversed(_numbered(exchanges))}
    same_method = {path: pair for path, pair in paths.items() if pair[1].asked.method == asked.method}
    paths = same_method or paths
    close = get_close_matches(asked.path[:_LONGEST], paths, n=1, cutoff=0.0) if len(paths) <= _COMPARED else []
    number, found = (
        paths[close[0]]
        if close
        else min(paths.values(), key=lambda pair: -SequenceMatcher(None, pair[1].asked.path, asked.path).quick_ratio())
    )
    return f"{what}; the nearest recorded request is number {number}, {_line(found)}: its path differs"


def _numbered(exchanges: Sequence[Exchange]) -> list[tuple[int, Exchange]]:
    return [*enumerate(exchanges, 1)]


def _line(exchange: Exchange) -> str:
    return f"{exchange.asked.method} {_short(exchange.asked.path)}"


def _short(path: str) -> str:
    return path if len(path) <= _LONGEST else path[:_LONGEST] + "…"


def _differences(recorded: Asked, real: Asked) -> list[str]:
    found = []
    if recorded.method != real.method:
        found.append(f"its method is {recorded.method}")
    if recorded.namespace != real.namespace:
        found.append(f"its namespace is {recorded.namespace or 'the root namespace'}")
    for name in sorted({*recorded.headers, *real.headers}):
        if recorded.headers.get(name) != real.headers.get(name):
            found.append(f"its header {name} is {recorded.headers.get(name) or 'absent'}")
    if not unify([list(pair) for pair in recorded.query], [list(pair) for pair in real.query], []):
        query = "&".join(f"{name}={value}" for name, value in recorded.query)
        found.append(f"its query is {query or 'empty'}")
    if recorded.body.kind != real.body.kind:
        shown = {"none": "empty", "left out": "not recorded"}.get(recorded.body.kind, recorded.body.kind)
        found.append(f"its body is {shown}")
    else:
        found += _members(recorded.body.value, real.body.value, "")
    return found


def _members(recorded: object, real: object, path: str) -> Iterator[str]:
    """Yield the members of a body that differ, with the recorded value."""
    if isinstance(recorded, dict) and isinstance(real, dict):
        for name in sorted({*recorded, *real}):
            place = f"{path}.{name}" if path else str(name)
            if name not in recorded:
                yield f"it has no {place}"
            elif name not in real:
                yield f"its {place} is {_shown(recorded[name])}, which was not sent"
            else:
                yield from _members(recorded[name], real[name], place)
    elif isinstance(recorded, list) and isinstance(real, list) and len(recorded) == len(real):
        for at, (one, other) in enumerate(zip(recorded, real, strict=True)):
            yield from _members(one, other, f"{path}[{at}]")
    elif not unify(recorded, real, []):
        yield f"its {path or 'body'} is {_shown(recorded)}"


def _shown(value: object) -> str:
    text = encode(value, ordered=True)
    return text if len(text) <= 80 else text[:77] + "..."
