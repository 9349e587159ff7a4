"""What is wrong with a value of a world file, and where."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault. Line and column count from 1; 0 where the world came from Python and has no file."""

    file: str
    line: int
    column: int
    path: str
    """Where in the world: ``vault.mounts.transit/.keys.orders.type``."""
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


def nearest(word: str, words: Iterable[str]) -> str:
    """Return ``; did you mean "x"?``, or all names if they are few, or an empty text."""
    known = sorted(words)
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return f'; did you mean "{close[0]}"?'
    return f"; known here: {', '.join(known)}" if 0 < len(known) <= 24 else ""
