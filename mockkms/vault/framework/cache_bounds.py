"""Bounds on what is remembered by path: together they bound the memory that requests for made-up paths can take."""

from __future__ import annotations

from typing import Final

MOST_CACHED: Final = 4096
"""Entries of one cache; a full one is emptied."""
LONGEST_CACHED: Final = 512
"""Characters of a path or target; what a longer one leads to is worked out each time."""
