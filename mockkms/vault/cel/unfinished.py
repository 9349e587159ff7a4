"""What cel-go's parser says about an expression that ends too early: which tokens it expects in place of the end."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
    |(?P<operand>[rRbB]{0,2}(?:\"\"\".*?\"\"\"|'''.*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
        |\d[\w.]*|\.\d\w*|[A-Za-z_]\w*)
    |(?P<sign>[=!<>]=|&&|\|\||.)""",
    re.DOTALL | re.VERBOSE,
)
_ORDER = ("[", "]", "{", "}", "(", ")", ".", ",", "-", "!", "?", ":", "true", "false", "null")
"""Tokens with a text of their own, in the order in which expectations name them."""
_KINDS = ("NUM_FLOAT", "NUM_INT", "NUM_UINT", "STRING", "BYTES", "IDENTIFIER")
_START = frozenset(("[", "{", "(", ".", "-", "!", "true", "false", "null"))
"""How an expression may begin."""
_CLOSING = {"call": ")", "group": ")", "list": "]", "index": "]", "map": "}", "message": "}"}
_AFTER_OPENING = {"call": ")", "group": "", "list": "],?", "index": "?", "map": "},?"}
"""What may follow an opening besides an expression."""


@dataclass
class _Level:
    """One opening that is not closed, or the whole expression."""

    kind: str = ""
    choices: int = 0
    """``?`` without its ``:``."""
    keyed: bool = False
    """In a map or message: whether the present entry has its ``:``."""


def expectation(text: str) -> str:
    """Return the parser's text for the end of ``text``, an expression that is valid so far."""
    levels, last, complete = [_Level()], "", False
    for match in _TOKEN.finditer(text):
        if match.lastgroup == "space":
            continue
        token = match.group()
        complete = _take(levels, token, operand=match.lastgroup == "operand", complete=complete)
        last = token
    level, outermost = levels[-1], len(levels) == 2 and not levels[0].choices
    end = _CLOSING.get(level.kind, "")
    if complete:
        if level.choices or (level.kind in ("map", "message") and not level.keyed):
            return _mismatched({":"})
        if level.kind in ("list", "map", "message"):
            return _mismatched({end, ","})
        return f"missing '{end}' at '<EOF>'" if outermost else _mismatched({end})
    if last == "," and level.kind in ("list", "map", "message"):
        return f"missing '{end}' at '<EOF>'" if outermost else _mismatched({end})
    if last in ("(", "[", "{") and level.kind == "message":
        return "mismatched input '<EOF>' expecting {'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}"
    more = _AFTER_OPENING.get(level.kind, "") if last in ("(", "[", "{") else ""
    word = "extraneous" if last == "!" else "mismatched"
    return _mismatched(_START | set(more), word=word, kinds=True)


def _take(levels: list[_Level], token: str, *, operand: bool, complete: bool) -> bool:
    """Follow one token; return whether an expression is complete after it."""
    level = levels[-1]
    if operand:
        return token != "in" or not complete
    if token in ("(", "[", "{"):
        after = {"(": "call", "[": "index", "{": "message"}
        alone = {"(": "group", "[": "list", "{": "map"}
        levels.append(_Level((after if complete else alone)[token]))
        return False
    if token in (")", "]", "}"):
        if len(levels) > 1:
            levels.pop()
        return True
    if token == "?" and complete:
        level.choices += 1
    elif token == ":":
        if level.choices:
            level.choices -= 1
        else:
            level.keyed = True
    elif token == ",":
        level.keyed = False
    return False


def _mismatched(expected: set[str] | frozenset[str], *, word: str = "mismatched", kinds: bool = False) -> str:
    listed = [f"'{token}'" for token in _ORDER if token in expected] + (list(_KINDS) if kinds else [])
    shown = listed[0] if len(listed) == 1 else "{" + ", ".join(listed) + "}"
    return f"{word} input '<EOF>' expecting {shown}"
