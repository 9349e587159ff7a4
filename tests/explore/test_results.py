"""The result model of an exploration: its JSON form, merging, and which cases fail it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from mockkms.explore import ExploreError
from mockkms.explore.results import (
    Cell,
    Exploration,
    ExploredFailure,
    ExploredRequest,
    ExploredTest,
    InjectedFault,
    Outcome,
    Wrong,
    read_results,
)

REQUEST = ExploredRequest("write transit/keys/{name}/rotate#1", "vault", "write", "transit/keys/{name}/rotate", 1)
FAILURE = ExploredFailure("reset-after", "the answer is lost", True, {"lose_answer": "reset"})
FAULT = InjectedFault(REQUEST.id, FAILURE.name)
CELL = Cell(
    (FAULT,), Outcome.WRONG, Wrong.DOUBLE_WRITE, "written twice", where="app.py:3", seconds=0.5, requests=4, retries=1,
    rules=({"path": "transit/keys/+/rotate", "operation": "write", "times": 1, "lose_answer": "reset"},),
    command="pytest test_app.py::test_rotate", log=("POST /v1/transit/keys/a/rotate",),
)  # fmt: skip
TEST = ExploredTest("test_app.py::test_rotate", (REQUEST,), (CELL,), 1, 0, 0.1, 0.6)
RESULT = Exploration((TEST,), (FAILURE,), 1, "2026-01-01T00:00:00Z", 0.6, "1.0")


def test_results_survive_json(tmp_path: Path) -> None:
    """Reading a written file gives an equal result."""
    RESULT.write(tmp_path / "results.json")
    assert read_results(tmp_path / "results.json") == RESULT
    assert Exploration.from_data(json.loads(json.dumps(RESULT.data()))) == RESULT


def test_rules_are_shown_as_a_world() -> None:
    """The YAML of a case is a world that MockKMS accepts."""
    import yaml

    from mockkms import MockKMS

    world = yaml.safe_load(CELL.rules_yaml)
    assert world == {"faults": [dict(CELL.rules[0])]}
    MockKMS(seed=world)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "junit"}, "not the result of an exploration"),
        ({"version": 99}, "version 99 of results; this is version 1"),
        ({"tests": {}}, "results.tests: expected a value of type list"),
        ({"depth": "2"}, "results.depth: expected a value of type integer, got '2'"),
        ({"seconds": True}, "results.seconds: expected a value of type number, got 'True'"),
        ({"tests": [{"cells": [{"outcome": "fine"}]}]}, "results.tests[0].cells[0].outcome: expected one of tolerated"),
    ],
)
def test_wrong_data_is_named(change: dict[str, object], message: str) -> None:
    """An error says which member has which wrong value."""
    with pytest.raises(ExploreError) as caught:
        Exploration.from_data({**RESULT.data(), **change})
    assert message in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing file and one that is not JSON are errors with the path."""
    with pytest.raises(ExploreError, match="No such file"):
        read_results(tmp_path / "missing.json")
    (tmp_path / "text.json").write_text("no")
    with pytest.raises(ExploreError, match="is not a JSON file"):
        read_results(tmp_path / "text.json")


def test_what_fails() -> None:
    """Hung and wrong cases fail; with a baseline all new problems do; accepted and known ones never."""
    raised = replace(CELL, outcome=Outcome.RAISED, kind="")
    assert RESULT.fails(CELL)
    assert not RESULT.fails(raised)
    assert not RESULT.fails(replace(CELL, accepted=True))
    compared = replace(RESULT, baseline="known.json")
    assert compared.fails(raised)
    assert not compared.fails(replace(raised, known=True))
    assert not compared.fails(replace(raised, outcome=Outcome.TOLERATED))
    assert RESULT.failing() == [(TEST, CELL)]
    assert RESULT.counts()[Outcome.WRONG] == 1


def test_workers_are_merged() -> None:
    """Tests and failures of all workers are in the result, each once."""
    other = Exploration((ExploredTest("test_app.py::test_other"), TEST), (FAILURE, replace(FAILURE, name="sealed")))
    merged = RESULT.merge([other])
    assert [test.id for test in merged.tests] == [TEST.id, "test_app.py::test_other"]
    assert [failure.name for failure in merged.failures] == ["reset-after", "sealed"]
    assert merged.tests[0].cell(REQUEST.id, "reset-after") == CELL
    assert merged.tests[0].cell(REQUEST.id, "sealed") is None
