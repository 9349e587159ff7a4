"""How long and how deeply nested expressions may be: cel-go's limits, with its texts (recorded from OpenBao 2.6.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mockkms.vault.cel.syntax.tree import CelNode

MOST_CHARACTERS = 100_000
"""Code points of an expression."""
MOST_NESTED = 250
"""Expressions within one another, and operators and selections within one another."""
TOO_NESTED = f"expression recursion limit exceeded: {MOST_NESTED}"
TOO_DEEP = "max recursion depth exceeded"
_OPERATORS = frozenset((
    "_?_:_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in", "_+_", "_-_", "_*_", "_/_", "_%_", "_[_]", "_[?_]",
))  # fmt: skip


def size_fault(text: str) -> str:
    """Return the error for an expression that is too long; empty for others."""
    if len(text) <= MOST_CHARACTERS:
        return ""
    return f"expression code point size exceeds limit: size: {len(text)}, limit {MOST_CHARACTERS}"


def depth_fault(tree: CelNode) -> str:
    """Return the error for a tree of too many operators within one another; empty for others. Without recursion."""
    waiting = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        depth += node.name in _OPERATORS or node.target is not None
        if depth > MOST_NESTED:
            return TOO_DEEP
        waiting += [(part, depth) for part in node.parts]
        if node.target is not None:
            waiting.append((node.target, depth))
    return ""
