"""A plan that runs: the phase of the present moment, its rules, its actions, and counts.

Phases follow the clock of the world. Actions of the plan that move that clock do not move the timeline. Nothing runs
in the background: each request, and each look at the server's state, brings the timeline up to date.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, astuple, dataclass, replace
from typing import Self

from mockkms.faults.chaos.model import Act, ChaosPlan, Phase
from mockkms.faults.kinds.timing import Advance, SetClock
from mockkms.faults.plan import Question, ServerAction
from mockkms.faults.request_view import Reply
from mockkms.faults.rule import Rule
from mockkms.faults.schedule import Counters
from mockkms.world.clock import Clock, rfc3339

_PREFIX = "chaos/"
"""Beginning of the ids of all rules of plans."""
_FAILURES = (412, 429)
"""Statuses below 500 that a client is to repeat."""


@dataclass(slots=True)
class PhaseCounts:
    """What happened to the requests of one phase, in all cycles."""

    requests: int = 0
    disturbed: int = 0
    """Those on which a rule of the phase fired."""
    failed: int = 0
    """Those without an answer, or with 412, 429 or 5xx, whatever the reason."""


@dataclass(frozen=True, slots=True)
class RunState:
    """A running plan at one moment, for snapshots."""

    plan: ChaosPlan
    seed: int | str
    index: int
    cycles: int
    over: bool
    elapsed: float
    """Seconds since the phase began."""
    total: float
    """Seconds since the plan started."""
    phases: tuple[PhaseCounts, ...]
    counts: tuple[tuple[int, int, dict[Question, Reply]], ...]
    """Of each rule of the phase: how often it matched and fired, and its memory."""
    with_connections: bool = True
    acts: tuple[ServerAction, ...] = ()
    """Actions that the server has not carried out yet."""


class ChaosRun:
    """A plan and its position on the timeline."""

    def __init__(self, plan: ChaosPlan, seed: int | str, clock: Clock) -> None:
        self.plan, self.seed = plan, seed
        self.over = False
        """Whether the timeline has come to its end, or was stopped."""
        self.rules: tuple[Rule, ...] = ()
        """The rules of the present phase."""
        self.of_connections: tuple[Rule, ...] = ()
        """Those of them that apply to connections."""
        self._clock = clock
        self._index, self._cycles = plan.start, 0
        self._skew = 0.0
        """Seconds by which actions of the plan have moved the clock."""
        self._started = self._since = self._now()
        self._counts = [PhaseCounts() for _ in plan.phases]
        self._places = {f"{plan.name}/{phase.name}": place for place, phase in enumerate(plan.phases)}
        self._with_connections = True

    @classmethod
    def resumed(cls, kept: RunState, clock: Clock) -> Self:
        """Return a run that goes on from a snapshot, as if no time had passed since."""
        run = cls(kept.plan, kept.seed, clock)
        run._index, run._cycles, run.over = kept.index, kept.cycles, kept.over
        run._since, run._started = run._since - kept.elapsed, run._started - kept.total
        run._counts = [replace(one) for one in kept.phases]
        run._with_connections = kept.with_connections
        if not run.over:
            run._take(tuple(run._made()))
        for rule, (matched, fired, memory) in zip((*run.rules, *run.of_connections), kept.counts, strict=False):
            rule.counters, rule.memory = Counters(matched, fired), dict(memory)
        return run

    def start(self) -> list[ServerAction]:
        """Begin the first phase and return its actions."""
        return self._begin()

    # -- the timeline ------------------------------------------------------------------------------------------------

    def _now(self) -> float:
        """Return the present moment, by a clock that the plan itself does not move."""
        return self._clock.now() - self._skew

    @property
    def _phase(self) -> Phase:
        return self.plan.phases[self._index]

    @property
    def phase(self) -> str:
        """Names of the plan and of its present phase, as in ``leader-election/election``; empty if it is over."""
        return "" if self.over else f"{self.plan.name}/{self._phase.name}"

    def move(self) -> list[ServerAction]:
        """Go on to the phase of the present moment; return the actions of the phases that ended and began.

        If the clock was moved over several cycles, the actions of one cycle represent them.
        """
        now, acts = self._now(), list[ServerAction]()
        if now < self._since:
            self._since = now  # The clock was set back: the phase starts again.
        cycle = self.plan.cycle
        skipped = int((now - self._since) // cycle) - 1 if cycle else 0
        if skipped > 0:
            self._since += skipped * cycle
            self._cycles += skipped
        while not self.over and self._phase.lasts is not None and now >= self._since + self._phase.lasts:
            self._since += self._phase.lasts
            acts += self._end()
            self._index += 1
            if self._index == len(self.plan.phases):
                self._index, self._cycles = 0, self._cycles + 1
                if not self.plan.loop:
                    self._index, self._cycles = len(self.plan.phases) - 1, 0
                    self._finish()
                    return acts
            acts += self._begin()
        return acts

    def stop(self) -> list[ServerAction]:
        """End the plan and return the actions that end the present phase."""
        if self.over:
            return []
        acts = self._end()
        self._finish()
        return acts

    def _finish(self) -> None:
        self.over, self.rules, self.of_connections = True, (), ()

    def _begin(self) -> list[ServerAction]:
        acts = self._acts(self._phase.begin)
        self._take(tuple(self._made()))
        return acts

    def _end(self) -> list[ServerAction]:
        return self._acts(self._phase.end)

    def _acts(self, acts: tuple[Act, ...]) -> list[ServerAction]:
        """Move the clock as the acts say, and return the others, without those that a rule carries out."""
        found = []
        for act in acts:
            if isinstance(act.kind, (Advance, SetClock)):
                self._skew += _moved(self._clock, act.kind)
            elif not act.cuts:
                found.append(ServerAction(act.kind.word, act.value, before=True))
        return found

    def _made(self) -> Iterator[Rule]:
        """Make the rules of the present phase."""
        phase, now = self._phase, self._since + self._skew
        name = f"{_PREFIX}{self.plan.name}/{phase.name}"
        for act in phase.begin:
            if act.cuts:
                # The first request of the phase triggers it, and loses its own connection.
                words = {act.kind.word: act.given, "times": 1}
                yield Rule(words, rule_id=f"{name}/{act.kind.word}", now=now, seed=0)
        for number, given in enumerate(phase.rules, 1):
            rule_id = name if len(phase.rules) == 1 else f"{name}/{number}"
            words = dict(given)
            if "id" in words:
                rule_id = f"{name}/{words.pop('id')}"
            seed = f"{self.seed}/{self._cycles}/{self._index}/{number}"
            yield Rule(words, rule_id=rule_id, now=now, seed=seed)

    def _take(self, rules: tuple[Rule, ...]) -> None:
        enabled = [rule for rule in rules if rule.enabled]
        self.rules = tuple(rule for rule in enabled if not rule.of_connections)
        self.of_connections = tuple(rule for rule in enabled if rule.of_connections and self._with_connections)

    # -- counts ------------------------------------------------------------------------------------------------------

    def count(self, phase: str, rules: Iterable[str], status: int) -> None:
        """Count a request that met ``phase``: the rules that fired on it, and its status (0: no answer)."""
        place = self._places.get(phase)
        if place is None:
            return  # It was started before this plan.
        counts = self._counts[place]
        counts.requests += 1
        counts.disturbed += any(rule.startswith(_PREFIX) for rule in rules)
        counts.failed += status == 0 or status >= 500 or status in _FAILURES

    def counts(self) -> str:
        """Return the counts as text."""
        total = self._total()
        return f"{total.failed:,} of {total.requests:,} requests failed"

    def _total(self) -> PhaseCounts:
        requests, disturbed, failed = zip(*(astuple(counts) for counts in self._counts), strict=True)
        return PhaseCounts(sum(requests), sum(disturbed), sum(failed))

    def describe(self) -> dict[str, object]:
        """Return the position on the timeline and the counts as data."""
        phase, now = self._phase, self._now()
        left = None if self.over or phase.lasts is None else max(0.0, self._since + phase.lasts - now)
        phases = [
            {
                "name": one.name,
                "lasts": one.lasts,
                "note": one.note,
                **asdict(counts),
            }
            for one, counts in zip(self.plan.phases, self._counts, strict=True)
        ]
        return {
            "active": not self.over,
            "name": self.plan.name,
            "summary": self.plan.summary,
            "seed": self.seed,
            "loop": self.plan.loop,
            "cycle": self._cycles,
            "phase": "" if self.over else phase.name,
            "started": rfc3339(self._started + self._skew),
            "elapsed": round(now - self._started, 3),
            "left": None if left is None else round(left, 3),
            **asdict(self._total()),
            "phases": phases,
        }

    # -- snapshots ---------------------------------------------------------------------------------------------------

    def state(self) -> RunState:
        """Return the state for a snapshot."""
        counts = tuple((rule.matched, rule.fired, dict(rule.memory)) for rule in (*self.rules, *self.of_connections))
        now = self._now()
        return RunState(
            self.plan, self.seed, self._index, self._cycles, self.over, now - self._since, now - self._started,
            tuple(replace(one) for one in self._counts), counts, self._with_connections,
        )  # fmt: skip


def _moved(clock: Clock, act: Advance | SetClock) -> float:
    """Move the clock as an action says; return by how many seconds."""
    (offset, frozen), value = clock.state(), act.value
    assert isinstance(value, (int, float)), "its kind has read it as seconds"
    if isinstance(act, Advance):
        clock.advance(value)
    else:
        clock.set(value)
    after, then = clock.state()
    return after - offset if frozen is None or then is None else then - frozen
