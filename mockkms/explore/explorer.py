"""The exploration of one test or command: plan, run each case, judge, and collect the outcomes.

The runner knows how to run a test or a command once; this module knows which runs to make. With the same test and the
same settings it makes the same runs in the same order.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from mockkms.explore.catalogue import Failure
from mockkms.explore.judging import Judge
from mockkms.explore.observing import InjectedRule, Observation
from mockkms.explore.options import Acceptance, accepted
from mockkms.explore.planning import Case, Row, pair_cases, rows_of, single_cases
from mockkms.explore.results import Cell, ExploredTest, Outcome
from mockkms.explore.resuming import ResumeFile

_LOG_LINES = 40
"""Requests of a run that its case keeps."""


@dataclass(frozen=True)
class Verdict:
    """What a runner saw of one run."""

    outcome: Outcome
    """``tolerated``, ``failed``, ``raised`` or ``hung``."""
    seconds: float
    detail: str = ""
    exception: str = ""
    where: str = ""
    output: tuple[str, ...] = ()
    """The last lines that the run wrote, or of its traceback. Bounded."""


class Runner(Protocol):
    """Runs one test or command."""

    def run(
        self, rules: Sequence[InjectedRule], limit: float, *, effects: bool = False, reseed: bool = False
    ) -> tuple[Verdict, Observation]:
        """Run it in a new world with these rules, for at most ``limit`` seconds.

        ``effects`` and ``reseed`` are those of ``Observer``.
        """

    def command(self, case: str) -> str:
        """Return the command that explores one case alone."""


@dataclass(frozen=True)
class ExplorerSettings:
    """What to explore, and how long."""

    failures: Sequence[Failure]
    depth: int = 1
    limit: float | None = None
    """Seconds for one run; None: five seconds and three times the run without failures."""
    most_runs: int = 500
    """Runs for one test."""
    phases: tuple[str, ...] = ("call",)
    cases: tuple[str, ...] = ()
    """Ids of the cases to explore; empty for all."""
    dry_run: bool = False
    """Plan only."""

    def limit_of(self, plain_seconds: float) -> float:
        """Return the seconds that a run may take."""
        return self.limit if self.limit is not None else 5 + 3 * plain_seconds


@dataclass(frozen=True)
class Estimate:
    """The bound that is said before an exploration."""

    runs: int
    seconds: float
    """About how long it takes, if clients without a time-out wait until the limit."""
    most: float
    """How long it takes if every run reaches the limit."""

    def __str__(self) -> str:
        runs = "1 run" if self.runs == 1 else f"{self.runs} runs"
        return f"{runs}, about {shown_seconds(self.seconds)}, at most {shown_seconds(self.most)}"


def shown_seconds(seconds: float) -> str:
    """Return a duration for people: ``0.4 s``, ``40 s``, ``4 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


class Watcher(Protocol):
    """Is told of the progress."""

    def planned(self, test: str, estimate: Estimate) -> None:
        """Called once the cases are known, before the first of them, and again if there are more."""

    def done(self, test: str, cell: Cell, number: int, runs: int) -> None:
        """Called after each case, the ``number``-th of ``runs``."""


class Explorer:
    """Explores one test after the other with the same settings."""

    def __init__(self, settings: ExplorerSettings, watcher: Watcher, kept: ResumeFile) -> None:
        self._settings, self._watcher, self._kept = settings, watcher, kept
        self.interrupted = False
        """Whether the user interrupted the exploration."""

    def explore(
        self,
        test: str,
        runner: Runner,
        first: tuple[Verdict, Observation],
        acceptances: Sequence[Acceptance] = (),
    ) -> ExploredTest:
        """Explore a test whose first run, without failures, passed with this observation.

        It is run without failures once more, as what is done once for all runs (imports, fixtures of the session) would
        otherwise be taken for its own requests, and to find out what differs in every run.

        KeyboardInterrupt ends the exploration: the result has the outcomes so far, and ``interrupted`` is set.
        """
        found = _OneTest(test, runner, first, acceptances, self._settings, self._watcher, self._kept)
        result = found.result()
        self.interrupted = self.interrupted or found.interrupted
        return result


