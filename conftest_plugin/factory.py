"""``mockkms_factory``: additional servers, each with its own port and world."""

from __future__ import annotations

from typing import Any, TypeVar

from mockkms import Cluster, MockKMS

from .active import Active

Made = TypeVar("Made", bound=MockKMS)


class Factory:
    """Creates servers that stop at the end of the test: ``other = mockkms_factory(seed="world.yaml")``."""

    def __init__(self, active: Active, rng: int | str | None, flavor: str | None) -> None:
        self._active = active
        self._rng = rng
        self._flavor = flavor
        """The product of the test; worlds and options of a server take precedence."""
        self._made: list[MockKMS] = []

    def __call__(self, **options: Any) -> MockKMS:
        """Start a server; ``options`` are those of ``MockKMS``. Raises the errors of ``MockKMS`` and its ``start``."""
        return self._start(MockKMS, options)

    def cluster(self, nodes: int = 3, **options: Any) -> Cluster:
        """Start a cluster; ``options`` are those of ``Cluster``."""
        return self._start(Cluster, {"nodes": nodes, **options})

    def _start(self, kind: type[Made], options: dict[str, Any]) -> Made:
        if self._rng is not None:
            # Every server derives its seed from that of the session, so that no two generate the same ids.
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
        """Stop all servers."""
        for kms in reversed(self._made):
            kms.stop()
