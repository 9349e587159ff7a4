"""Whether a server can produce what a plan of chaos does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from mockkms.faults.chaos.model import ChaosPlan, Phase
from mockkms.faults.kinds import FaultKind
from mockkms.faults.parsing import Errors, FaultError
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
    errors = Errors()
    for place, phase in enumerate(plan.phases):
        try:
            _check_phase(phase, server)
        except FaultError as error:
            for one in error.each():
                if written:
                    one.path = f"phases[{place}].{one.path}"
                else:
                    kind = one.path.rpartition(".")[2]
                    one.path, one.message = "", f"phase {phase.name!r}, {kind}: {one.message}"
            errors.add(error)
    errors.raise_all()


def _check_phase(phase: Phase, server: Permits) -> None:
    errors = Errors()
    for number, words in enumerate(phase.rules):
        with errors.at("rules", number):
            check_rule(Rule(words, rule_id="rule", now=0, seed=0), server)
    for word, acts in (("begin", phase.begin), ("end", phase.end)):
        for act in acts:
            with errors.at(word):
                server.check([act.kind])
    errors.raise_all()


def check_rule(rule: Rule, server: Permits) -> None:
    """Raise FaultError for fault kinds of a rule that the server cannot produce."""
    errors = Errors()
    errors.add(*(FaultError(server.tls_denied[fault], "tls") for fault in rule.tls if fault in server.tls_denied))
    with errors.at():
        server.check(rule.kinds)
    errors.raise_all()
