"""The result of an exploration as data: tests, their requests, the failures, and the outcome of each case.

``Exploration.data`` is JSON, ``Exploration.from_data`` reads it again. Files have a ``version``; a reader accepts those
of its own version only. Results of several processes (workers of pytest-xdist, files) are combined by ``merge``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from mockkms.error_context import file_context
from mockkms.explore import ExploreError
from mockkms.explore.members import Members
from mockkms.files import read_file, write_text
from mockkms.json_reading import read_json

FORMAT = "mockkms-exploration"
VERSION = 1
LARGEST = 256 * 1024 * 1024
"""Bytes of the largest file of results that is read."""


class Outcome(StrEnum):
    """What a test or command did in one case."""

    TOLERATED = "tolerated"
    """It passed, and nothing was wrong."""
    FAILED = "failed"
    """An assertion of the user failed, or the command ended with an exit code other than 0."""
    RAISED = "raised"
    """An exception other than a failed assertion left the test, or a signal ended the command."""
    HUNG = "hung"
    """It did not end within the time limit."""
    WRONG = "wrong"
    """It passed although something went wrong unnoticed; ``Cell.kind`` says what."""
    MISSED = "missed"
    """The request of the case was not made in this run, so that no failure was injected."""

    @property
    def letter(self) -> str:
        """One character for a matrix."""
        return _LETTERS[self]

    @property
    def harmless(self) -> bool:
        """Whether there is nothing to report about the case."""
        return self in (Outcome.TOLERATED, Outcome.MISSED)


_LETTERS = {
    Outcome.TOLERATED: ".", Outcome.FAILED: "F", Outcome.RAISED: "R", Outcome.HUNG: "H", Outcome.WRONG: "W",
    Outcome.MISSED: "?",
}  # fmt: skip


class Wrong(StrEnum):
    """What is wrong with a run that passed: the values of ``Cell.kind``."""

    DOUBLE_WRITE = "double-write"
    """A write took effect more often than without the failure."""
    LOST_WRITE = "lost-write"
    """A write that takes effect without the failure did not, and the test did not notice."""
    OTHER_STATE = "other-state"
    """The server ends in another state, with the same writes."""
    USED_AFTER_END = "used-after-end"
    """The client went on using a token or lease that it knew, or was told, to be gone."""
    RETRY_AFTER_IGNORED = "retry-after-ignored"
    """The client repeated a request before the time in ``Retry-After``."""


@dataclass(frozen=True)
class ExploredRequest:
    """One request of a test, standing for all equivalent ones: a row of the matrix."""

    id: str
    """Unique within the test, for people and on command lines: ``write transit/encrypt/{name}#1``."""
    service: str
    """``vault`` or ``rustfs``."""
    operation: str
    """``read``, ``list``, ``write``, ``delete``, …, as in the match of a rule."""
    path: str
    """Template of the path with its mount: ``transit/encrypt/{name}``."""
    occurrence: int
    """Counted from 1 among the requests of the test with this operation and path."""
    phase: str = "call"
    """``setup`` or ``call``."""
    server: int = 0
    """0: the server of the fixture ``mockkms``; 1, 2, …: those of ``mockkms_factory``, in order of their start."""
    example: str = ""
    """Method and target of the request as sent, without secrets."""
    status: int = 0
    """HTTP status of the response in the plain run; 0 without a response."""
    equivalent: int = 1
    """Number of requests of the plain run that this one stands for."""

    def data(self) -> dict[str, object]:
        """Return the request as JSON data."""
        return dict(vars(self))

    @classmethod
    def from_data(cls, given: Members) -> ExploredRequest:
        """Read what ``data`` returned. Raises ExploreError."""
        return cls(
            given.text("id"), given.text("service"), given.text("operation"), given.text("path"),
            given.whole("occurrence"), given.text("phase", "call"), given.whole("server"), given.text("example"),
            given.whole("status"), given.whole("equivalent", 1),
        )  # fmt: skip


@dataclass(frozen=True)
class ExploredFailure:
    """A failure of the catalogue: a column of the matrix."""

    name: str
    """``sealed``, ``reset-after``, …"""
    help: str
    applied: bool = False
    """Whether the request takes effect although the client sees a failure."""
    words: Mapping[str, object] = field(default_factory=dict)
    """The fault kinds of the rule, without match and schedule."""

    def data(self) -> dict[str, object]:
        """Return the failure as JSON data."""
        return {**vars(self), "words": dict(self.words)}

    @classmethod
    def from_data(cls, given: Members) -> ExploredFailure:
        """Read what ``data`` returned. Raises ExploreError."""
        return cls(given.text("name"), given.text("help"), given.flag("applied"), given.mapping("words"))


