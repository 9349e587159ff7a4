"""The plan: which failures of which requests are explored.

Equivalent requests (same phase, operation, template of the path, fields of the body, policies of the token, and place
in a loop of retries) are explored once, at the first of them. Requests that the test's own rules change are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mockkms.explore.catalogue import Failure
from mockkms.explore.observing import InjectedRule, Observation, SeenRequest
from mockkms.explore.places import Place
from mockkms.explore.results import ExploredRequest, InjectedFault

_ALONE = ("chance", "sequence")
"""Keys of own failures with which a rule may fire more than once or not at all."""


@dataclass(frozen=True)
class Row:
    """A request to explore, with the first of the equivalent ones."""

    shown: ExploredRequest
    place: Place
    seen: SeenRequest


@dataclass(frozen=True)
class Case:
    """One run to make: one fault, or two that strike one after the other."""

    rows: tuple[Row, ...]
    failures: tuple[Failure, ...]

    @property
    def faults(self) -> tuple[InjectedFault, ...]:
        """The faults as the result names them."""
        pairs = zip(self.rows, self.failures, strict=True)
        return tuple(InjectedFault(row.shown.id, failure.name) for row, failure in pairs)

    @property
    def id(self) -> str:
        """The case on a command line, as ``Cell.id``."""
        return " + ".join(map(str, self.faults))

    @property
    def rules(self) -> list[InjectedRule]:
        """The rules to inject."""
        pairs = zip(self.rows, self.failures, strict=True)
        return [InjectedRule(_rule(row, failure), row.place.server, failure.applied) for row, failure in pairs]

    @property
    def waits(self) -> bool:
        """Whether a client without a time-out would wait until the limit."""
        return any(failure.waits for failure in self.failures)

    def then(self, row: Row, failure: Failure) -> Case:
        """Return the case with a further fault."""
        return Case((*self.rows, row), (*self.failures, failure))


def _rule(row: Row, failure: Failure) -> Mapping[str, object]:
    rule: dict[str, object] = {**row.place.match()}
    if row.shown.occurrence > 1:
        rule["skip"] = row.shown.occurrence - 1
    if "sequence" not in failure.words:
        rule["times"] = 1
    if "chance" in failure.words:
        rule["seed"] = 0
    return {**rule, **failure.words}


def rows_of(run: Observation, phases: Iterable[str] = ("call",), *, after: SeenRequest | None = None) -> list[Row]:
    """Return the requests of a run to explore, the first of each group of equivalent ones.

    With ``after``, those that follow this request and are not its retries.
    """
    found: dict[object, Row] = {}
    started = after is None
    wanted = tuple(phases)
    for number, seen in enumerate(run.requests):
        if not started:
            started = seen is after
            continue
        if seen.phase not in wanted or seen.entry.rules or (after is not None and seen.retry):
            continue
        key = equivalence(seen)
        if key in found:
            row = found[key]
            found[key] = replace(row, shown=replace(row.shown, equivalent=row.shown.equivalent + 1))
            continue
        found[key] = Row(_shown(seen, _occurrence(seen, run.requests[:number])), seen.place, seen)
    return list(found.values())


def _occurrence(seen: SeenRequest, before: Sequence[SeenRequest]) -> int:
    """Return the number of a request among those that its rule counts."""
    from mockkms.faults.match import read_match

    fits = read_match(seen.place.match())
    return 1 + sum(one.server == seen.server and fits(one.entry) for one in before)


def equivalence(seen: SeenRequest) -> object:
    """Return a value that is equal for equivalent requests."""
    entry = seen.entry
    fields = frozenset(entry.fields) if entry.hidden is None else frozenset()
    return (seen.phase, seen.place, fields, tuple(entry.policies), seen.retry)


def _shown(seen: SeenRequest, occurrence: int) -> ExploredRequest:
    entry, place = seen.entry, seen.place
    return ExploredRequest(
        f"{place}#{occurrence}", place.service, place.operation, place.path, occurrence, seen.phase, place.server,
        entry.shown_line[:200], entry.status,
    )  # fmt: skip


def single_cases(run: Observation, rows: Sequence[Row], failures: Sequence[Failure]) -> list[Case]:
    """Return the cases with one fault, request by request."""
    return [Case((row,), (failure,)) for row in rows for failure in failures if failure.applies(row.seen, run)]


def pair_cases(
    case: Case, run: Observation, failures: Sequence[Failure], phases: Iterable[str] = ("call",)
) -> list[Case]:
    """Return the cases with a second fault at each request that the run of ``case`` made after its fault."""
    struck = run.struck()
    if struck is None:
        return []
    return [
        case.then(row, failure)
        for row in rows_of(run, phases, after=struck)
        for failure in failures
        if failure.applies(row.seen, run)
    ]
