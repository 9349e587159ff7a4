"""The section of a fault exploration: a matrix for each test, whose cells open."""

from __future__ import annotations

from collections.abc import Iterator

from mockkms.explore.results import Cell, Exploration, ExploredRequest, ExploredTest, Outcome, Wrong
from mockkms.report.page.markup import Markup, joined, tag
from mockkms.report.page.parts import code, column, copyable, folded, section, table

OUTCOMES = {
    Outcome.TOLERATED: ("✓", "It passed, and nothing was wrong."),
    Outcome.FAILED: ("✗", "An assertion of the test failed, or the command ended with an error."),
    Outcome.RAISED: ("!", "An exception left the test, or a signal ended the command."),
    Outcome.HUNG: ("∞", "It did not end within the time limit."),
    Outcome.WRONG: ("≠", "It passed, although something went wrong that nothing noticed."),
    Outcome.MISSED: ("?", "The request was not made in this run, so that there was no failure."),
}
"""Symbol and meaning."""
WRONG = {
    Wrong.DOUBLE_WRITE: "A write took effect more often than without the failure. Repeat a write only if doing it "
    "twice does no harm, or find out first whether it took effect.",
    Wrong.LOST_WRITE: "A write did not take effect, and the code went on as if it had. Check the response of each "
    "write, and report or repeat what failed.",
    Wrong.OTHER_STATE: "The server ends in another state than without the failure, after the same writes.",
    Wrong.USED_AFTER_END: "The code went on using a token or lease that it knew, or was told, to be gone. Log in or "
    "read again instead.",
    Wrong.RETRY_AFTER_IGNORED: "The code repeated a request before the time in Retry-After. Wait that long first.",
}
"""Meaning, and what to do, of each kind of a wrong result."""


def exploration_section(exploration: Exploration) -> Markup:
    """Return the section, with the popovers of all its cells."""
    parts = _Parts(exploration)
    explored = [test for test in exploration.tests if not test.skipped]
    skipped = [test for test in exploration.tests if test.skipped]
    return section(
        "exploration",
        "Fault exploration",
        tag("p", _summary(exploration), class_="quiet"),
        parts.problems(),
        *(parts.matrix(place, test) for place, test in enumerate(exploration.tests) if not test.skipped),
        table("Tests that were not explored", ("Not explored", "Reason"), [(code(t.id), t.skipped) for t in skipped])
        if skipped
        else None,
        _legend(exploration) if explored else None,
        *parts.popovers,
    )


def _summary(exploration: Exploration) -> str:
    counts = exploration.counts()
    runs = sum(counts.values())
    parts = [f"{runs} {'run' if runs == 1 else 'runs'} in {exploration.seconds:.1f} s"]
    parts += [f"{number} {_name(outcome)}" for outcome, number in counts.items() if number]
    accepted = sum(cell.accepted for _, cell in exploration.cells())
    known = sum(cell.known for _, cell in exploration.cells())
    left = sum(test.left_out for test in exploration.tests)
    parts += [f"{accepted} accepted"] if accepted else []
    parts += [f"{known} known from {exploration.baseline}"] if known else []
    parts += [f"{left} left out"] if left else []
    return " · ".join(parts)


def _legend(exploration: Exploration) -> Markup:
    failures = [
        (code(one.name), one.help + (" (the request takes effect)" if one.applied else ""))
        for one in exploration.failures
    ]
    outcomes = [(tag("span", f"{mark} {_name(outcome)}"), text) for outcome, (mark, text) in OUTCOMES.items()]
    return folded(
        "What the failures and outcomes mean",
        table("Failures", ("Failure", "Meaning"), failures),
        table("Outcomes", ("Outcome", "Meaning"), outcomes),
    )