@dataclass(frozen=True)
class InjectedFault:
    """A failure at a request."""

    request: str
    """``ExploredRequest.id``."""
    failure: str
    """``ExploredFailure.name``."""

    def __str__(self) -> str:
        return f"{self.failure}@{self.request}"


@dataclass(frozen=True)
class Cell:
    """One case with its outcome: a cell of the matrix, or, with two faults, a pair."""

    faults: tuple[InjectedFault, ...]
    """One fault, or two with depth 2, in the order in which they strike."""
    outcome: Outcome
    kind: str = ""
    """A ``Wrong``, if the outcome is ``wrong``; else empty."""
    detail: str = ""
    """One line for people: the message of an exception, the changed state, the last line of a command's output."""
    exception: str = ""
    """Qualified name of the type of the exception, if one left the test; of a command, the exit code or the signal."""
    where: str = ""
    """``file:line`` of the user's code that the exception left from, or that was waiting when the limit was reached."""
    seconds: float = 0.0
    """Duration of the run."""
    requests: int = 0
    """Number of requests in the run."""
    retries: int = 0
    """Number of requests that repeated a failed one."""
    rules: tuple[Mapping[str, object], ...] = ()
    """The rules that reproduce the case, in a world's ``faults:`` or in the marker."""
    command: str = ""
    """The command that runs exactly this case again."""
    log: tuple[str, ...] = ()
    """Lines about the run: its requests, or the last lines of a command's output. Bounded; empty if tolerated."""
    accepted: bool = False
    """Whether the test's marker accepts this outcome."""
    known: bool = False
    """Whether the baseline has this outcome."""

    @property
    def id(self) -> str:
        """The case on a command line: ``sealed@write transit/encrypt/{name}#1``; pairs are joined by `` + ``."""
        return " + ".join(map(str, self.faults))

    @property
    def problem(self) -> bool:
        """Whether the outcome is neither harmless nor accepted."""
        return not self.outcome.harmless and not self.accepted

    @property
    def rules_yaml(self) -> str:
        """The rules as YAML, for a world."""
        import yaml

        rules = [dict(rule) for rule in self.rules]
        return yaml.safe_dump({"faults": rules}, sort_keys=False, default_flow_style=None, width=110)

    def data(self) -> dict[str, object]:
        """Return the case as JSON data."""
        return {
            **vars(self),
            "faults": [dict(vars(fault)) for fault in self.faults],
            "outcome": str(self.outcome),
            "rules": [dict(rule) for rule in self.rules],
            "log": list(self.log),
        }

    @classmethod
    def from_data(cls, given: Members) -> Cell:
        """Read what ``data`` returned. Raises ExploreError."""
        word = given.text("outcome")
        if word not in [*Outcome]:
            raise ExploreError(f"{given.where}.outcome: expected one of {', '.join(Outcome)}, got {word!r}")
        faults = tuple(InjectedFault(one.text("request"), one.text("failure")) for one in given.each("faults"))
        return cls(
            faults, Outcome(word), given.text("kind"), given.text("detail"), given.text("exception"),
            given.text("where"), given.number("seconds"), given.whole("requests"), given.whole("retries"),
            tuple(one.data for one in given.each("rules")), given.text("command"), tuple(given.texts("log")),
            given.flag("accepted"), given.flag("known"),
        )  # fmt: skip


@dataclass(frozen=True)
class ExploredTest:
    """One test, or command, with its matrix."""

    id: str
    """The node id of pytest, or the command."""
    requests: tuple[ExploredRequest, ...] = ()
    """The rows, in the order in which they were made; with depth 2 also requests made after a failure only."""
    cells: tuple[Cell, ...] = ()
    planned: int = 0
    """Number of cases planned, with those that were left out."""
    left_out: int = 0
    """Number of cases not run, because of the limit of runs or an interruption."""
    plain_seconds: float = 0.0
    """Duration of the run without failures."""
    seconds: float = 0.0
    """Duration of all runs."""
    skipped: str = ""
    """Why the test was not explored; empty if it was."""

    def cell(self, request: str, failure: str) -> Cell | None:
        """Return the case with this failure alone; None if it does not apply to the request or was left out."""
        wanted = (InjectedFault(request, failure),)
        return next((cell for cell in self.cells if cell.faults == wanted), None)

    @property
    def pairs(self) -> list[Cell]:
        """The cases with two failures."""
        return [cell for cell in self.cells if len(cell.faults) > 1]

    def data(self) -> dict[str, object]:
        """Return the test as JSON data."""
        return {
            **vars(self),
            "requests": [request.data() for request in self.requests],
            "cells": [cell.data() for cell in self.cells],
        }

    @classmethod
    def from_data(cls, given: Members) -> ExploredTest:
        """Read what ``data`` returned. Raises ExploreError."""
        return cls(
            given.text("id"), tuple(map(ExploredRequest.from_data, given.each("requests"))),
            tuple(map(Cell.from_data, given.each("cells"))), given.whole("planned"), given.whole("left_out"),
            given.number("plain_seconds"), given.number("seconds"), given.text("skipped"),
        )  # fmt: skip


