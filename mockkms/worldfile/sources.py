"""Sources of worlds: files, names of ready-made worlds, YAML text, Python data."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from mockkms.files import STATE_FILE_MARK, read_file
from mockkms.vault.framework.shapes.nodes import KeyEntry, Node, nearest
from mockkms.worldfile.nodes import MAX_BYTES, from_python, read_yaml
from mockkms.worldfile.problems import Problem, SeedError


@dataclass(frozen=True)
class Written:
    """A world as YAML text, with the name of the file that it came from."""

    file: str
    text: str | bytes


@dataclass(frozen=True)
class FaultsFile:
    """A YAML file with a list of fault rules; they come after the rules of the worlds before it."""

    path: str | os.PathLike[str]


@dataclass(frozen=True)
class ChaosFile:
    """A YAML file with a plan of chaos."""

    path: str | os.PathLike[str]


@dataclass(frozen=True)
class Option:
    """A world that stands for an option of the command line, whose name errors show."""

    name: str
    sections: Mapping[str, object]


Source = str | os.PathLike[str] | Mapping[str, object] | Written | FaultsFile | ChaosFile | Option


@cache
def ready_made() -> dict[str, Path]:
    """Return the worlds that come with the package, by name."""
    found = find_spec("mockkms.worlds")
    places = list(found.submodule_search_locations or ()) if found is not None else []
    # In a checkout that is not installed, the package is the folder `fixtures`.
    folder = Path(places[0]) if places else Path(__file__).resolve().parents[2] / "fixtures"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def read(source: object) -> Node:
    """Return the tree of a source: a path, a ready-made world's name, YAML text (with a line break), or a mapping."""
    if isinstance(source, Mapping):
        return from_python(dict(source))
    if isinstance(source, Option):
        return from_python(dict(source.sections), source.name)
    if isinstance(source, FaultsFile):
        return _rules(_filled(content(Path(source.path)), "list of rules is []"))
    if isinstance(source, ChaosFile):
        written = _filled(content(Path(source.path)), "plan is phases: [...]")
        node = read_yaml(written.text, written.file)
        return Node("mapping", {"chaos": KeyEntry("chaos", node.line, node.column, node)}, written.file)
    written = content(source)
    return read_yaml(written.text, written.file)


def _filled(written: Written, smallest: str) -> Written:
    """Return a text that is not empty. Raises SeedError."""
    if not written.text.strip():
        raise SeedError([Problem(written.file, 1, 1, "", f"the file is empty; the smallest {smallest}")])
    return written


def content(source: object) -> Written:
    """Return the text of a path, of a ready-made world's name, or the YAML text itself. Raises SeedError."""
    if isinstance(source, Written):
        return source
    if not isinstance(source, str | os.PathLike):
        kind = type(source).__name__
        raise SeedError([Problem("<seed>", 0, 0, "", f"a world is a path, a name, or a mapping; found {kind}")])
    text = os.fspath(source)
    if not text:
        raise SeedError([Problem("''", 0, 0, "", "the name of a world is empty")], unreadable=True)
    if "\n" in text:
        return Written("<text>", text)
    path = Path(text)
    bare = isinstance(source, str) and path.name == text and not path.suffix
    if bare and not os.path.isfile(path) and text in ready_made():
        path = ready_made()[text]
    try:
        size = path.stat().st_size
        raw = read_file(path, MAX_BYTES) if size <= MAX_BYTES else b""
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        hint = nearest(text, ready_made()) if bare and isinstance(error, FileNotFoundError) else ""
        problem = Problem(str(path), 0, 0, "", f"cannot be read: {reason}{hint}")
        raise SeedError([problem], unreadable=True) from None
    if size > MAX_BYTES:
        message = f"the file has {size / 1024 / 1024:.1f} MiB; a world has at most {MAX_BYTES // 1024 // 1024} MiB"
        raise SeedError([Problem(str(path), 1, 1, "", message)])
    if raw.startswith(STATE_FILE_MARK):
        message = f"this is a state file, for serve --state; `mockkms state export {path}` makes a world of it"
        raise SeedError([Problem(str(path), 1, 1, "", message)])
    return Written(str(path), raw)


def _rules(written: Written) -> Node:
    """Return a world that has only the rules of a faults file."""
    node = read_yaml(written.text, written.file)
    if node.kind != "list":
        hint = "; a world goes to --seed" if node.kind == "mapping" else ""
        raise SeedError([node.problem("", f"a list of fault rules is expected; found a {node.kind}{hint}")])
    return Node("mapping", {"faults": KeyEntry("faults", node.line, node.column, node)}, written.file)
