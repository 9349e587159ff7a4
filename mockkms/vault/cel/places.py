"""Positions in a program's text, as the real server shows them."""

from __future__ import annotations


def located(text: str, position: int, message: str) -> str:
    """Return a message with its position: line and column, the source line, and a mark below it."""
    before = text[:position]
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1)
    shown = text.split("\n")[line - 1]
    return f"ERROR: <input>:{line}:{column + 1}: {message}\n | {shown}\n | {'.' * column}^"