class _Parts:
    """Makes the matrices, and collects the popovers of their cells."""

    def __init__(self, exploration: Exploration) -> None:
        self._exploration = exploration
        self._anchors: dict[int, str] = {}
        """Id of the popover of each cell, by the cell's identity."""
        self.popovers: list[Markup] = []
        for place, test in enumerate(exploration.tests):
            examples = {request.id: request for request in test.requests}
            for number, cell in enumerate(test.cells):
                anchor = self._anchors[id(cell)] = f"case-{place + 1}-{number + 1}"
                self.popovers.append(_popover(anchor, test, cell, examples, self._state(cell)))

    def _state(self, cell: Cell) -> str:
        """Return the class of a cell's colours."""
        if self._exploration.fails(cell):
            return "bad"
        if cell.problem and not cell.known:
            return "warn"
        if cell.outcome is Outcome.TOLERATED:
            return "good"
        return "calm"

    def _button(self, cell: Cell, label: str) -> Markup:
        """Return the button that opens a case; ``label`` is shown where the column's heading is not."""
        mark, _ = OUTCOMES[cell.outcome]
        return tag(
            "button",
            tag("span", label, class_="column"),
            tag("span", mark, class_="mark", aria_hidden="true"),
            tag("span", f" {_word(cell)}", class_="word"),
            type="button",
            popovertarget=self._anchors[id(cell)],
            class_=f"cell {self._state(cell)}",
        )

    def problems(self) -> Markup:
        """Return the list of what is to be looked at, the worst first."""
        found = [(test, cell) for test, cell in self._exploration.cells() if cell.problem and not cell.known]
        if not any(test.cells for test in self._exploration.tests):
            return tag("p", "No failure was explored.")
        if not found:
            return tag(
                "p", tag("span", "✓ ", class_="good", aria_hidden="true"), "Every explored failure was survived."
            )
        found.sort(key=lambda pair: not self._exploration.fails(pair[1]))
        rows = [(self._button(cell, ""), code(cell.id), code(test.id), _detail(cell)) for test, cell in found]
        head = ("Outcome", "Failure and request", "Test", "What happened")
        shown = table("Failures that the code does not survive", head, rows)
        return shown if len(found) <= 12 else folded(f"All {len(found)} failures that the code does not survive", shown)

    def matrix(self, place: int, test: ExploredTest) -> Markup:
        """Return the matrix of one test, and its pairs."""
        problems = sum(cell.problem and not cell.known for cell in test.cells)
        mark, kind = ("✗", "bad") if problems else ("✓", "good")
        total = len(test.cells)
        said = f" {problems} of {total} cases not survived" if problems else f" {total} cases survived"
        if test.left_out:
            said += f", {test.left_out} left out"
        summary = joined(
            (tag("span", mark, class_=kind, aria_hidden="true"), " ", code(test.id), tag("span", said, class_="quiet"))
        )
        return folded(summary, self._table(test), self._pairs(test), open_=bool(problems) or place == 0)

    def _table(self, test: ExploredTest) -> Markup:
        used = {fault.failure for cell in test.cells for fault in cell.faults}
        failures = [failure.name for failure in self._exploration.failures if failure.name in used]
        caption = f"Requests of {test.id}, down, and failures, across"
        head = [column(name) for name in ("Request", *failures)]
        single = {cell.faults[0]: cell for cell in test.cells if len(cell.faults) == 1}
        by_place = {(fault.request, fault.failure): cell for fault, cell in single.items()}
        rows = [tag("tr", *self._row(request, failures, by_place), role="row") for request in test.requests]
        grid = tag(
            "table",
            tag("caption", caption, class_="visually-hidden"),
            tag("thead", tag("tr", *head, role="row"), role="rowgroup"),
            tag("tbody", *rows, role="rowgroup"),
            role="table",
            class_="matrix",
        )
        return tag("div", grid, class_="scroll", role="region", aria_label=caption, tabindex="0")

    def _row(
        self, request: ExploredRequest, failures: list[str], cells: dict[tuple[str, str], Cell]
    ) -> Iterator[Markup]:
        again = f" ×{request.equivalent}" if request.equivalent > 1 else ""
        server = f"server {request.server}" if request.server else ""
        phase = "setup" if request.phase == "setup" else ""
        more = ", ".join(text for text in (request.example, server, phase) if text)
        yield tag(
            "th",
            code(f"{request.operation} {request.path}"),
            tag("span", f" #{request.occurrence}{again}", class_="quiet"),
            tag("div", more, class_="quiet example"),
            scope="row",
            role="rowheader",
        )
        for name in failures:
            cell = cells.get((request.id, name))
            empty = joined(
                (tag("span", "–", aria_hidden="true"), tag("span", "not explored", class_="visually-hidden"))
            )
            yield tag(
                "td", empty if cell is None else self._button(cell, name), role="cell", class_="" if cell else "none"
            )

    def _pairs(self, test: ExploredTest) -> Markup | None:
        rows = [
            (self._button(cell, ""), *(code(str(fault)) for fault in cell.faults), _detail(cell)) for cell in test.pairs
        ]
        if not rows:
            return None
        shown = table(f"Pairs of failures of {test.id}", ("Outcome", "First", "Second", "What happened"), rows)
        return folded(f"{len(rows)} {'pair' if len(rows) == 1 else 'pairs'} of failures", shown)


