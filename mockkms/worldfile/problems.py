"""The error of an invalid world, with all problems of it."""

from __future__ import annotations

from collections.abc import Iterable

from mockkms.vault.framework.shapes.nodes import Problem

__all__ = ["Problem", "SeedError"]


class SeedError(ValueError):
    """An invalid world. ``problems`` has all of its errors; ``unreadable``: it has none, its file cannot be read."""

    def __init__(self, problems: Iterable[Problem], *, unreadable: bool = False) -> None:
        self.problems = list(problems)
        self.unreadable = unreadable
        super().__init__("\n".join(str(problem) for problem in self.problems))
