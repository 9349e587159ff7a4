"""The state in which the worlds of a server begin, and begin again: its seeds, and the options that override them.

The format of world files is imported when there are seeds: a server without any starts faster.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mockkms.files import modified
from mockkms.flavors import known_flavor
from mockkms.vault.kernel.node import INITIAL_STATES
from mockkms.vault.products import DEFAULT
from mockkms.world.world import Snapshot, World

if TYPE_CHECKING:
    from mockkms.worldfile.spec import WorldSpec

_MOST_CACHED = 64
"""Worlds that ``load`` keeps for its next call with the same seeds."""


def known_option(name: str, value: str, known: Sequence[str]) -> str:
    """Return ``value``. Raises ValueError if it is not one of ``known``."""
    if value not in known:
        raise ValueError(f"{name}={value!r}: expected one of {', '.join(known)}")
    return value


class InitialWorld:
    """The initial state of a server's worlds.

    Args:
        seed: A path, the name of a ready-made world, a mapping, or a list of these; None for a fresh dev server.
        root_token: The id of the root token; takes precedence over that of the seeds, as do all options below.
        rng: The seed of random values.
        flavor: The emulated product.
        state: ``unsealed``, ``sealed`` or ``uninitialized``.

    Raises ValueError for an unknown flavor or state.
    """

    def __init__(
        self, seed: object, *, root_token: str | None, rng: int | str | None, flavor: str | None, state: str | None
    ) -> None:
        self._seeds = _listed(seed)
        self._root_token, self._rng = root_token, rng
        self.flavor = known_flavor(flavor)
        self._state = state if state is None else known_option("state", state, INITIAL_STATES)
        self._own: World | None = None
        """The server's own world; all others are those of tenants."""
        self._loaded: dict[str, Snapshot] = {}

    def read(self, *more: object) -> WorldSpec:
        """Return the seeds merged, and ``more`` over them. Raises SeedError with all of their errors."""
        return self._read([*self._seeds, *more])

    def begin(self, own: World) -> None:
        """Put the server's own world, which is new, into its initial state. Raises SeedError."""
        self._own = own
        self._apply(own, self._read(self._seeds) if self._seeds else None)
        own.baseline = own.start = own.snapshot()

    def reload(self, own: World, spec: WorldSpec) -> None:
        """Make what ``read`` returned the initial state; the root token stays. Raises SeedError; unchanged then."""
        with own.lock:
            self._root_token = own.root_token or self._root_token
            self._replace(own, spec)
            self._loaded.clear()
            own.baseline = own.start = own.snapshot()
            own.reset()

    def load(self, world: World, seeds: list[object]) -> None:
        """Put a world, the server's or a tenant's, into its initial state with ``seeds`` merged over it.

        Raises SeedError; the world is unchanged then.
        """
        if not seeds and world.start is not None:
            world.baseline = world.start
            world.reset()
            return
        try:
            name = repr([(seed, modified(seed)) for seed in seeds])
        except (RecursionError, ValueError):
            name = ""  # Nested too deeply, or with a number of thousands of digits: refused below.
        kept = self._loaded.get(name)
        if kept is None:
            self._replace(world, self.read(*seeds))
            kept = world.snapshot()
            if len(self._loaded) >= _MOST_CACHED:
                self._loaded.pop(next(iter(self._loaded)))
            self._loaded[name] = kept
        # Rules store their counts in themselves: each world needs its own copy.
        faults = copy.deepcopy(kept.faults if world is self._own else kept.faults.of_requests())
        world.baseline = replace(kept, faults=faults)
        world.reset()

    def _read(self, seeds: Sequence[Any]) -> WorldSpec:
        from mockkms.worldfile.spec import load

        overriding = {"vault": {"state": self._state}} if self._state is not None else {}
        return load([*seeds, overriding])

    def _replace(self, world: World, spec: WorldSpec) -> None:
        """Put a used world into the described state. Raises SeedError; the world is unchanged then."""
        before = world.snapshot()
        if world.companion is not None:
            world.companion.put_back(b"")  # The nodes of a cluster return to their initial state too.
        try:
            self._apply(world, spec)
        except ValueError:
            world.restore(before)
            raise

    def _apply(self, world: World, spec: WorldSpec | None) -> None:
        """Begin a world and, with a ``spec``, populate it. Raises SeedError, and ValueError for state in proxy mode."""
        if spec is not None and world.upstream:
            for section in ("vault", "rustfs", "exact"):
                if spec.sections.get(section):
                    world.require_state(f"{section}: of a world")
        rng = self._rng if self._rng is not None else spec.rng if spec else None
        flavor = self.flavor or (spec and spec.flavor) or DEFAULT
        token = self._root_token or (spec and spec.root_token) or "root"
        world.begin(root_token=token, rng=rng, flavor=flavor, clock=spec.clock if spec else None)
        if spec is not None:
            from mockkms.worldfile.spec import populate

            populate(world, spec)
            if self._root_token:
                # The token of the world exists as well, for clients that know it.
                world.root_token = self._root_token
        elif self._state is not None:
            world.set_initial_state(self._state)
        if world.upstream:
            world.root_token = self._root_token or ""
        elif world.core.seal.status == "uninitialized":
            world.root_token = ""


def _listed(seed: object) -> list[object]:
    if seed is None:
        return []
    return list(seed) if isinstance(seed, (list, tuple)) else [seed]
