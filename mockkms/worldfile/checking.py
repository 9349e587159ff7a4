"""The full check of a world, for ``mockkms check``: the world is created, and its keys are validated."""

from __future__ import annotations

from collections.abc import Sequence

from mockkms.vault.framework import registry
from mockkms.vault.framework.world_section import mapping_at
from mockkms.vault.sys.mounts.shapes import shown_path
from mockkms.world.world import World
from mockkms.worldfile.applying import problem_at
from mockkms.worldfile.problems import Problem, SeedError
from mockkms.worldfile.sources import Source
from mockkms.worldfile.spec import WorldSpec, load, populate


def check(sources: Sequence[Source]) -> list[Problem]:
    """Return the errors of worlds merged in order; none if they make a world. Raises SeedError for unreadable files."""
    spec = load(sources)
    world = World()
    world.begin(root_token=spec.root_token or "root", rng=spec.rng, flavor=spec.flavor or "vault", clock=spec.clock)
    try:
        populate(world, spec)
    except SeedError as error:
        return error.problems
    return _filled(world, spec)


def _filled(world: World, spec: WorldSpec) -> list[Problem]:
    """Return the problems that the sections of types find in the mounts of the root namespace."""
    problems = []
    described = mapping_at(spec.sections, "vault")
    for mount in world.core.state.mounts.of(""):
        section = registry.world_section(mount.engine)
        if section is None or section.check is None:
            continue
        where = "auth" if mount.is_auth else "mounts"
        path = shown_path(mount)
        given = mapping_at(mapping_at(described, where), path)
        for steps, message in section.check(mount, given):
            problems.append(problem_at(spec.root, ("vault", where, path, *steps), message))
    return problems
