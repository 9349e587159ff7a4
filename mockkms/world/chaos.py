"""``kms.chaos``: start and stop plans of chaos in one world of this process."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from mockkms.faults.chaos.incidents import incident_names, incident_words
from mockkms.faults.chaos.plans import plan_words, read_plan
from mockkms.world.world import World


class Chaos:
    """Failures on live traffic: a share of the requests, an incident, or a plan of phases.

        kms.chaos.start("2%")
        with kms.chaos.start("leader-election", seed=7):
            ...

    Phases follow the world's clock. A reset ends what was started here.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    def start(self, what: object, *, seed: int | str | None = None, phase: str = "", loop: bool | None = None) -> Self:
        """Start a plan in place of a running one. As a context manager, the result stops it at the end.

        Args:
            what: A percentage such as ``"2%"``, the name of an incident, phases as in ``"normal=30s sealed=10s"``, or
                a plan as a mapping.
            seed: Seed of all random choices; by default it derives from the world's ``rng``.
            phase: Name of the phase to start with; the first by default.
            loop: Whether the first phase follows the last; by default as the plan says.

        Raises FaultError (a ValueError) for what is not a plan, with the nearest name, and for what this server cannot
        produce.
        """
        with self._world.lock:
            self._world.faults.start_chaos(plan_words(what, seed, phase, loop))
            self._world.overdue()
        return self

    def stop(self) -> bool:
        """Stop the running plan and undo what its phase has done to the server; return whether one was running."""
        with self._world.lock:
            stopped = self._world.faults.stop_chaos()
            self._world.overdue()
        return stopped

    def status(self) -> dict[str, object]:
        """Return the plan, its phase with the remaining seconds, and counts, as data."""
        with self._world.lock:
            self._world.overdue()
            run = self._world.faults.chaos.run
            return {"active": False} if run is None else run.describe()

    @property
    def active(self) -> bool:
        """Whether a plan is running."""
        return bool(self.status()["active"])

    @property
    def phase(self) -> str:
        """Name of the present phase; empty if no plan is running."""
        return str(self.status().get("phase", ""))

    def incidents(self) -> list[str]:
        """Return the names of the incidents that ``start`` takes."""
        return incident_names()

    def describe(self, incident: str) -> dict[str, object]:
        """Return an incident as data: its summary, phases, and what a client should do. Raises FaultError."""
        incident_words(incident)  # Other plans have nothing to describe.
        return read_plan(incident).describe()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    def __repr__(self) -> str:
        status = self.status()
        return f"<Chaos: {status['name']}, phase {status['phase']}>" if status["active"] else "<Chaos: none>"
