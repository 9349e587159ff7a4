"""Where worlds come from: files, names of ready-made worlds, YAML text, Python data."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mockkms.seed.nodes import MAX_BYTES, Node, from_python, read_yaml
from mockkms.seed.problems import Problem, SeedError, nearest

Source = str | os.PathLike[str] | Mapping[str, Any]


class SeedFileError(SeedError):
    """A world file that cannot be read at all."""


@cache
def ready_made() -> dict[str, Path]:
    """The worlds that come with the package, by name."""
    found = find_spec("mockkms.worlds")
    places = list(found.submodule_search_locations or ()) if found is not None else []
    # In a checkout that is not installed, the package is the folder `fixtures`.
    folder = Path(places[0]) if places else Path(__file__).resolve().parents[2] / "fixtures"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def read(source: Any) -> Node:
    """The tree of one source: a path, the name of a ready-made world, YAML text (with a line break), or a mapping."""
    if isinstance(source, Mapping):
        return from_python(dict(source))
    if not isinstance(source, str | os.PathLike):
        kind = type(source).__name__
        raise SeedError([Problem("<seed>", 0, 0, "", f"a world is a path, a name, or a mapping; found {kind}")])
    text = os.fspath(source)
    if "\n" in text:
        return read_yaml(text, "<text>")
    path = Path(text)
    bare = isinstance(source, str) and path.name == text and not path.suffix
    if bare and not path.is_file() and text in ready_made():
        path = ready_made()[text]
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            message = f"the file has {size / 1024 / 1024:.1f} MiB; a world has at most {MAX_BYTES // 1024 // 1024} MiB"
            raise SeedError([Problem(str(path), 1, 1, "", message)])
        raw = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        hint = nearest(text, ready_made()) if bare else ""
        raise SeedFileError([Problem(str(path), 0, 0, "", f"cannot be read: {reason}{hint}")]) from None
    return read_yaml(raw, str(path))
