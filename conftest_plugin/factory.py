"""``mockkms_factory``: further servers, each with a port and a world of its own."""

from __future__ import annotations

from typing import Any, TypeVar

from mockkms import Cluster, MockKMS

from .active import Active

Made = TypeVar("Made", bound=MockKMS)


class Factory:
    """Makes servers that end with the test: ``other = mockkms_factory(seed="world.yaml")``."""

    def __init__(self, active: Active, rng: int | str | None, flavor: str | None) -> None:
        self._active = active
        self._rng = rng
        self._flavor = flavor
        """The product of the test; worlds and options of a server win over it."""
        self._made: list[MockKMS] = []

    def __call__(self, **options: Any) -> MockKMS:
        """A started server; ``options`` are those of ``MockKMS``. Raises as ``MockKMS`` and its ``start`` do."""
        return self._begin(MockKMS, options)

    def cluster(self, nodes: int = 3, **options: Any) -> Cluster:
        """A started cluster; ``options`` are those of ``Cluster``."""
        return self._begin(Cluster, {"nodes": nodes, **options})

    def _begin(self, kind: type[Made], options: dict[str, Any]) -> Made:
        if self._rng is not None:
            # The suite's seed reaches every server, but no two servers make the same ids.
            options.setdefault("rng", f"{self._rng}/{len(self._made) + 1}")
        if self._flavor is not None and "flavor" not in options and "upstream" not in options:
            seed = options.get("seed")
            seeds = seed if isinstance(seed, (list, tuple)) else [] if seed is None else [seed]
            options["seed"] = [{"flavor": self._flavor}, *seeds]
        kms = kind(**options)
        kms.start()
        self._made.append(kms)
        self._active.watch(kms)
        return kms

    def close(self) -> None:
        """Stop every server made."""
        for kms in reversed(self._made):
            kms.stop()
