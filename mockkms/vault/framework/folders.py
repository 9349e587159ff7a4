"""Names as the real servers' storage lists them: paths, of which a part up to a slash is a folder."""

from __future__ import annotations

from collections.abc import Iterable


def children(names: Iterable[str], folder: str) -> list[str]:
    """Return the names directly below ``folder`` (``""`` or with a trailing slash), sorted; folders end in a slash."""
    start = len(folder)
    found = set()
    for name in names:
        if name.startswith(folder):
            head, slash, _ = name[start:].partition("/")
            found.add(head + slash)
    return sorted(found)


def walk(names: Iterable[str], folder: str = "") -> list[str]:
    """Return every name below ``folder``, relative to it: those of a folder, then its folders, the last one first."""
    below = [name[len(folder) :] for name in names if name.startswith(folder)]
    found: list[str] = []
    waiting = [""]
    while waiting:
        current = waiting.pop()
        for name in children(below, current):
            (waiting if name.endswith("/") else found).append(current + name)
    return found
