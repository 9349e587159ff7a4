"""The result of an exploration on a terminal: matrices, problems, and the sum."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from mockkms.explore.explorer import shown_seconds
from mockkms.explore.results import Cell, Exploration, ExploredFailure, ExploredTest, Outcome, Wrong

_OF_STATE = (Wrong.DOUBLE_WRITE, Wrong.LOST_WRITE, Wrong.OTHER_STATE)
Group = list[tuple[ExploredTest, Cell]]
"""Equal problems, each with its test."""
_MOST_TESTS = 20
"""Matrices that are shown."""
_MOST_PROBLEMS = 30
"""Problems that are shown in full."""
_MOST_NAMES = 6
_MOST_OTHERS = 8
_WIDEST = 56
"""Characters of a request in a row."""
LEGEND = (
    ". tolerated   F failed   R raised   H hung   W wrong   ? not reached   blank: does not apply; "
    "lower case: accepted or known"
)


def render(result: Exploration, *, verbose: bool = False) -> Iterator[str]:
    """Yield the lines of a report. ``verbose``: also the requests of each problem, and tests without problems."""
    explored = [test for test in result.tests if test.cells]
    shown = [test for test in explored if verbose or any(cell.problem and not cell.known for cell in test.cells)]
    # The tests that fail the exploration come first; those of each kind stay in their order.
    shown.sort(key=lambda test: not any(result.fails(cell) for cell in test.cells))
    yield from _matrices(shown[:_MOST_TESTS], result.failures)
    if len(shown) > _MOST_TESTS:
        yield f"… and {len(shown) - _MOST_TESTS} further tests with problems, which the file of results has"
        yield ""
    if shown:
        yield LEGEND
        yield ""
    yield from _problems(result, verbose=verbose)
    yield from _skipped(result, verbose=verbose)
    yield from summary(result)


def _matrices(tests: Sequence[ExploredTest], failures: Sequence[ExploredFailure]) -> Iterator[str]:
    """Yield the matrices of tests, as wide as each other; the names of the columns only where they change."""
    width = max((len(request.id) for test in tests for request in test.requests), default=0)
    before: list[str] = []
    for test in tests:
        columns = _columns(test, failures)
        yield test.id
        yield from _rows(test, columns, min(_WIDEST, width), heading=columns != before)
        yield ""
        before = columns


def matrix(test: ExploredTest, failures: Sequence[ExploredFailure]) -> Iterator[str]:
    """Yield the matrix of one test: requests down, failures across, the names of the failures on lines of their own."""
    width = min(_WIDEST, max((len(request.id) for request in test.requests), default=0))
    yield from _rows(test, _columns(test, failures), width, heading=True)


def _columns(test: ExploredTest, failures: Sequence[ExploredFailure]) -> list[str]:
    used = {fault.failure for cell in test.cells for fault in cell.faults}
    return [failure.name for failure in failures if failure.name in used]


def _rows(test: ExploredTest, columns: Sequence[str], width: int, *, heading: bool) -> Iterator[str]:
    by_row: dict[str, dict[str, str]] = {}
    for cell in test.cells:
        if len(cell.faults) == 1:
            by_row.setdefault(cell.faults[0].request, {})[cell.faults[0].failure] = letter(cell)
    for place, name in enumerate(columns if heading else ()):
        yield f"  {'':{width}}  {'│ ' * place}{name}"
    for row in test.requests:
        if row.id in by_row:
            letters = " ".join(by_row[row.id].get(name, " ") for name in columns)
            yield f"  {_cut(row.id, width):{width}}  {letters}".rstrip()
    pairs = test.pairs
    if pairs:
        bad = sum(not cell.outcome.harmless for cell in pairs)
        yield f"  and {len(pairs)} pairs of failures, {len(pairs) - bad} of them tolerated"


def letter(cell: Cell) -> str:
    """Return the character of a case; lower case if its outcome is accepted or known."""
    mark = cell.outcome.letter
    return mark.lower() if cell.accepted or cell.known else mark


def _problems(result: Exploration, *, verbose: bool) -> Iterator[str]:
    """Yield the problems, equal ones together: those that fail the exploration first and in full, then the others."""
    order = [Outcome.WRONG, Outcome.HUNG, Outcome.RAISED, Outcome.FAILED]
    grave: dict[object, Group] = {}
    rest: dict[object, Group] = {}
    for test, cell in result.cells():
        if not cell.problem or cell.known:
            continue
        if verbose or result.fails(cell):
            # A habit of the client shows at many requests; a write is a problem of its own.
            request = cell.faults[-1].request if cell.kind in _OF_STATE else ""
            where = "" if cell.outcome is Outcome.HUNG else cell.where
            what = (cell.outcome, cell.kind, where, cell.exception, request)
            grave.setdefault(what, []).append((test, cell))
        else:
            rest.setdefault(cell.where or test.id, []).append((test, cell))
    found = sorted(grave.values(), key=lambda group: order.index(group[0][1].outcome))
    for group in found[:_MOST_PROBLEMS]:
        yield from problem(group, verbose=verbose)
    for group in [*rest.values()][:_MOST_PROBLEMS]:
        yield _line(group)
    left = max(0, len(found) - _MOST_PROBLEMS) + max(0, len(rest) - _MOST_PROBLEMS)
    if left:
        yield f"… and {left} further groups of problems"
    if rest:
        yield ""


def _line(group: Group) -> str:
    """Return the line about the problems at one place that do not fail the exploration."""
    test, first = group[0]
    names = Counter(_name(cell) for _, cell in group)
    shown = [name if count == 1 else f"{name} ({count})" for name, count in names.most_common(_MOST_NAMES)]
    shown += ["…"] * (len(names) > _MOST_NAMES)
    return f"{first.where or test.id}: {', '.join(shown)}; first with {first.id}"


def _name(cell: Cell) -> str:
    """Return the outcome of a case in one or two words."""
    return f"{cell.outcome} {cell.exception.rpartition('.')[2]}".strip()


def problem(group: Group, *, verbose: bool = False) -> Iterator[str]:
    """Yield the lines about equal problems, with the command that explores the first again."""
    test, cell = group[0]
    kind = f" ({cell.kind})" if cell.kind else ""
    yield f"{cell.outcome.upper()}{kind}: {cell.id}"
    others = [one for one in dict.fromkeys(_other(cell, other) for _, other in group) if one not in _own(cell)]
    if others:
        shown = [*others[:_MOST_OTHERS], *[f"{len(others) - _MOST_OTHERS} more"] * (len(others) > _MOST_OTHERS)]
        yield f"  and with {', '.join(shown)}"
    further = len({other.id for other, _ in group}) - 1
    places = f" and {further} further test{'' if further == 1 else 's'}" if further else ""
    yield f"  in {test.id}{places}" + (f", at {cell.where}" if cell.where else "")
    if cell.exception or cell.detail:
        yield f"  {': '.join(part for part in (cell.exception, cell.detail) if part)}"
    if verbose:
        yield from (f"  | {line}" for line in cell.log)
        yield from (f"  rule: {line}" for line in cell.rules_yaml.splitlines())
    if cell.command:
        yield f"  again: {cell.command}"
    yield ""


def _own(cell: Cell) -> tuple[str, str]:
    """Return the names of a case itself."""
    return cell.id, cell.faults[0].failure


def _other(first: Cell, cell: Cell) -> str:
    """Return a case as short as possible beside another: the failure alone if the request is the same."""
    same = len(cell.faults) == 1 and cell.faults[0].request == first.faults[0].request
    return cell.faults[0].failure if same else cell.id


def _skipped(result: Exploration, *, verbose: bool) -> Iterator[str]:
    for test in result.tests:
        if test.skipped and (verbose or test.requests):
            yield f"not explored: {test.id}: {test.skipped}"


def summary(result: Exploration) -> Iterator[str]:
    """Yield the sum of all outcomes."""
    counts = result.counts()
    runs = sum(counts.values())
    words = [f"{count} {outcome}" for outcome, count in counts.items() if count]
    accepted = sum(cell.accepted for _, cell in result.cells())
    known = sum(cell.known and not cell.accepted for _, cell in result.cells())
    words += [f"{accepted} accepted"] * bool(accepted) + [f"{known} known"] * bool(known)
    tests = sum(bool(test.cells) for test in result.tests)
    left = sum(test.left_out for test in result.tests)
    of = f"{runs} run{'' if runs == 1 else 's'} of {tests} test{'' if tests == 1 else 's'}"
    yield f"explored: {of} in {shown_seconds(result.seconds)}: {', '.join(words) or 'nothing'}"
    if left:
        yield f"{left} planned run{'' if left == 1 else 's'} left out"
    failing = len(result.failing())
    if failing:
        reason = f"not in {result.baseline}" if result.baseline else " or ".join(result.fails_on)
        yield f"{failing} {'outcome fails' if failing == 1 else 'outcomes fail'} the exploration ({reason})"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
