"""Secrets by path, listed as folders: what LIST and SCAN show of a flat set of keys."""

from __future__ import annotations

from collections.abc import Iterable

from mockkms.vault.framework.endpoint import Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.products.features import Feature

PAGE = {
    "after": Field(Kind.STRING, query=True, help="Name to begin after.", needs=Feature.PAGINATION),
    "limit": Field(Kind.INT, query=True, help="Most names to show.", needs=Feature.PAGINATION),
}
"""The parameters of a list that can be asked for in parts."""


def children(keys: Iterable[str], folder: str) -> list[str]:
    """The names directly below ``folder`` (``""`` or with a trailing slash), sorted; folders end in a slash."""
    start = len(folder)
    names = set()
    for key in keys:
        if key.startswith(folder):
            head, slash, _ = key[start:].partition("/")
            names.add(head + slash)
    return sorted(names)


def page(names: list[str], after: str, limit: int) -> list[str]:
    """The part of sorted ``names`` beyond ``after`` (which need not exist); ``limit`` of 0 or less is none."""
    if after:
        names = [name for name in names if name > after]
    return names[:limit] if limit > 0 else names


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
