"""The algebra of matchers: yes or no about a request, combined with ``& | ~``."""

from __future__ import annotations

from abc import ABC, abstractmethod

from mockkms.faults.request_view import Seen


class Matcher(ABC):
    """A yes or no about a request."""

    @abstractmethod
    def __call__(self, seen: Seen) -> bool:
        """Whether ``seen`` fits."""

    def __and__(self, other: Matcher) -> Matcher:
        return All((self, other))

    def __or__(self, other: Matcher) -> Matcher:
        return Any_((self, other))

    def __invert__(self) -> Matcher:
        return Not(self)

    def misses(self, seen: Seen) -> list[str]:
        """The words that do not fit ``seen``; for near-miss texts."""
        return [] if self(seen) else [type(self).__name__.lower().strip("_")]


class All(Matcher):
    """Every part fits."""

    def __init__(self, parts: tuple[Matcher, ...]) -> None:
        self.parts = parts

    def __call__(self, seen: Seen) -> bool:
        return all(part(seen) for part in self.parts)

    def misses(self, seen: Seen) -> list[str]:
        return [word for part in self.parts for word in part.misses(seen)]


class Any_(Matcher):
    """At least one part fits."""

    def __init__(self, parts: tuple[Matcher, ...]) -> None:
        self.parts = parts

    def __call__(self, seen: Seen) -> bool:
        return any(part(seen) for part in self.parts)


class Not(Matcher):
    """The part does not fit."""

    def __init__(self, part: Matcher) -> None:
        self.part = part

    def __call__(self, seen: Seen) -> bool:
        return not self.part(seen)
