"""Baselines: which problems were known, and which are fixed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mockkms.explore import ExploreError
from mockkms.explore.baseline import compared, read_baseline
from mockkms.explore.results import Cell, Exploration, ExploredTest, InjectedFault, Outcome

RAISED = Cell((InjectedFault("read sys/mounts#1", "sealed"),), Outcome.RAISED)
HUNG = Cell((InjectedFault("read sys/mounts#1", "timeout"),), Outcome.HUNG)
RESULT = Exploration((ExploredTest("test_a.py::test_a", cells=(RAISED, HUNG)),))


def with_cells(*cells: Cell) -> Exploration:
    """The result with other cases of its test."""
    return replace(RESULT, tests=(replace(RESULT.tests[0], cells=cells),))


def test_known_new_and_mended(tmp_path: Path) -> None:
    """Equal problems are known; another outcome of a case is new; what is tolerated now is named."""
    RESULT.write(tmp_path / "known.json")
    baseline = read_baseline(tmp_path / "known.json", "advice")
    assert compared(RESULT, baseline).failing() == []
    assert baseline.news(RESULT) == []
    tolerated, wrong = (
        replace(RAISED, outcome=Outcome.TOLERATED),
        replace(HUNG, outcome=Outcome.WRONG, kind="lost-write"),
    )
    result = compared(with_cells(tolerated, wrong), baseline)
    assert [cell.id for _, cell in result.failing()] == [HUNG.id]
    assert baseline.news(result) == [
        f"1 problem of {tmp_path / 'known.json'} did not occur, such as {RAISED.id}: write it again to keep it so"
    ]
    assert compared(RESULT, None) is RESULT


def test_a_missing_file(tmp_path: Path) -> None:
    """The error says how a baseline is made; that of another file says what is wrong with it."""
    with pytest.raises(ExploreError, match="No such file or directory; write it with: x"):
        read_baseline(tmp_path / "none.json", "write it with: x")
    (tmp_path / "other.json").write_text("[]")
    with pytest.raises(ExploreError, match=r"other\.json: expected a JSON object"):
        read_baseline(tmp_path / "other.json", "write it with: x")
