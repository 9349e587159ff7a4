"""The error for a request that is not in a recording: it names the nearest recorded request and what differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher, get_close_matches

from mockkms.recording.exchange import Exchange, RecordedRequest
from mockkms.recording.unify import unify, unify_text
from mockkms.vault.golang.json_text import encode

_LONGEST = 200
"""Characters of a path in the message."""
_MOST = 5
"""Differences that are named."""
_COMPARED = 1000
"""Recorded requests of one path that are compared."""


def nearest(name: str, exchanges: Sequence[Exchange], request: RecordedRequest) -> str:
    """Return the message about the recording or section ``name``.

    It shows recorded values, which hold no secrets, and no values that were sent.
    """
    what = f"mockkms: not in {name}: {request.method} {_short(request.path)}"
    if not exchanges:
        return f"{what}; it has no requests"
    same = [one for one in _numbered(exchanges) if unify_text(one[1].request.path, request.path, [])]
    if same:
        number, found, differences = min(
            ((number, one, _differences(one.request, request)) for number, one in same[:_COMPARED]),
            key=lambda pair: (pair[1].request.method != request.method, len(pair[2])),
        )
        shown = "; ".join(differences[:_MOST]) or "its secrets differ"
        if len(differences) > _MOST:
            shown += f"; and {len(differences) - _MOST} more"
        return f"{what}; the nearest recorded request is number {number}, {_line(found)}: {shown}"
    number, found = _nearest_path(exchanges, request)
    return f"{what}; the nearest recorded request is number {number}, {_line(found)}: its path differs"


def _nearest_path(exchanges: Sequence[Exchange], request: RecordedRequest) -> tuple[int, Exchange]:
    """Return number and exchange of the request with the most similar path, with the same method if there is one."""
    by_path = {one.request.path: (number, one) for number, one in reversed(_numbered(exchanges))}
    same_method = {path: pair for path, pair in by_path.items() if pair[1].request.method == request.method}
    candidates = same_method or by_path
    path = request.path[:_LONGEST]
    if len(candidates) <= _COMPARED:
        close = get_close_matches(path, candidates, n=1, cutoff=0.0)
        if close:
            return candidates[close[0]]
    # Many long texts: compare the letters that they have in common, not their order.
    return max(candidates.items(), key=lambda pair: SequenceMatcher(None, pair[0], request.path).quick_ratio())[1]


def _numbered(exchanges: Sequence[Exchange]) -> list[tuple[int, Exchange]]:
    return [*enumerate(exchanges, 1)]


def _line(exchange: Exchange) -> str:
    return f"{exchange.request.method} {_short(exchange.request.path)}"


def _short(path: str) -> str:
    return path if len(path) <= _LONGEST else path[:_LONGEST] + "…"


def _differences(recorded: RecordedRequest, real: RecordedRequest) -> list[str]:
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
