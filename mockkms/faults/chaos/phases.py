"""Reading the phases of a plan of chaos: durations, shares of requests that fail, rules and actions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from mockkms.faults.chaos.failures import default_mix, read_mix
from mockkms.faults.chaos.model import Act, Phase
from mockkms.faults.kinds import KINDS, ServerKind
from mockkms.faults.parsing import Errors, FaultError, known_words, normal, seconds, shown, text, unknown, within
from mockkms.faults.rule import Rule
from mockkms.faults.schedule import read_probability

SHARE_WORDS = {
    "rate": "share of the requests that fail, such as 2% or 0.02",
    "mix": "with rate: which failures, as names with weights",
    "match": "with rate: which requests, as in a rule; every request by default",
}
PHASE_WORDS = {
    "name": "name of the phase, shown in the journal",
    "lasts": "duration on the server's clock; the last phase may leave it out, and then has no end",
    "note": "what happens, in a sentence",
    **SHARE_WORDS,
    "rules": "fault rules that apply during the phase",
    "begin": "actions on the server as the phase begins, such as {seal: true}",
    "end": "actions on the server as the phase ends, or as the plan is stopped within it",
}
MOST_PHASES = MOST_RULES = 100
SHORTEST = 0.001
"""Seconds that a phase lasts at least."""
_NAME = re.compile(r"[\w%][\w .%+-]{0,63}")


def read_phases(value: object) -> tuple[Phase, ...]:
    """Return the phases of a list. Raises FaultError."""
    if not isinstance(value, (list, tuple)) or not value:
        raise FaultError(f"expected a list of phases, got {shown(value)}", "phases")
    if len(value) > MOST_PHASES:
        raise FaultError(f"expected at most {MOST_PHASES} phases, got {len(value)}", "phases")
    phases: list[Phase] = []
    errors = Errors()
    for place, item in enumerate(value):
        with errors.at("phases", place):
            phase = _phase(item, last=place == len(value) - 1)
            if any(known.name == phase.name for known in phases):
                raise FaultError(f"a phase {phase.name!r} exists already", "name")
            phases.append(phase)
    errors.raise_all()
    return tuple(phases)


def _phase(value: object, *, last: bool) -> Phase:
    errors = Errors()
    given = known_words(value, PHASE_WORDS, errors)
    name, lasts = "", None
    with errors.at():
        if "name" not in given and not errors.found:
            raise FaultError("expected a name", "name")
        name = read_name(given.get("name", "phase"), "name")
    if given.get("lasts") is not None:
        lasts = errors.read("lasts", _length, given["lasts"], SHORTEST)
    elif not last:
        errors.add(FaultError("expected a duration: only the last phase may have no end", "lasts"))
    rules: list[dict[str, object]] = []
    if "rate" in given:
        with errors.at():
            rules.append(read_share(given))
    for word in ("mix", "match"):
        if word in given and "rate" not in given:
            errors.add(FaultError("needs a rate beside it, such as rate: 2%", word))
    with errors.at("rules"):
        rules += _rules(given.get("rules", []))
    note = errors.read("note", text, given.get("note", ""), "")
    none: tuple[Act, ...] = ()
    begin = errors.read("begin", _acts, given.get("begin"), none)
    end = errors.read("end", _acts, given.get("end"), none)
    errors.raise_all()
    return Phase(name, lasts, tuple(rules), begin, end, note)


def _length(value: object) -> float:
    """Return the seconds that a phase lasts. Raises FaultError."""
    lasts = seconds(value)
    if lasts < SHORTEST:
        raise FaultError(f"expected at least {SHORTEST:g} seconds, got {shown(value)}")
    return lasts


def read_share(given: Mapping[str, object]) -> dict[str, object]:
    """Return the rule for ``rate``, ``mix`` and ``match``."""
    errors = Errors()
    rule: dict[str, object] = {"answer": "pass"}
    with errors.at("rate"):
        rule["chance"] = read_rate(given["rate"])
    with errors.at("mix"):
        rule["choose"] = read_mix(default_mix() if given.get("mix") is None else given["mix"])
        del rule["answer"]
    if given.get("match") is not None:
        rule["match"] = given["match"]
    with errors.at():
        _checked(rule)
    errors.raise_all()
    return rule


def _rules(value: object) -> list[dict[str, object]]:
    if not isinstance(value, (list, tuple)):
        raise FaultError(f"expected a list of rules, got {shown(value)}")
    if len(value) > MOST_RULES:
        raise FaultError(f"expected at most {MOST_RULES} rules, got {len(value)}")
    rules: list[dict[str, object]] = []
    errors = Errors()
    for place, item in enumerate(value):
        with errors.at(place):
            if not isinstance(item, Mapping):
                raise FaultError("expected a mapping that describes a rule")
            rule = {normal(word): words for word, words in item.items()}
            if "after" in rule:
                raise FaultError("rules of a phase follow the clock; use a phase for what comes after", "after")
            _checked(rule)
            rules.append(rule)
    errors.raise_all()
    return rules


def _checked(rule: Mapping[str, object]) -> None:
    """Raise FaultError unless the rule is valid."""
    Rule(rule, rule_id="rule", now=0, seed=0)


def _acts(value: object) -> tuple[Act, ...]:
    acts: list[Act] = []
    errors = Errors()
    for raw, item in _pairs(value):
        with errors.at():
            acts.append(_act(str(raw), item))
    errors.raise_all()
    return tuple(acts)


def _pairs(value: object) -> Sequence[tuple[object, object]]:
    if value is None:
        return ()
    if not isinstance(value, Mapping):
        raise FaultError(f"expected a mapping of actions such as {{seal: true}}, got {shown(value)}")
    return [*value.items()]


def _act(raw: str, value: object) -> Act:
    word = normal(raw)
    kind = KINDS.get(word)
    if kind is None or not issubclass(kind, ServerKind):
        raise unknown(raw, [name for name, one in KINDS.items() if issubclass(one, ServerKind)], "action")
    with within(word):
        if word == "revoke" and value is True:
            raise FaultError("expected an accessor or a token: a phase is not about one request")
        return Act(kind(value), value)


def read_rate(value: object) -> float:
    """Return the share of requests that fail, above 0 and at most 1. Raises FaultError."""
    wanted = "expected a percentage above 0% and up to 100%, such as 2%, or a number such as 0.02"
    compact = value.replace(" ", "") if isinstance(value, str) else value
    try:
        rate = read_probability(float(compact) if isinstance(compact, str) and "%" not in compact else compact)
    except ValueError:
        hint = f"; did you mean '{value}%'?" if _is_whole(value) else ""
        raise FaultError(f"{wanted}; got {shown(value)}{hint}") from None
    if not rate:
        raise FaultError(f"{wanted}; got {shown(value)}")
    return rate


def _is_whole(value: object) -> bool:
    """Return whether a number was probably meant as a percentage."""
    try:
        number = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else 0
    except (ValueError, OverflowError):
        return False
    return 1 < number <= 100


def read_name(value: object, word: str) -> str:
    """Return the name of a plan or phase, the value of the key ``word``. Raises FaultError."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise FaultError(f"expected a name of at most 64 letters, digits, spaces and . % + -, got {shown(value)}", word)
    return value
