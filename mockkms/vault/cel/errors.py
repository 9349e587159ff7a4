"""Error texts: the library's evaluation errors as the real server words them, and positions in a program."""

from __future__ import annotations

import re
from typing import Any

_RULES = (
    (re.compile(r"no such member in mapping: '(.*?)'"), r"no such key: \1"),
    (re.compile(r"undeclared reference to '(.*?)'"), r"no such attribute(s): \1"),
    (re.compile(r"(?:list index out of range|no such key|invalid_argument)"), "index out of bounds"),
    (re.compile(r"(?:divide by zero|modulus by zero|division by zero)"), "division by zero"),
    (re.compile(r"(?:no such overload|found no matching overload|no matching overload|unsupported operand)"), ""),
)


def in_go(error: Any) -> str:
    """Return the real server's text for an error; of nested errors, that of the innermost."""
    text = str(error.args[0]) if error.args else str(error)
    for pattern, said in _RULES:
        match = pattern.search(text)
        if match:
            return match.expand(said) if said else "no such overload"
    return text.splitlines()[0] if text else "no such overload"


def located(text: str, position: int, message: str) -> str:
    """Return a message with its position: line and column, the source line, and a mark below it."""
    before = text[:position]
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1)
    shown = text.split("\n")[line - 1]
    return f"ERROR: <input>:{line}:{column + 1}: {message}\n | {shown}\n | {'.' * column}^"
