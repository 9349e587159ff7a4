"""Interrupted explorations: the outcomes so far are kept in a file of lines, and not explored again.

Several processes (workers of pytest-xdist) append to one file. A line is one outcome, in JSON; it is used only if test,
case and rules are the same. Incomplete lines, of a process that was killed, are ignored.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from mockkms.error_context import file_context
from mockkms.explore import ExploreError
from mockkms.explore.members import Members
from mockkms.explore.results import LARGEST, Cell
from mockkms.files import read_file
from mockkms.json_reading import read_json

_FORMAT = "mockkms-explored-case-1"


class ResumeFile:
    """The outcomes that are known already, and where new ones go."""

    def __init__(self, path: Path | None) -> None:
        """Read the file, or create it. None keeps nothing. Raises ExploreError if it cannot be read or written."""
        self._path = path
        self._cells: dict[tuple[str, str], Cell] = {}
        if path is None:
            return
        self._append(b"")  # A file that cannot be written is an error before the first run, not after it.
        with file_context(f"{path} cannot be read: ", ExploreError):
            lines = read_file(path, LARGEST).decode(errors="replace").splitlines()
        for line in lines:
            self._read(line)
        if lines and not self._cells:
            raise ExploreError(f"{path} does not contain outcomes of an interrupted exploration")

    def _read(self, line: str) -> None:
        try:
            given = Members(read_json(line))
            if given.text("format") == _FORMAT:
                cell = Cell.from_data(Members(given.mapping("cell")))
                self._cells[given.text("test"), cell.id] = cell
        except ValueError:
            return

    def known(self, test: str, case: str, rules: Sequence[Mapping[str, object]]) -> Cell | None:
        """Return the outcome of a case, if it is known and was reached with the same rules."""
        cell = self._cells.get((test, case))
        if cell is None or [dict(rule) for rule in cell.rules] != [dict(rule) for rule in rules]:
            return None
        return cell

    def add(self, test: str, cell: Cell) -> None:
        """Append an outcome. Raises ExploreError."""
        if self._path is None:
            return
        line = json.dumps({"format": _FORMAT, "test": test, "cell": cell.data()}) + "\n"
        self._append(line.encode())

    def _append(self, line: bytes) -> None:
        assert self._path is not None
        with file_context(f"{self._path} cannot be written: ", ExploreError):
            # One write to a file opened for appending is not mixed with those of other processes.
            file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                os.write(file, line)
            finally:
                os.close(file)
