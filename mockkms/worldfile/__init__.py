"""World files: reading them with the place of every error, applying them to a world, and dumping a world.

Public names are imported at their first use: catching a ``SeedError`` imports nothing else.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mockkms.worldfile.checking import check
    from mockkms.worldfile.dumping import dump
    from mockkms.worldfile.problems import Problem, SeedError
    from mockkms.worldfile.sources import ready_made
    from mockkms.worldfile.spec import WorldSpec, editor_schema, json_schema, load, populate

__all__ = [
    "Problem",
    "SeedError",
    "WorldSpec",
    "check",
    "dump",
    "editor_schema",
    "json_schema",
    "load",
    "populate",
    "ready_made",
]

_PUBLIC = {
    "Problem": "problems",
    "SeedError": "problems",
    "WorldSpec": "spec",
    "check": "checking",
    "dump": "dumping",
    "editor_schema": "spec",
    "json_schema": "spec",
    "load": "spec",
    "populate": "spec",
    "ready_made": "sources",
}


def __getattr__(name: str) -> object:
    if name in _PUBLIC:
        value: object = getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
