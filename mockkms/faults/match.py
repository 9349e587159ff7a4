"""Parse a match: a path, or a mapping of match keys that must all match, combined with ``all``, ``any`` and ``not``."""

from __future__ import annotations

from collections.abc import Mapping

from mockkms.faults.contradictions import check_together
from mockkms.faults.matchers import MATCHERS, All, AnyOf, Matcher, MethodWord, Not, PathWord, ServiceWord
from mockkms.faults.parsing import Errors, FaultError, known_words, shown

COMBINED = ("all", "any", "not")
_DEPTH = 40
_MEANT = {"name": "key", "url": "path", "verb": "method", "headers": "header", "params": "query"}
"""Other names that users give to match keys."""


def match_words() -> set[str]:
    """Return every key allowed in a match."""
    return {*MATCHERS, *COMBINED}


def read_match(value: object, depth: int = 0) -> All:
    """Build a matcher from a mapping of match keys, all of which must match, from a path, or from a list of paths.

    Raises FaultError.
    """
    if isinstance(value, Matcher):
        return value if isinstance(value, All) else All((value,))
    if isinstance(value, (str, list, tuple)):
        value = {"path": value}
    if not isinstance(value, Mapping):
        wanted = f"a path, a list of paths, or a mapping of {', '.join(sorted(match_words()))}"
        raise FaultError(f"expected {wanted}, got {shown(value)}")
    if depth > _DEPTH:
        raise FaultError(f"nested too deeply: expected at most {_DEPTH} levels of all, any and not")
    parts: list[Matcher] = []
    groups: list[tuple[str | int, Matcher]] = []
    errors = Errors()
    for word, item in known_words(value, match_words(), errors, "match key", meant=_MEANT).items():
        with errors.at(word):
            parts.append(_part(word, item, depth))
            groups.append((word, parts[-1]))
    check_together(groups, errors)
    errors.raise_all()
    # Cheap tests first: service and path decide most requests.
    parts.sort(key=lambda part: 0 if isinstance(part, (ServiceWord, MethodWord, PathWord)) else 1)
    return All(tuple(parts))


def _part(word: str, item: object, depth: int) -> Matcher:
    if word in MATCHERS:
        return MATCHERS[word](item)
    if word == "not":
        if item == {}:
            raise FaultError("an empty match fits every request, so the rule never fires: expected a match key")
        return Not(read_match(item, depth + 1))
    if not isinstance(item, (list, tuple)):
        raise FaultError(f"expected a list of matches, got {shown(item)}")
    if word == "any" and not item:
        raise FaultError("an empty list fits no request: expected at least one match, such as [{method: GET}]")
    parts = []
    errors = Errors()
    for place, one in enumerate(item):
        with errors.at(place):
            parts.append(read_match(one, depth + 1))
    if word == "all":
        check_together([*enumerate(parts)], errors)
    errors.raise_all()
    return All(tuple(parts)) if word == "all" else AnyOf(tuple(parts))
