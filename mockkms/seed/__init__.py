"""Worlds in YAML: read with every fault named at its place, put into a world, and written back."""

from mockkms.seed.checking import check
from mockkms.seed.dumping import dump
from mockkms.seed.problems import Problem, SeedError
from mockkms.seed.sources import SeedFileError, ready_made
from mockkms.seed.spec import WorldSpec, json_schema, load, populate

__all__ = [
    "Problem",
    "SeedError",
    "SeedFileError",
    "WorldSpec",
    "check",
    "dump",
    "json_schema",
    "load",
    "populate",
    "ready_made",
]
