"""The full check of a world, for ``mockkms check``: the world is created, and its keys are validated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mockkms.faults import FaultError, RuleBook
from mockkms.faults.kinds.connections import NO_TLS
from mockkms.faults.kinds.state import ALONE, SetState
from mockkms.faults.parsing import MOST_ERRORS, nearest
from mockkms.faults.rulebook import START_STATE
from mockkms.vault.framework import registry
from mockkms.vault.framework.world_section import Steps, items_at, mapping_at
from mockkms.vault.products import DEFAULT, PRODUCTS
from mockkms.vault.sys.mounts.shapes import shown_path
from mockkms.world.world import World
from mockkms.worldfile.applying import FoundProblem, problem_at
from mockkms.worldfile.partial import SoundParts
from mockkms.worldfile.problems import Problem, SeedError
from mockkms.worldfile.sources import Source
from mockkms.worldfile.spec import WorldSpec, fill, read, unique


def check(
    sources: Sequence[Source], *, cluster: bool = False, refused_tls: Mapping[str, str] = NO_TLS
) -> list[Problem]:
    """Return the errors of worlds merged in order; none if they make a world. Raises SeedError for unreadable files.

    If they have errors, their sound parts are checked as well, up to ``MOST_ERRORS`` errors in all. As at the start of
    the server, rules that it cannot carry out are errors: those that need a cluster, unless it is a ``cluster``, and
    the TLS faults in ``refused_tls``, which has the reasons.
    """
    given = read(sources)
    if given.unreadable:
        raise SeedError(given.problems, unreadable=True)
    server = _Server(cluster, refused_tls)
    if not given.problems:
        return unique([one.problem for one in _found(given.spec, given.spec.flavor or DEFAULT, server)])
    wrong = unique(given.problems)
    if not given.complete:
        return wrong
    parts = SoundParts(given.spec, given.problems)
    # Without a valid flavor, what is wrong in every product.
    lacks_flavor = "flavor" in given.spec.root.entries and parts.spec.flavor is None
    flavors = [*PRODUCTS] if lacks_flavor else [parts.spec.flavor or DEFAULT]
    more = [parts.sure(_found(parts.spec, flavor, server)) for flavor in flavors]
    common = [problem for problem in more[0] if all(problem in others for others in more[1:])]
    return unique([*wrong, *common[: max(0, MOST_ERRORS - len(wrong))]])


@dataclass(frozen=True)
class _Server:
    """The server for which a world is checked."""

    cluster: bool
    refused_tls: Mapping[str, str]


def _found(spec: WorldSpec, flavor: str, server: _Server) -> list[FoundProblem]:
    """Return the errors that are found by making the world."""
    world = World()
    world.faults.denied = {} if server.cluster else ALONE
    world.faults.tls_denied = server.refused_tls
    world.begin(root_token=spec.root_token or "root", rng=spec.rng, flavor=flavor, clock=spec.clock)
    return [*fill(world, spec), *_filled(world, spec), *_waiting(spec)]


def _waiting(spec: WorldSpec) -> list[FoundProblem]:
    """Return the rules that wait for what no rule or script of the world does.

    Only the check reports them: a test may add the other rule, or set the state, later.
    """
    book = RuleBook()
    try:
        book.extend(spec.sections.get("faults", []))
    except FaultError:
        return []
    rules, script = book.list(), book.current_script
    ids = [rule.id for rule in rules]
    kinds = [kind for rule in rules for kind in rule.kinds] + ([*script.kinds] if script is not None else [])
    states = {kind.state for kind in kinds if isinstance(kind, SetState)}
    problems = []
    for place, rule in enumerate(rules):
        after, state = rule.schedule.after, rule.schedule.in_state
        if after and after not in ids:
            hint = nearest(after, ids) or "; expected the id of a rule"
            problems.append(_of_rule(spec, place, "after", f"no rule has the id {after!r}{hint}"))
        # Without any rule that sets a state, a test sets it; chaos may set it as well.
        if state and states and "chaos" not in spec.root.entries and state not in {START_STATE, *states}:
            hint = nearest(state, states) or f"; they set {', '.join(sorted(states))}"
            problems.append(_of_rule(spec, place, "in_state", f"no rule sets the state {state!r}{hint}"))
    return problems


def _of_rule(spec: WorldSpec, place: int, word: str, message: str) -> FoundProblem:
    rules = items_at(spec.sections, "faults")
    index = [number for number, words in rules if "script" not in words][place]
    steps: Steps = ("faults", index, word)
    return FoundProblem(problem_at(spec.root, steps, message), steps, alone=True)


def _filled(world: World, spec: WorldSpec) -> list[FoundProblem]:
    """Return the problems that the sections of types find in the mounts of the root namespace."""
    found = []
    described = mapping_at(spec.sections, "vault")
    for mount in world.core.state.mounts.of(""):
        section = registry.world_section(mount.engine)
        if section is None or section.check is None:
            continue
        where = "auth" if mount.is_auth else "mounts"
        path = shown_path(mount)
        given = mapping_at(mapping_at(described, where), path)
        for below, message in section.check(mount, given):
            steps: Steps = ("vault", where, path, *below)
            found.append(FoundProblem(problem_at(spec.root, steps, message), steps, alone=False))
    return found
