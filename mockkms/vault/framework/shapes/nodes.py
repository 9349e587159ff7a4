"""The values of a world file, each with the place where it was written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mockkms.vault.framework.shapes.problems import Problem


@dataclass(slots=True)
class Entry:
    """One key of a mapping, with the place of the key."""

    key: str
    line: int
    column: int
    value: Node


@dataclass(slots=True)
class Node:
    """One value: ``kind`` is mapping, list, text, integer, number, boolean, null or time."""

    kind: str
    value: Any
    """Mapping: dict of key to Entry; list: list of Node; scalars: the Python value; time: its text."""
    file: str = "<dict>"
    line: int = 0
    column: int = 0
    text: str = ""
    """A scalar as it was written."""
    style: str = ""
    """Of a scalar: ``|`` or ``>`` for blocks, a quotation mark, or nothing."""
    indent: int = 0
    """Of a block scalar: how far its lines are indented."""

    def place(self, line: int, column: int) -> tuple[int, int]:
        """Return where in the file a place inside this text is; both count from 1."""
        if self.style == "|" and line:
            return self.line + line, self.indent + max(1, column)
        if self.style != ">" and line == 1 and self.line:
            return self.line, self.column + max(1, column) - 1 + (self.style != "")
        return self.line, self.column

    def problem(self, path: str, message: str) -> Problem:
        """Return a fault of this value."""
        return Problem(self.file, self.line, self.column, path, message)

    def plain(self) -> Any:
        """Return the value as Python data."""
        if self.kind == "mapping":
            return {key: entry.value.plain() for key, entry in self.value.items()}
        if self.kind == "list":
            return [item.plain() for item in self.value]
        return self.value
