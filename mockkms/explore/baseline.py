"""Comparison with a baseline: which problems of an exploration were known before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from mockkms.explore import ExploreError
from mockkms.explore.results import Cell, Exploration, ExploredTest, Outcome, read_results


@dataclass(frozen=True)
class Baseline:
    """The outcomes of an earlier exploration."""

    path: str
    outcomes: dict[tuple[str, str], tuple[Outcome, str]]
    """Outcome and kind by test and case."""

    def knows(self, test: str, cell: Cell) -> bool:
        """Return whether the case is a problem that had the same outcome before."""
        known = self.outcomes.get((test, cell.id))
        if known is None or cell.outcome.harmless:
            return False
        outcome, kind = known
        return outcome is cell.outcome and kind == cell.kind

    def marked(self, test: ExploredTest) -> ExploredTest:
        """Return a test with ``known`` set in its cases."""
        return replace(test, cells=tuple(replace(cell, known=self.knows(test.id, cell)) for cell in test.cells))

    def fixed(self, result: Exploration) -> list[tuple[str, Cell]]:
        """Return the cases of a result that are harmless now and were not before."""
        found = []
        for test, cell in result.cells():
            known = self.outcomes.get((test.id, cell.id))
            if known is not None and not known[0].harmless and cell.outcome is Outcome.TOLERATED:
                found.append((test.id, cell))
        return found

    def news(self, result: Exploration) -> list[str]:
        """Return lines about what is better than in the baseline."""
        fixed = self.fixed(result)
        if not fixed:
            return []
        count = "1 problem" if len(fixed) == 1 else f"{len(fixed)} problems"
        return [f"{count} of {self.path} did not occur, such as {fixed[0][1].id}: write it again to keep it so"]


def read_baseline(path: Path, advice: str) -> Baseline:
    """Read a baseline, a file that an exploration wrote. Raises ExploreError; ``advice`` says how to make one."""
    try:
        result = read_results(path)
    except ExploreError as error:
        raise ExploreError(f"{error}; {advice}" if not path.exists() else str(error)) from None
    return Baseline(str(path), {(test.id, cell.id): (cell.outcome, cell.kind) for test, cell in result.cells()})


def compared(result: Exploration, baseline: Baseline | None) -> Exploration:
    """Return a result whose problems are marked as known if the baseline has them."""
    if baseline is None:
        return result
    return replace(result, tests=tuple(map(baseline.marked, result.tests)), baseline=baseline.path)
