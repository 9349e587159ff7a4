"""How long and how deeply nested expressions may be: cel-go's limits, with its texts (recorded from OpenBao 2.6.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lark import Token, Tree

MOST_CHARACTERS = 100_000
"""Code points of an expression."""
MOST_NESTED = 250
"""Expressions within one another, and operators and selections within one another."""
TOO_NESTED = f"ERROR: <input>:-1:0: expression recursion limit exceeded: {MOST_NESTED}"
TOO_DEEP = "ERROR: <input>:-1:0: max recursion depth exceeded"
_OPERATORS = ("addition_", "multiplication_", "relation_", "member_")
"""Beginnings of the names of the nodes that the real parser visits one within another."""
_CONDITION = 3
"""Children of an expression with ``?`` and ``:``."""


def size_fault(text: str) -> str:
    """Return the error for an expression that is too long; empty for others."""
    if len(text) <= MOST_CHARACTERS:
        return ""
    return f"ERROR: <input>:-1:0: expression code point size exceeds limit: size: {len(text)}, limit {MOST_CHARACTERS}"


def depth_fault(tree: Tree[Token]) -> str:
    """Return the error for a tree that is nested too deeply; empty for others. Without recursion of its own."""
    deep = False
    waiting = [(tree, 0, 0)]
    while waiting:
        node, expressions, operators = waiting.pop()
        name = str(node.data)
        expressions += name == "expr"
        operators += name.startswith(_OPERATORS) or (name == "expr" and len(node.children) == _CONDITION)
        if expressions > MOST_NESTED:
            return TOO_NESTED
        deep = deep or operators > MOST_NESTED
        waiting += [(child, expressions, operators) for child in node.children if not isinstance(child, str)]
    return TOO_DEEP if deep else ""
