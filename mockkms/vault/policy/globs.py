"""Glob matching in time linear in the text, whatever the number of asterisks in a user's pattern."""

from __future__ import annotations

import re


def matches(pattern: str, text: str) -> bool:
    """Return whether ``text`` fits ``pattern``, in which ``*`` stands for anything, slashes and nothing included."""
    first, *middle = pattern.split("*")
    if not middle:
        return text == first
    last = middle.pop()
    start, end = len(first), len(text) - len(last)
    if start > end or not text.startswith(first) or not text.endswith(last):
        return False
    # The leftmost match of each part leaves the most room for the following ones, so no backtracking is needed.
    for part in middle:
        found = text.find(part, start, end)
        if found < 0:
            return False
        start = found + len(part)
    return True


def matches_ends(pattern: str, text: str) -> bool:
    """Return whether ``text`` fits ``pattern``, whose ``*`` counts at its ends only.

    A pattern of one character is compared literally, even an asterisk.
    """
    if len(pattern) < 2:
        return pattern == text
    if pattern[0] == "*" == pattern[-1]:
        return pattern[1:-1] in text
    if pattern[0] == "*":
        return text.endswith(pattern[1:])
    return text.startswith(pattern[:-1]) if pattern[-1] == "*" else text == pattern


def matches_wildcards(pattern: str, text: str) -> bool:
    """Return whether ``text`` fits ``pattern``, in which ``*`` stands for anything and ``?`` for one character."""
    if "?" not in pattern:
        return matches(pattern, text)
    first, *middle = [
        re.compile("".join("." if sign == "?" else re.escape(sign) for sign in part), re.DOTALL)
        for part in pattern.split("*")
    ]
    if not middle:
        return first.fullmatch(text) is not None
    last = middle.pop()
    start, end = len(pattern.split("*")[0]), len(text) - len(pattern.split("*")[-1])
    if start > end or first.match(text) is None or last.fullmatch(text, end) is None:
        return False
    for part in middle:
        found = part.search(text, start, end)
        if found is None:
            return False
        start = found.end()
    return True
