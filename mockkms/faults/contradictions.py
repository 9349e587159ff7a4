"""Conditions that no request meets together, such as ``method: GET`` with ``operation: update``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mockkms.faults.matchers import All, Matcher, MethodWord, OperationWord, PathWord, ServiceWord
from mockkms.faults.parsing import Errors, FaultError

_OPERATIONS = {
    "GET": {"read", "list", "scan"},
    "HEAD": {"header", "read"},
    "POST": {"create", "update"},
    "PUT": {"create", "update"},
    "PATCH": {"patch"},
    "DELETE": {"delete"},
    "LIST": {"list"},
    "SCAN": {"scan"},
}
"""The operations that a method may be; every method may also ask for help."""


def check_together(groups: Sequence[tuple[str | int, Matcher]], errors: Errors) -> None:
    """Add an error for each group of conditions that no request meets beside an earlier one.

    Args:
        groups: Conditions that must all hold, with their place: a key, or the index in a list.
        errors: The errors found so far.
    """
    for index, (place, group) in enumerate(groups):
        for _, earlier in groups[:index]:
            with errors.at(place):
                for one in _flat(earlier):
                    for other in _flat(group):
                        _check_pair(one, other)


def _flat(matcher: Matcher) -> Iterator[Matcher]:
    """Return the conditions that must all hold."""
    if isinstance(matcher, All):
        for part in matcher.parts:
            yield from _flat(part)
    else:
        yield matcher


def _check_pair(one: Matcher, other: Matcher) -> None:
    """Raise FaultError if no request meets both conditions."""
    if isinstance(one, OperationWord) and isinstance(other, MethodWord):
        one, other = other, one
    if isinstance(one, MethodWord) and isinstance(other, OperationWord):
        allowed = {word for method in one.names for word in _OPERATIONS.get(method, other.names)}
        if not other.names & (allowed | {"help", "internal"}):
            methods, meant = ", ".join(sorted(one.names)), ", ".join(sorted(allowed))
            wanted = f"no {methods} request is one of {', '.join(sorted(other.names))}"
            raise FaultError(f"{wanted}: leave out method or operation; {methods} is {meant}")
    for kind in (MethodWord, OperationWord, ServiceWord):
        if isinstance(one, kind) and isinstance(other, kind) and not one.names & other.names:
            raise FaultError(f"no request has two values of {kind.word}: expected one, or a list of which one fits")
    if isinstance(one, PathWord) and isinstance(other, PathWord) and (one.excludes(other) or other.excludes(one)):
        raise FaultError("no request has both paths: expected one, or a list of which one fits")
