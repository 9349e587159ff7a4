"""Secrets by path, listed as folders: what LIST and SCAN show of a flat set of keys."""

from __future__ import annotations

from collections.abc import Iterable


def children(keys: Iterable[str], folder: str) -> list[str]:
    """The names directly below ``folder`` (``""`` or with a trailing slash), sorted; folders end in a slash."""
    start = len(folder)
    names = set()
    for key in keys:
        if key.startswith(folder):
            head, slash, _ = key[start:].partition("/")
            names.add(head + slash)
    return sorted(names)


def walk(keys: Iterable[str], folder: str) -> list[str]:
    """Every key below ``folder``, relative to it: each folder's own keys first, then its folders, last one first."""
    below = [key[len(folder) :] for key in keys if key.startswith(folder)]
    found: list[str] = []
    frontier = [""]
    while frontier:
        current = frontier.pop()
        for name in children(below, current):
            if name.endswith("/"):
                frontier.append(current + name)
            else:
                found.append(current + name)
    return found
