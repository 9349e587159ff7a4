"""The full check of a world, for ``mockkms check``: it is made, and its keys are validated, which takes its time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives.serialization import load_der_private_key

from mockkms.vault.secrets.transit.model import Key
from mockkms.world.world import World
from mockkms.worldfile.applying import problem_at
from mockkms.worldfile.problems import Problem, SeedError
from mockkms.worldfile.sources import Source
from mockkms.worldfile.spec import WorldSpec, load, populate


def check(sources: Sequence[Source]) -> list[Problem]:
    """Every fault of worlds laid over one another; empty if they make a world. Raises SeedFileError."""
    spec = load(sources)
    world = World()
    world.begin(root_token=spec.root_token or "root", rng=spec.rng, flavor=spec.flavor or "vault", clock=spec.clock)
    try:
        populate(world, spec)
    except SeedError as error:
        return error.problems
    return _keys(world, spec)


def _keys(world: World, spec: WorldSpec) -> list[Problem]:
    problems = []
    for mount in world.core.state.mounts.entries.values():
        if mount.engine != "transit" or mount.namespace:
            continue
        given: dict[str, Any] = spec.sections.get("vault", {}).get("mounts", {}).get(mount.path, {}).get("keys") or {}
        for name, key in given.items():
            versions = key.get("versions")
            if not isinstance(versions, list):
                continue
            for index, version in enumerate(versions):
                if version.get("material") and not _valid(mount.state.keys[name], index):
                    steps = ("vault", "mounts", mount.path, "keys", name, "versions", index, "material")
                    problems.append(problem_at(spec.root, steps, "the numbers of this key do not fit together"))
    return problems


def _valid(key: Key, index: int) -> bool:
    version = key.versions[sorted(key.versions)[index]]
    if not (key.kind.bits or key.kind.curve) or not version.key:
        return True
    try:
        load_der_private_key(version.key, None)
    except ValueError:
        return False
    return True
