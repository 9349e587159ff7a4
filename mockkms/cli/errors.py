"""The error of a command."""

from __future__ import annotations


class CommandError(Exception):
    """A message of one line for the user. ``exit_code`` 2: the command could not run; 1: it ran and failed."""

    def __init__(self, message: str, exit_code: int = 2) -> None:
        super().__init__(message)
        self.exit_code = exit_code
