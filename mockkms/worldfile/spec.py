"""The format of world files: reading and checking them, and applying them to a world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from mockkms.vault.framework.shapes.collections import (
    Choice,
    Either,
    Integer,
    Key,
    ListOf,
    MapOf,
    Moment,
    Problems,
    RecordShape,
    Text,
)
from mockkms.vault.framework.shapes.nodes import LACKS_KEY, Node
from mockkms.vault.framework.shapes.scalars import Boolean, Seconds
from mockkms.vault.framework.world_section import mapping_at, mappings_at
from mockkms.vault.products import PRODUCTS
from mockkms.world.world import World
from mockkms.worldfile import exact, sources
from mockkms.worldfile.applying import Applier, FoundProblem
from mockkms.worldfile.nodes import layered
from mockkms.worldfile.problems import Problem, SeedError
from mockkms.worldfile.sections import chaos, faults, rustfs, vault
from mockkms.worldfile.sources import Source

VERSION = 1
"""The version of the format."""


@dataclass
class WorldSpec:
    """World files, merged and checked."""

    sections: Mapping[str, object]
    root: Node

    @property
    def flavor(self) -> str | None:
        """The product, if given."""
        flavor = self.sections.get("flavor")
        return flavor if isinstance(flavor, str) else None

    @property
    def rng(self) -> int | str | None:
        """The seed of random values, if given."""
        seed = self.sections.get("rng")
        return seed if isinstance(seed, int | str) else None

    @property
    def root_token(self) -> str | None:
        """The id of the root token, if given."""
        token = mapping_at(self.sections, "vault").get("root_token")
        return token if isinstance(token, str) and token else None

    @property
    def clock(self) -> float | None:
        """The moment (epoch seconds) at which the clock is frozen, if given."""
        moment = self.sections.get("clock")
        return moment if isinstance(moment, int | float) else None


@dataclass
class Reading:
    """Worlds that were read and merged."""

    spec: WorldSpec
    """Its sections have empty values of the expected type in place of those with errors, or none."""
    problems: list[Problem]
    unreadable: bool
    """Whether the only problem is a file that cannot be read."""
    complete: bool
    """Whether the spec has something of all sources."""


@cache
def world_shape() -> RecordShape:
    """Return the shape of a world file."""
    return RecordShape(
        {
            "mockkms": Key(Integer(VERSION, VERSION), f"version of this format: {VERSION}"),
            "rng": Key(Either({"integer": Integer(), "text": Text()}), "seed of all ids, keys and nonces"),
            "clock": Key(Moment(of_clock=True), "freeze the clock at this moment"),
            "flavor": Key(Choice(tuple(PRODUCTS), "flavor"), "the emulated product; default: vault"),
            "vault": Key(vault.shape(), "the emulated Vault"),
            "rustfs": Key(rustfs.shape(), "the RustFS admin KMS API"),
            "faults": Key(faults.shape(), "fault rules"),
            "chaos": Key(chaos.PlanShape(), "failures on live traffic: a percentage, an incident's name, or phases"),
            "fault_header": Key(Boolean(), "responses have the ids of the rules that changed them in X-Mockkms-Fault"),
            "journal": Key(
                RecordShape({"redact": Key(Boolean(), "whether to record requests without secrets")}),
                "how requests are recorded",
            ),
            "exact": Key(exact.shape(), "written by dump: the state that the sections above do not describe"),
        }
    )


def load(given: Source | Sequence[Source]) -> WorldSpec:
    """Read worlds and merge them, later ones over earlier ones. Raises SeedError with all of their errors.

    A source is a path, the name of a ready-made world (``payments``), YAML text of several lines, or a mapping.
    """
    found = read(given)
    if found.problems:
        raise SeedError(unique(found.problems), unreadable=found.unreadable)
    return found.spec


def own_errors(given: Sequence[Any]) -> list[Problem]:
    """Return the errors that worlds have whatever they are merged over; keys that they lack are none."""
    found = [problem for source in given for problem in read([source]).problems]
    return unique([problem for problem in found if not problem.message.startswith(LACKS_KEY)])


def read(given: Source | Sequence[Source]) -> Reading:
    """Read worlds and merge them, whether they have errors or not. The sources are those of ``load``."""
    several = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else [given]
    problems: Problems = []
    root: Node | None = None
    unreadable, layers = False, 0
    for source in several:
        try:
            node = sources.read(source)
        except SeedError as error:
            unreadable |= error.unreadable
            problems += error.problems
            continue
        if node.kind != "mapping":
            kind = {"list": "a list"}.get(node.kind, f"a {node.kind}")
            problems.append(node.problem("", f"a world is a mapping such as `mockkms: {VERSION}`; found {kind}"))
            continue
        if isinstance(source, sources.FaultsFile):
            node = _appended(root, node)
        root = node if root is None else layered(root, node)
        layers += 1
    root = root or Node("mapping", {})
    sections = world_shape().read(root, "", problems)
    return Reading(WorldSpec(sections, root), problems, unreadable and len(problems) == 1, layers == len(several))


def _appended(below: Node | None, above: Node) -> Node:
    """Return a world of rules: those of ``below``, then those of ``above``."""
    entry = above.entries["faults"]
    known = below.entries.get("faults") if below is not None else None
    items = known.value.items if known is not None else []
    rules = replace(entry.value, value=[*items, *entry.value.items])
    return replace(above, value={"faults": replace(entry, value=rules)})


def unique(problems: Sequence[Problem]) -> list[Problem]:
    """Return the problems in the order of their places, without duplicates."""
    return sorted(dict.fromkeys(problems), key=lambda problem: (problem.file, problem.line, problem.column))


def populate(world: World, spec: WorldSpec) -> None:
    """Put a started world (``World.begin``) into the described state.

    Raises SeedError with the errors that only this finds; the world is unchanged then.
    """
    with world.lock:
        before = world.snapshot()
        found = fill(world, spec)
        if found:
            world.restore(before)
            raise SeedError(unique([one.problem for one in found]))


def fill(world: World, spec: WorldSpec) -> list[FoundProblem]:
    """Put a started world into the described state as far as that is possible; return the errors that prevent more."""
    to = Applier(world, spec.root)
    sections = spec.sections
    if spec.clock is not None:
        world.clock.freeze(spec.clock)
    server = mapping_at(sections, "vault")
    if server:
        vault.apply(to, {**server, "state": "unsealed"} if _sealed(sections) else server)
    if sections.get("rustfs"):
        rustfs.apply(to, mapping_at(sections, "rustfs"))
    if _sealed(sections) and world.core.seal.status == "unsealed":
        world.core.seal.seal()
    if sections.get("faults"):
        faults.apply(to, sections["faults"])
    if sections.get("chaos") is not None:
        chaos.apply(to, sections["chaos"])
    world.faults.header = bool(sections.get("fault_header"))
    world.journal.redact = bool(mapping_at(sections, "journal").get("redact"))
    if sections.get("exact") and not to.problems:
        exact.apply(to, mappings_at(sections, "exact"))
    return to.found


def _sealed(sections: Mapping[str, object]) -> bool:
    """Return whether the server is sealed in the end: the admin API's keys, which may be in it, come first."""
    return mapping_at(sections, "vault").get("state") == "sealed"


def json_schema() -> dict[str, object]:
    """Return the format as JSON Schema (draft 2020-12)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A mockkms world",
        **world_shape().schema(),
        "$defs": {name: named.shape.schema() for name, named in sorted(vault.definitions().items())},
    }


def editor_schema() -> dict[str, object]:
    """Return the format as JSON Schema in which nothing is repeated, for editors."""
    from mockkms.worldfile.sharing import shared  # Not needed to read worlds.

    usual = {"duration": Seconds(), "strings": ListOf(Text(), single=True), "strings_by_name": MapOf(Text())}
    return shared(json_schema(), {name: shape.schema() for name, shape in usual.items()})