class _OneTest:
    """The exploration of one test."""

    def __init__(
        self, test: str, runner: Runner, first: tuple[Verdict, Observation], acceptances: Sequence[Acceptance],
        settings: ExplorerSettings, watcher: Watcher, kept: ResumeFile,
    ) -> None:  # fmt: skip
        self._test, self._runner, self._acceptances = test, runner, acceptances
        verdict, self._first = first
        self._settings, self._watcher, self._kept = settings, watcher, kept
        self._seconds = verdict.seconds
        """Duration of a run without failures."""
        self._limit = settings.limit_of(self._seconds)
        self._cells: list[Cell] = []
        self._rows: dict[str, Row] = {}
        self._planned = 0
        self.interrupted = False
        self._started = time.monotonic()

    def result(self) -> ExploredTest:
        """Run all cases and return the result."""
        skipped = self._unfit(self._first)
        if not skipped:
            try:
                skipped = self._explored()
            except KeyboardInterrupt:
                self.interrupted = True
        return ExploredTest(
            self._test, tuple(row.shown for row in self._rows.values()), tuple(self._cells), self._planned,
            0 if skipped else self._planned - len(self._cells), round(self._seconds, 4),
            round(time.monotonic() - self._started, 4), skipped,
        )  # fmt: skip

    def _explored(self) -> str:
        """Plan and run all cases; return why it is not possible."""
        verdict, plain = self._runner.run((), self._limit, effects=True, reseed=True)
        if verdict.outcome is not Outcome.TOLERATED:
            # It may depend on the ids of a repeatable world.
            verdict, plain = self._runner.run((), self._limit, effects=True)
        if verdict.outcome is not Outcome.TOLERATED:
            reason = ": ".join(part for part in (verdict.exception, verdict.detail) if part)
            return f"it does not pass when it is run again: {reason or verdict.outcome}"
        skipped = self._unfit(plain)
        if skipped:
            return skipped
        self._seconds = verdict.seconds
        self._limit = self._settings.limit_of(self._seconds)
        rows = rows_of(plain, self._settings.phases)
        cases = single_cases(plain, rows, self._settings.failures)
        self._rows = {row.shown.id: row for row in rows}
        cases = self._named(cases)
        self._planned = len(cases)
        wanted = cases[: self._settings.most_runs]
        if wanted:
            self._watcher.planned(self._test, self._estimate(wanted))
        if not self._settings.dry_run:
            self._run(Judge(plain, self._first), wanted)
        return ""

    @staticmethod
    def _unfit(run: Observation) -> str:
        if run.overflowed:
            return f"it makes more than {len(run.requests)} requests"
        return "" if run.requests else "it makes no request"

    def _named(self, cases: list[Case]) -> list[Case]:
        """Return the named cases, all if none is named. Those that begin a named pair are among them."""
        names = self._settings.cases
        if not names:
            return cases
        return [case for case in cases if any(one == case.id or one.startswith(f"{case.id} + ") for one in names)]

    def _estimate(self, cases: Sequence[Case]) -> Estimate:
        waiting = sum(case.waits for case in cases)
        # A run takes as long as that without failures, and a little for its set-up.
        seconds = (self._seconds + 0.01) * (len(cases) - waiting) + self._limit * waiting
        return Estimate(len(cases), seconds, self._limit * len(cases))

    def _run(self, judge: Judge, cases: Sequence[Case]) -> None:
        """Run cases, and with depth 2 those that follow from them."""
        pairs = self._settings.depth > 1
        further: list[Case] = []
        for number, case in enumerate(cases, 1):
            cell, run = self._one(judge, case, again=pairs)
            self._add(cell, number, len(cases))
            if pairs and run is not None and cell.outcome in (Outcome.TOLERATED, Outcome.WRONG):
                further += pair_cases(case, run, self._settings.failures, self._settings.phases)
        further = [case for case in further if not self._settings.cases or case.id in self._settings.cases]
        self._planned += len(further)
        wanted = further[: max(0, self._settings.most_runs - len(cases))]
        if not wanted:
            return
        for case in wanted:
            self._rows.setdefault(case.rows[-1].shown.id, case.rows[-1])
        self._watcher.planned(self._test, self._estimate(wanted))
        for number, case in enumerate(wanted, 1):
            cell, _ = self._one(judge, case)
            self._add(cell, number, len(wanted))

    def _add(self, cell: Cell, number: int, runs: int) -> None:
        self._cells.append(cell)
        self._watcher.done(self._test, cell, number, runs)

    def _one(self, judge: Judge, case: Case, *, again: bool = False) -> tuple[Cell, Observation | None]:
        """Run one case, unless its outcome is known. ``again``: the observation is needed."""
        rules = tuple(rule.words for rule in reversed(case.rules))
        known = self._kept.known(self._test, case.id, rules)
        if known is not None and not again:
            return self._finished(known), None
        verdict, run = self._runner.run(case.rules, self._limit)
        cell = self._finished(self._cell(judge, case, verdict, run))
        if known is None:
            self._kept.add(self._test, cell)
        return cell, run

    def _cell(self, judge: Judge, case: Case, verdict: Verdict, run: Observation) -> Cell:
        outcome, kind, detail = verdict.outcome, "", verdict.detail
        missing = [number for number in range(1, len(case.faults) + 1) if run.struck(number) is None]
        if missing and outcome is not Outcome.HUNG:
            outcome, detail = Outcome.MISSED, "the request was not made in this run"
        elif outcome is Outcome.TOLERATED:
            complaint = judge.complaint(run, case)
            if complaint is not None:
                outcome, kind, detail = Outcome.WRONG, str(complaint.kind), complaint.detail
        log = () if outcome.harmless else (*_requests(run), *verdict.output)
        return Cell(
            case.faults, outcome, kind, detail, verdict.exception, verdict.where, round(verdict.seconds, 4),
            len(run.requests), run.retries, tuple(rule.words for rule in reversed(case.rules)), log=log,
        )  # fmt: skip

    def _finished(self, cell: Cell) -> Cell:
        """Return a case with what depends on the settings of this exploration."""
        requests = {name: row.shown for name, row in self._rows.items()}
        return replace(
            cell, command=self._runner.command(cell.id), accepted=accepted(cell, requests, self._acceptances)
        )


def _requests(run: Observation) -> list[str]:
    """Return the last requests of a run as lines; those that a fault struck are marked."""
    lines = []
    for seen in run.requests[-_LOG_LINES:]:
        entry = seen.entry
        status = entry.cut if entry.cut and not entry.status else str(entry.status or "no answer")
        mark = " <- fault" if seen.injected else " (retry)" if seen.retry else ""
        lines.append(f"{status:>5} {entry.shown_line[:160]}{mark}")
    return lines


class NoWatcher:
    """Watches nothing."""

    def planned(self, test: str, estimate: Estimate) -> None:
        """Ignore the bound."""

    def done(self, test: str, cell: Cell, number: int, runs: int) -> None:
        """Ignore the outcome."""
