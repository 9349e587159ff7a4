"""Bounds of caches by path, which limit the memory that requests for arbitrary paths can use."""

from __future__ import annotations

from typing import Final

MOST_CACHED: Final = 4096
"""Entries of one cache; a full one is emptied."""
LONGEST_CACHED: Final = 256
"""Characters of a path or target; longer ones are not cached."""


class Budget:
    """Entries that some caches may add together before all of them are emptied."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MOST_CACHED
