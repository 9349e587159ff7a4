"""The error that a world raises when it cannot be used: with every fault, never only the first."""

from __future__ import annotations

from collections.abc import Iterable

from mockkms.vault.framework.shapes.nodes import Problem

__all__ = ["Problem", "SeedError"]


class SeedError(ValueError):
    """A world that cannot be used. ``problems`` holds every fault that was found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
