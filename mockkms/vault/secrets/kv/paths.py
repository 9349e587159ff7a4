"""Paths of secrets: as metadata is filed under them, and listed as folders by LIST and SCAN."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable


def clean(path: str) -> str:
    """Return the path that metadata is filed under: no slash at either end, none doubled.

    The usual path is returned as it is, without a call of ``normpath``.
    """
    if "//" not in path and "./" not in path and not path.endswith(("/", "/.")) and not path.startswith("/"):
        return path
    return posixpath.normpath("/" + path).lstrip("/")


def children(keys: Iterable[str], folder: str) -> list[str]:
    """Return the names directly below ``folder`` (``""`` or with a trailing slash), sorted; folders end in a slash."""
    start = len(folder)
    names = set()
    for key in keys:
        if key.startswith(folder):
            head, slash, _ = key[start:].partition("/")
            names.add(head + slash)
    return sorted(names)


def walk(keys: Iterable[str], folder: str) -> list[str]:
    """Return every key below ``folder``, relative to it: the keys of a folder, then its folders, last one first."""
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
