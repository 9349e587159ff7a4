"""The full check of a world, for ``mockkms check``: the world is created, and its keys are validated."""

from __future__ import annotations

from collections.abc import Sequence

from mockkms.faults.kinds.connections import NO_TLS
from mockkms.faults.kinds.state import ALONE, SetState
from mockkms.faults.parsing import nearest
from mockkms.faults.rulebook import START_STATE
from mockkms.vault.framework import registry
from mockkms.vault.framework.world_section import mapping_at, mappings_at
from mockkms.vault.sys.mounts.shapes import shown_path
from mockkms.world.world import World
from mockkms.worldfile.applying import problem_at
from mockkms.worldfile.problems import Problem, SeedError
from mockkms.worldfile.sources import Source
from mockkms.worldfile.spec import WorldSpec, load, populate


def check(sources: Sequence[Source], *, cluster: bool = False, tls: bool = False) -> list[Problem]:
    """Return the errors of worlds merged in order; none if they make a world. Raises SeedError for unreadable files.

    ``cluster`` and ``tls`` describe the server: without them, as at its start, rules that only a cluster or a server
    with TLS can carry out are errors.
    """
    spec = load(sources)
    world = World()
    world.faults.denied = {} if cluster else ALONE
    world.faults.tls_denied = {} if tls else NO_TLS
    world.begin(root_token=spec.root_token or "root", rng=spec.rng, flavor=spec.flavor or "vault", clock=spec.clock)
    try:
        populate(world, spec)
    except SeedError as error:
        return error.problems
    return [*_filled(world, spec), *_waiting(world, spec)]


def _waiting(world: World, spec: WorldSpec) -> list[Problem]:
    """Return the rules that wait for what no rule or script of the world does.

    Only the check reports them: a test may add the other rule, or set the state, later.
    """
    rules = world.faults.list()
    ids = [rule.id for rule in rules]
    script = world.faults.current_script
    kinds = [kind for rule in rules for kind in rule.kinds] + ([*script.kinds] if script is not None else [])
    states = {kind.state for kind in kinds if isinstance(kind, SetState)}
    problems = []
    for place, rule in enumerate(rules):
        after, state = rule.schedule.after, rule.schedule.in_state
        if after and after not in ids:
            hint = nearest(after, ids) or "; expected the id of a rule"
            problems.append(_of_rule(spec, place, "after", f"no rule has the id {after!r}{hint}"))
        # Without any rule that sets a state, a test sets it; chaos may set it as well.
        if state and states and "chaos" not in spec.sections and state not in {START_STATE, *states}:
            hint = nearest(state, states) or f"; they set {', '.join(sorted(states))}"
            problems.append(_of_rule(spec, place, "in_state", f"no rule sets the state {state!r}{hint}"))
    return problems


def _of_rule(spec: WorldSpec, place: int, word: str, message: str) -> Problem:
    rules = [*enumerate(mappings_at(spec.sections, "faults"))]
    index = [number for number, words in rules if "script" not in words][place]
    return problem_at(spec.root, ("faults", index, word), message)


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
