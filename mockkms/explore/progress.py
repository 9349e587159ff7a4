"""The progress of an exploration: the bound beforehand, and a bar on a terminal."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

from mockkms.explore.explorer import Estimate
from mockkms.explore.results import Cell

_WIDTH = 24
"""Characters of the bar."""
_ERASE = "\r\x1b[K"
_LONGEST = 79


class LineWatcher:
    """Writes lines: one with the bound for each test, and a bar that is written again and again.

    ``write`` writes a line, ``rewrite`` replaces the last one; None without a terminal.
    """

    def __init__(self, write: Callable[[str], None], rewrite: Callable[[str], None] | None) -> None:
        self._write, self._rewrite = write, rewrite

    def planned(self, test: str, estimate: Estimate) -> None:
        """Write the bound."""
        self._write(f"exploring {test}: {estimate}")

    def done(self, test: str, cell: Cell, number: int, runs: int) -> None:
        """Write the bar; after the last case, remove it."""
        if self._rewrite is None:
            return
        full = _WIDTH * number // max(1, runs)
        text = f"  [{'#' * full}{' ' * (_WIDTH - full)}] {number}/{runs} {cell.outcome}: {cell.id}"
        self._rewrite("" if number == runs else text[:_LONGEST])


def stream_watcher(stream: TextIO) -> LineWatcher:
    """Return a watcher that writes to a stream, with a bar if it is a terminal. Errors of the stream are ignored."""

    def write(line: str) -> None:
        with suppress(OSError, ValueError):
            stream.write(f"{line}\n")
            stream.flush()

    def rewrite(line: str) -> None:
        with suppress(OSError, ValueError):
            stream.write(f"{_ERASE}{line}")
            stream.flush()

    terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
    return LineWatcher(write, rewrite if terminal else None)
