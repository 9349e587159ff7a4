"""The base class of matchers and the operators that combine them: ``&``, ``|`` and ``~``."""

from __future__ import annotations

from abc import ABC, abstractmethod

from mockkms.faults.request_view import Seen


class Matcher(ABC):
    """A predicate over requests."""

    @abstractmethod
    def __call__(self, seen: Seen) -> bool:
        """Whether ``seen`` matches."""

    def __and__(self, other: Matcher) -> Matcher:
        return All((self, other))

    def __or__(self, other: Matcher) -> Matcher:
        return Any_((self, other))

    def __invert__(self) -> Matcher:
        return Not(self)

    def misses(self, seen: Seen) -> list[str]:
        """Return the match keys that do not match ``seen``, for the report of near misses."""
        return [] if self(seen) else [type(self).__name__.lower().strip("_")]


class All(Matcher):
    """Match when every part matches."""

    def __init__(self, parts: tuple[Matcher, ...]) -> None:
        self.parts = parts

    def __call__(self, seen: Seen) -> bool:
        return all(part(seen) for part in self.parts)

    def misses(self, seen: Seen) -> list[str]:
        return [word for part in self.parts for word in part.misses(seen)]


class Any_(Matcher):
    """Match when at least one part matches."""

    def __init__(self, parts: tuple[Matcher, ...]) -> None:
        self.parts = parts

    def __call__(self, seen: Seen) -> bool:
        return any(part(seen) for part in self.parts)


class Not(Matcher):
    """Match when the part does not."""

    def __init__(self, part: Matcher) -> None:
        self.part = part

    def __call__(self, seen: Seen) -> bool:
        return not self.part(seen)
