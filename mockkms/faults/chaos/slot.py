"""The place of a rule book for one plan of chaos. It costs nothing while no plan runs."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING

from mockkms.faults.plan import ServerAction
from mockkms.world.clock import Clock

if TYPE_CHECKING:
    from mockkms.faults.chaos.model import ChaosPlan
    from mockkms.faults.chaos.permission import Permits
    from mockkms.faults.chaos.running import ChaosRun, RunState
    from mockkms.faults.rule import Rule


class ChaosSlot:
    """Holds the plan that was started last, and the actions of its phases until the server carries them out.

    ``lock`` is that of the rule book.
    """

    def __init__(self, clock: Clock, lock: AbstractContextManager[object]) -> None:
        self.run: ChaosRun | None = None
        """The plan that was started last, even if it is over."""
        self._clock, self._lock = clock, lock
        self._acts: list[ServerAction] = []

    @property
    def running(self) -> bool:
        """Whether a plan is running."""
        return self.run is not None and not self.run.over

    @property
    def busy(self) -> bool:
        """Whether ``take`` may return something."""
        return bool(self._acts) or self.running

    @property
    def phase(self) -> str:
        """Names of the plan and of its present phase, as in ``leader-election/election``; empty without one."""
        return "" if self.run is None else self.run.phase

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules of the present phase."""
        return () if self.run is None else self.run.rules

    @property
    def of_connections(self) -> tuple[Rule, ...]:
        """The rules for connections of the phase of the present moment."""
        if not self.running or self.run is None:
            return ()
        self._move()
        return self.run.of_connections

    def read(self, value: object, server: Permits) -> ChaosPlan:
        """Return a plan that a server can carry out. Raises FaultError."""
        from mockkms.faults.chaos.permission import check_plan
        from mockkms.faults.chaos.plans import read_plan

        plan = read_plan(value)
        check_plan(plan, server)
        return plan

    def start(self, plan: ChaosPlan, seed: int | str) -> ChaosRun:
        """Run a plan from now on, in place of another one. ``seed`` is for a plan that has none."""
        from mockkms.faults.chaos.running import ChaosRun

        with self._lock:
            self.stop()
            self.run = ChaosRun(plan, seed if plan.seed is None else plan.seed, self._clock)
            self._acts += self.run.start()
            return self.run

    def stop(self) -> bool:
        """End the running plan, with the actions that end its phase; return whether one was running."""
        with self._lock:
            if self.run is None or self.run.over:
                return False
            self._acts += self.run.stop()
            return True

    def _move(self) -> None:
        """Bring the timeline up to date."""
        with self._lock:
            if self.run is not None and not self.run.over:
                self._acts += self.run.move()

    def take(self) -> list[ServerAction]:
        """Bring the timeline up to date; remove and return the actions to carry out."""
        with self._lock:
            self._move()
            acts, self._acts = self._acts, []
            return acts

    def count(self, phase: str, rules: Iterable[str], status: int) -> None:
        """Count a request that met ``phase``: the rules that fired on it, and its status (0: no answer)."""
        if self.run is not None:
            self.run.count(phase, rules, status)

    def state(self) -> RunState | None:
        """Return the state for a snapshot; None if no plan was started."""
        return None if self.run is None else replace(self.run.state(), acts=tuple(self._acts))

    def restore(self, kept: RunState | None) -> None:
        """Go on from a snapshot; the clock has been restored before. None: without a plan."""
        with self._lock:
            self.run, self._acts = None, []
            if kept is not None:
                from mockkms.faults.chaos.running import ChaosRun

                self.run, self._acts = ChaosRun.resumed(kept, self._clock), [*kept.acts]

    def describe(self) -> list[str]:
        """Return the plan that runs as a line of text; an empty list without one."""
        if self.run is None or self.run.over:
            return []
        return [f"chaos: {self.phase}, seed {self.run.seed}: {self.run.counts()}"]
