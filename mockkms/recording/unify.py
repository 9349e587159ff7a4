"""Comparing recorded JSON with real JSON: a placeholder matches any text or number."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mockkms.recording.exchange import RecordedRequest
from mockkms.recording.placeholders import PLACEHOLDER
from mockkms.vault.golang.json_text import encode
from mockkms.world.journal.hiding import Secret

Found = list[tuple[str, Secret]]
"""Placeholders, each with the value in its place."""
_MARK = "(mockkms:"


def unify(recorded: object, real: object, found: Found) -> bool:
    """Return whether two JSON values are the same but for placeholders; their values are added to ``found``."""
    if isinstance(recorded, str):
        return _texts(recorded, real, found) if _MARK in recorded else recorded == real and isinstance(real, str)
    if isinstance(recorded, dict):
        return (
            isinstance(real, dict)
            and recorded.keys() == real.keys()
            and all(unify(recorded[name], real[name], found) for name in sorted(recorded))
        )
    if isinstance(recorded, list):
        return (
            isinstance(real, list)
            and len(recorded) == len(real)
            and all(unify(one, other, found) for one, other in zip(recorded, real, strict=True))
        )
    return recorded == real and isinstance(recorded, bool) == isinstance(real, bool)


def unify_text(recorded: str, real: str, found: Found) -> bool:
    """Return whether two texts are the same but for placeholders."""
    return _texts(recorded, real, found) if _MARK in recorded else recorded == real


def unify_requests(recorded: RecordedRequest, real: RecordedRequest, found: Found) -> bool:
    """Return whether two requests are the same but for secrets. The token comes first among those."""
    found.append((recorded.token, real.token))
    return (
        unify_text(recorded.path, real.path, found)
        and len(recorded.query) == len(real.query)
        and all(
            one[0] == other[0] and unify_text(one[1], other[1], found)
            for one, other in zip(recorded.query, real.query, strict=True)
        )
        and recorded.body.kind == real.body.kind
        and unify(recorded.body.value, real.body.value, found)
    )


def _texts(recorded: str, real: object, found: Found) -> bool:
    if PLACEHOLDER.fullmatch(recorded):
        if isinstance(real, bool) or not isinstance(real, Secret) or real == "":
            return False
        found.append((recorded, real))
        return True
    if not isinstance(real, str):
        return False
    return _texts_between(PLACEHOLDER.split(recorded), PLACEHOLDER.findall(recorded), real, found)


def _texts_between(parts: list[str], placeholders: list[str], real: str, found: Found) -> bool:
    """Match the texts around placeholders, each as early as possible: in linear time, unlike a regular expression."""
    if not real.startswith(parts[0]) or not real.endswith(parts[-1]):
        return False
    at, end = len(parts[0]), len(real) - len(parts[-1])
    for name, part in zip(placeholders, parts[1:-1], strict=False):
        # A secret has at least one character.
        until = real.find(part, at + 1, end)
        if until < 0:
            return False
        found.append((name, real[at:until]))
        at = until + len(part)
    if at >= end:
        return False
    found.append((placeholders[-1], real[at:end]))
    return True


def slots(request: RecordedRequest) -> tuple[str, ...]:
    """Return the placeholders of a recorded request in the order in which ``unify_requests`` finds them."""
    parts = (request.path, [value for _, value in request.query], request.body.value)
    return (request.token, *(name for part in parts for name in placeholders_in(part)))


def placeholders_in(value: object) -> Iterator[str]:
    """Yield the placeholders in recorded JSON, those of an object in the order of its names."""
    for text in _leaves(value):
        if _MARK in text:
            yield from PLACEHOLDER.findall(text)


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name in sorted(value):
            yield from _leaves(value[name])
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)


def canonical(request: RecordedRequest) -> str:
    """Return query and body as text that is equal for requests that differ in secrets only."""
    text = encode([[list(pair) for pair in request.query], request.body.kind, request.body.value])
    return PLACEHOLDER.sub("(mockkms)", text) if _MARK in text else text


def filled(value: object, value_of: Callable[[str], Secret]) -> object:
    """Return recorded JSON with values in place of its placeholders."""
    if isinstance(value, str):
        if _MARK not in value:
            return value
        if PLACEHOLDER.fullmatch(value):
            return value_of(value)
        return PLACEHOLDER.sub(lambda found: str(value_of(found[0])), value)
    if isinstance(value, dict):
        return {name: filled(item, value_of) for name, item in value.items()}
    return [filled(item, value_of) for item in value] if isinstance(value, list) else value
