"""Dumps of a world as a server makes and reads them; nothing else of this package is imported before that."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mockkms.world.world import World


def dumped(world: World) -> str:
    """Return a world as YAML, while its requests go on: tens of thousands of tokens take seconds."""
    from mockkms.worldfile.dumping import dump

    return dump(world.copied())


def read_back(world: World, text: str) -> World:
    """Return the world that a dump of ``world``, or of one on another server, describes.

    It is a world of its own: ``world`` stays as it is. Rules and a plan of chaos are left out. Raises ValueError with
    the first error for a text that is not a dump.
    """
    from mockkms.worldfile.problems import SeedError
    from mockkms.worldfile.spec import load, populate

    try:
        spec = load([text if "\n" in text else text + "\n"])
        spec.sections = {name: part for name, part in spec.sections.items() if name not in ("faults", "chaos")}
        made = world.sibling()
        flavor = spec.flavor or world.core.product.name
        made.begin(root_token=spec.root_token or "root", rng=spec.rng, flavor=flavor, clock=spec.clock)
        populate(made, spec)
    except SeedError as error:
        raise ValueError(f"the state of the snapshot cannot be read: {error.problems[0]}") from None
    if made.core.seal.status == "uninitialized":
        made.root_token = ""
    return made
