"""Whether a server can produce what a plan of chaos does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from mockkms.faults.chaos.model import Act, ChaosPlan, Phase
from mockkms.faults.kinds import FaultKind
from mockkms.faults.parsing import FaultError, within
from mockkms.faults.rule import Rule


class Permits(Protocol):
    """The part of a rule book that knows what its server can do."""

    @property
    def tls_denied(self) -> Mapping[str, str]:
        """TLS faults that the server cannot produce, with the reason."""

    def check(self, kinds: Iterable[FaultKind]) -> None:
        """Raise FaultError for a fault kind that the server cannot produce."""


def check_plan(plan: ChaosPlan, server: Permits) -> None:
    """Raise FaultError, with the place in the plan, for what the server cannot produce.

    In a plan that a text or an incident's name stands for, the place is the name of the phase, and the fault kind.
    """
    written = isinstance(plan.words, Mapping) and "phases" in plan.words
    for place, phase in enumerate(plan.phases):
        try:
            _check_phase(place, phase, server)
        except FaultError as error:
            if not written:
                kind = error.path.rpartition(".")[2]
                error.path, error.message = "", f"phase {phase.name!r}, {kind}: {error.message}"
            raise


def _check_phase(place: int, phase: Phase, server: Permits) -> None:
    with within("phases", place):
        for number, words in enumerate(phase.rules):
            with within("rules", number):
                check_rule(Rule(words, rule_id="rule", now=0, seed=0), server)
        _check_acts("begin", phase.begin, server)
        _check_acts("end", phase.end, server)


def _check_acts(word: str, acts: Iterable[Act], server: Permits) -> None:
    with within(word):
        server.check(act.kind for act in acts)


def check_rule(rule: Rule, server: Permits) -> None:
    """Raise FaultError for fault kinds of a rule that the server cannot produce."""
    for fault in rule.tls:
        if fault in server.tls_denied:
            raise FaultError(server.tls_denied[fault], "tls")
    server.check(rule.kinds)
