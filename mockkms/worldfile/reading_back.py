"""Worlds of dumps, read into a world of their own, without a change of the present one."""

from __future__ import annotations

from mockkms.world.world import World
from mockkms.worldfile.problems import SeedError
from mockkms.worldfile.spec import load, populate


def read_back(world: World, text: str) -> World:
    """Return the world that a dump of ``world``, or of one on another server, describes.

    Its rules and plan of chaos are left out. Raises ValueError with the first error for a text that is not a dump.
    """
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
