"""Comparing two worlds: files in YAML, ready-made worlds, and state files of ``serve --state``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from mockkms.files import STATE_FILE_MARK
from mockkms.world import state_file
from mockkms.world.diff import difference
from mockkms.world.world import World
from mockkms.worldfile import dump, load
from mockkms.worldfile.sources import Written

VOLATILE = ("accessor", "exact", "mockkms", "rng", "uuid", "*_time")
"""Keys that are ignored, at any place of a world: glob patterns."""


def described(source: str) -> Mapping[str, object]:
    """Return the sections of a world. Raises SeedError and StateFileError."""
    path = Path(source)
    if _is_state_file(path):
        world = World()
        state_file.apply(world, state_file.read(path)[1])
        return load(Written(source, dump(world))).sections
    return load(source).sections


def world_changes(one: str, other: str, *, ignored: Iterable[str] = VOLATILE) -> list[str]:
    """Return the differences of two worlds as lines with ``+``, ``-`` and ``~``.

    Raises SeedError and StateFileError for a world that cannot be read.
    """
    patterns = tuple(ignored)
    return difference(_without(described(one), patterns), _without(described(other), patterns)).splitlines()


def _is_state_file(path: Path) -> bool:
    try:
        if not path.is_file():
            return False  # A pipe, such as that of ``<(command)``, can be read once.
        with path.open("rb") as file:
            return file.read(len(STATE_FILE_MARK)) == STATE_FILE_MARK
    except (OSError, ValueError):
        return False


def _without(value: object, patterns: tuple[str, ...]) -> object:
    if isinstance(value, Mapping):
        return {
            key: _without(item, patterns)
            for key, item in value.items()
            if not any(fnmatchcase(str(key), pattern) for pattern in patterns)
        }
    return [_without(item, patterns) for item in value] if isinstance(value, list) else value