@dataclass(frozen=True)
class Exploration:
    """The result of an exploration."""

    tests: tuple[ExploredTest, ...] = ()
    failures: tuple[ExploredFailure, ...] = ()
    """The columns: the failures of the catalogue that were explored, in its order."""
    depth: int = 1
    created: str = ""
    """Time of the start, RFC 3339."""
    seconds: float = 0.0
    mockkms: str = ""
    """Version of mockkms."""
    fails_on: tuple[str, ...] = ("hung", "wrong")
    """The outcomes that fail the exploration unless they are accepted, or known with a baseline."""
    baseline: str = ""
    """Path of the file with the known outcomes; empty without one. With a baseline every new problem fails."""

    def cells(self) -> Iterator[tuple[ExploredTest, Cell]]:
        """Yield all cases with their tests."""
        for test in self.tests:
            for cell in test.cells:
                yield test, cell

    def counts(self) -> dict[Outcome, int]:
        """Return the number of cases by outcome; every outcome has an entry."""
        found = dict.fromkeys(Outcome, 0)
        for _, cell in self.cells():
            found[cell.outcome] += 1
        return found

    def failing(self) -> list[tuple[ExploredTest, Cell]]:
        """Return the cases that fail the exploration: problems that are new, or of an outcome in ``fails_on``."""
        return [(test, cell) for test, cell in self.cells() if self.fails(cell)]

    def fails(self, cell: Cell) -> bool:
        """Return whether a case fails the exploration."""
        if not cell.problem or cell.known:
            return False
        return bool(self.baseline) or cell.outcome in self.fails_on

    def merge(self, others: Iterable[Exploration]) -> Exploration:
        """Return this result with the tests and failures of others; a test that several have is that of the last."""
        tests = {test.id: test for test in self.tests}
        failures = {failure.name: failure for failure in self.failures}
        seconds = self.seconds
        for other in others:
            tests.update({test.id: test for test in other.tests})
            failures.update({failure.name: failure for failure in other.failures})
            seconds = max(seconds, other.seconds)
        return replace(self, tests=tuple(tests.values()), failures=tuple(failures.values()), seconds=seconds)

    def data(self) -> dict[str, object]:
        """Return the result as JSON data."""
        return {
            "format": FORMAT,
            "version": VERSION,
            **vars(self),
            "fails_on": list(self.fails_on),
            "failures": [failure.data() for failure in self.failures],
            "tests": [test.data() for test in self.tests],
        }

    @classmethod
    def from_data(cls, data: object, where: str = "results") -> Exploration:
        """Read what ``data`` returned. Raises ExploreError, which says where the data is wrong."""
        given = Members(data, where)
        if given.text("format") != FORMAT:
            raise ExploreError(f"{where}: not the result of an exploration (format is not {FORMAT!r})")
        if given.whole("version") != VERSION:
            raise ExploreError(f"{where}: version {given.whole('version')} of results; this is version {VERSION}")
        return cls(
            tuple(map(ExploredTest.from_data, given.each("tests"))),
            tuple(map(ExploredFailure.from_data, given.each("failures"))), given.whole("depth", 1),
            given.text("created"), given.number("seconds"), given.text("mockkms"), tuple(given.texts("fails_on")),
            given.text("baseline"),
        )  # fmt: skip

    def write(self, path: Path) -> None:
        """Write the result as a JSON file. Raises ExploreError."""
        text = json.dumps(self.data(), indent=1, ensure_ascii=False, sort_keys=False) + "\n"
        with file_context(f"{path} cannot be written: ", ExploreError):
            write_text(path, text)


def read_results(path: Path) -> Exploration:
    """Read the result of an exploration from a file. Raises ExploreError."""
    with file_context(f"{path} cannot be read: ", ExploreError):
        content = read_file(path, LARGEST)
    try:
        data = read_json(content)
    except ValueError as error:
        reason = "not UTF-8 text" if isinstance(error, UnicodeDecodeError) else error
        raise ExploreError(f"{path} is not a JSON file: {reason}") from None
    return Exploration.from_data(data, str(path))
