"""The values of a world file, each with the place where it was written, and what is wrong with them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

LACKS_KEY = "the key "
"""Begins the message about a key that is missing."""
KNOWN_HERE = "; known here: "
"""Begins the list of all names, in a message about an unknown one."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem. Line and column start at 1; they are 0 if the world came from Python, without a file."""

    file: str
    line: int
    column: int
    path: str
    """Where in the world: ``vault.mounts.transit/.keys.orders.type``."""
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


@dataclass(slots=True)
class KeyEntry:
    """One key of a mapping, with the place of the key."""

    key: str
    line: int
    column: int
    value: Node


@dataclass(slots=True)
class Node:
    """One value: ``kind`` is mapping, list, text, integer, number, boolean, null or time."""

    kind: str
    value: object
    """Mapping: dict of key to KeyEntry; list: list of Node; scalars: the Python value; time: its text."""
    file: str = "<dict>"
    line: int = 0
    column: int = 0
    text: str = ""
    """A scalar as it was written."""
    style: str = ""
    """Of a scalar: ``|`` or ``>`` for blocks, a quotation mark, or empty."""
    indent: int = 0
    """Of a block scalar: the indentation of its lines."""

    @property
    def entries(self) -> dict[str, KeyEntry]:
        """The entries of a mapping by their keys; none of any other value."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def items(self) -> list[Node]:
        """The items of a list; none of any other value."""
        return self.value if isinstance(self.value, list) else []

    def place(self, line: int, column: int) -> tuple[int, int]:
        """Return line and column in the file of a place inside this text; all start at 1."""
        if self.style == "|" and line:
            return self.line + line, self.indent + max(1, column)
        if self.style != ">" and line == 1 and self.line:
            return self.line, self.column + max(1, column) - 1 + (self.style != "")
        return self.line, self.column

    def problem(self, path: str, message: str) -> Problem:
        """Return a problem with this value."""
        return Problem(self.file, self.line, self.column, path, message)

    def plain(self) -> object:
        """Return the value as Python data."""
        if self.kind == "mapping":
            return {key: entry.value.plain() for key, entry in self.entries.items()}
        if self.kind == "list":
            return [item.plain() for item in self.items]
        return self.value


def nearest(word: str, words: Iterable[str]) -> str:
    """Return ``; did you mean "x"?``, or all names if they are few, or an empty text."""
    known = sorted(words)
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return f'; did you mean "{close[0]}"?'
    return f"{KNOWN_HERE}{', '.join(known)}" if 0 < len(known) <= 24 else ""