def _word(cell: Cell) -> str:
    return f"{_name(cell.outcome)}{', accepted' if cell.accepted else ', known' if cell.known else ''}"


def _name(outcome: Outcome) -> str:
    return "not reached" if outcome is Outcome.MISSED else str(outcome)


def _detail(cell: Cell) -> str:
    return cell.detail or cell.exception or (WRONG[Wrong(cell.kind)] if cell.kind in [*Wrong] else "")


def _popover(anchor: str, test: ExploredTest, cell: Cell, requests: dict[str, ExploredRequest], state: str) -> Markup:
    """Return the details of a case, which its button opens."""
    mark, meaning = OUTCOMES[cell.outcome]
    facts: list[tuple[str, object]] = [("Test", code(test.id))]
    for fault in cell.faults:
        known = requests.get(fault.request)
        example = f" ({known.example})" if known is not None and known.example else ""
        facts.append(("Failure", joined((code(fault.failure), " at ", code(fault.request), example))))
    if cell.kind:
        facts.append(("Kind", joined((code(cell.kind), " ", WRONG[Wrong(cell.kind)] if cell.kind in [*Wrong] else ""))))
    if cell.exception:
        facts.append(("Exception", code(cell.exception)))
    if cell.detail:
        facts.append(("What happened", cell.detail))
    if cell.where:
        facts.append(("Where", code(cell.where)))
    facts.append(("Run", f"{cell.seconds:.2f} s, {cell.requests} requests, {cell.retries} repeated"))
    notes = [text for text, held in (("accepted", cell.accepted), ("known", cell.known)) if held]
    if notes:
        facts.append(("Note", ", ".join(notes)))
    return tag(
        "div",
        tag("button", "Close", type="button", popovertarget=anchor, popovertargetaction="hide", class_="close"),
        tag("h3", tag("span", f"{mark} {_word(cell)}", class_=f"cell {state}"), f" {cell.id}", id=f"{anchor}-title"),
        tag("p", meaning),
        tag("dl", *(joined((tag("dt", name), tag("dd", value))) for name, value in facts)),
        *_again(cell),
        popover=True,
        id=anchor,
        role="dialog",
        aria_labelledby=f"{anchor}-title",
        class_="case",
    )


def _again(cell: Cell) -> Iterator[Markup]:
    if cell.command:
        yield tag("h4", "Run this case again")
        yield copyable(cell.command, "the command")
    if cell.rules:
        yield tag("h4", "Rules that reproduce it, for a world")
        yield copyable(cell.rules_yaml, "the rules")
    if cell.log:
        yield tag("h4", "Requests of the run")
        yield tag("pre", tag("code", "\n".join(cell.log)), tabindex="0", aria_label="Requests of the run")
