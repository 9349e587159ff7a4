"""How a command says that it cannot be carried out."""

from __future__ import annotations


class CommandError(Exception):
    """One clear line for the user. ``exit_code`` 2: cannot be carried out; 1: carried out, the answer is no."""

    def __init__(self, message: str, exit_code: int = 2) -> None:
        super().__init__(message)
        self.exit_code = exit_code
