"""Plans of chaos: phases with their rules and actions, read from data, an incident's name, or a short text.

    2%                                                  a share of the requests fails
    sealed                                              one failure, on every request
    leader-election                                     an incident of the package
    normal=30s failover=5s sealed=10s rate-limited=20s  phases that take turns

As data, a plan has the keys of ``PLAN_WORDS``, and each of its phases those of ``PHASE_WORDS``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mockkms.faults.chaos.failures import FAILURES, default_mix, kinds_of, read_mix
from mockkms.faults.chaos.incidents import incident_words
from mockkms.faults.kinds import KINDS, FaultKind, ServerKind
from mockkms.faults.parsing import FaultError, flag, mapping, normal, seconds, shown, text, unknown, within
from mockkms.faults.presets import PRESETS
from mockkms.faults.rule import Rule
from mockkms.faults.schedule import read_probability

PLAN_WORDS = {
    "plan": "the plan as text: a percentage, the name of an incident, or phases as in normal=30s sealed=10s",
    "incident": "name of an incident that comes with the package",
    "rate": "share of the requests that fail, such as 2% or 0.02",
    "mix": "with rate: which failures, as names with weights",
    "match": "with rate: which requests, as in a rule; every request by default",
    "phases": "a list of phases, in order",
    "name": "name of the plan, shown in the journal",
    "summary": "what the plan does, in a sentence",
    "client": "what a client should do about it: a list of sentences",
    "loop": "whether the first phase follows the last; true unless the last phase has no end",
    "seed": "seed of all random choices; generated and shown by default",
    "phase": "name of the phase to start with; the first by default",
}
PHASE_WORDS = {
    "name": "name of the phase, shown in the journal",
    "lasts": "duration on the server's clock; the last phase may leave it out, and then has no end",
    "note": "what happens, in a sentence",
    "rate": PLAN_WORDS["rate"],
    "mix": PLAN_WORDS["mix"],
    "match": PLAN_WORDS["match"],
    "rules": "fault rules that apply during the phase",
    "begin": "actions on the server as the phase begins, such as {seal: true}",
    "end": "actions on the server as the phase ends, or as the plan is stopped within it",
}
NORMAL, FAILOVER = "normal", "failover"
MOST_PHASES = MOST_RULES = 100
SHORTEST = 0.001
"""Seconds that a phase lasts at least."""
_LONGEST_TEXT = 2000
_NAME = re.compile(r"[\w%][\w .%+-]{0,63}")
_PERCENT = re.compile(r"[+-]?\d+(?:\.\d*)?\s*%?|\d*\.\d+\s*%?")
_SPECIES = ("plan", "incident", "rate", "phases")


@dataclass(frozen=True, slots=True)
class Act:
    """An action on the server, such as ``seal``."""

    kind: FaultKind
    given: object
    """Its value, as it was written."""

    @property
    def value(self) -> object:
        """The value of the action, parsed."""
        return getattr(self.kind, "value", True)

    @property
    def cuts(self) -> bool:
        """Whether it interrupts the connection of the request that triggers it."""
        return isinstance(self.kind, ServerKind) and self.kind.cut() is not None


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of a plan's timeline."""

    name: str
    lasts: float | None
    """Seconds; None: it has no end."""
    rules: tuple[Mapping[str, object], ...] = ()
    begin: tuple[Act, ...] = ()
    end: tuple[Act, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class ChaosPlan:
    """A timeline of phases."""

    name: str
    phases: tuple[Phase, ...]
    loop: bool
    words: object
    """What the plan was read from, for dumps."""
    seed: int | str | None = None
    start: int = 0
    """Index of the phase to start with."""
    summary: str = ""
    client: tuple[str, ...] = ()

    @property
    def cycle(self) -> float:
        """Seconds from the start of the first phase to the end of the last; 0 if that has no end."""
        return sum(phase.lasts for phase in self.phases if phase.lasts is not None) if self.loop else 0.0

    def describe(self) -> dict[str, object]:
        """Return the plan as data, for people who choose one."""
        return {
            "name": self.name,
            "summary": self.summary,
            "client": [*self.client],
            "loop": self.loop,
            "phases": [{"name": one.name, "lasts": one.lasts, "note": one.note} for one in self.phases],
        }


def read_plan(value: object) -> ChaosPlan:
    """Read a plan. Raises FaultError, with the place of the error and the nearest known name."""
    if isinstance(value, Mapping):
        return _read_words(value)
    if not isinstance(value, (str, int, float)):
        raise FaultError(f"expected a percentage, the name of an incident, or a plan with phases, got {shown(value)}")
    try:
        return replace(_read_words(_words_of_text(value) if isinstance(value, str) else {"rate": value}), words=value)
    except FaultError as error:
        error.path = ""  # In the plan that the text stands for, which nobody has written.
        raise


def _read_words(words: Mapping[str, object]) -> ChaosPlan:
    given = mapping(words, PLAN_WORDS)
    species = [word for word in _SPECIES if word in given]
    if len(species) != 1:
        which = f"{' and '.join(species)} cannot be combined" if species else "the plan is empty"
        raise FaultError(f"{which}; expected one of {', '.join(_SPECIES)}")
    plan = _read(species[0], given)
    if "seed" in given and given["seed"] is not None:
        plan = replace(plan, seed=_seed(given["seed"]))
    if given.get("loop") is not None:
        plan = replace(plan, loop=_loop(given["loop"], plan.phases))
    if given.get("phase"):
        plan = replace(plan, start=_index(plan.phases, given["phase"]))
    return replace(plan, words=words)


def _read(species: str, given: dict[str, object]) -> ChaosPlan:
    if species != "rate":
        for word in ("mix", "match"):
            if word in given:
                raise FaultError("belongs to a rate; in a plan with phases it is written in a phase", word)
    if species == "plan":
        with within("plan"):
            return _of_text(given)
    if species == "incident":
        return _incident(given)
    if species == "phases":
        phases = _phases(given["phases"])
        summary, client = _described(given)
        name = _name(given.get("name", "plan"), "name")
        return ChaosPlan(name, phases, phases[-1].lasts is not None, given, None, 0, summary, client)
    with within("rate"):
        rate = read_rate(given["rate"])
    phase = Phase("steady", None, (_share(given),))
    return ChaosPlan(_name(given.get("name", f"{100 * rate:g}%"), "name"), (phase,), False, given)


def _of_text(given: dict[str, object]) -> ChaosPlan:
    value = given["plan"]
    if isinstance(value, Mapping):
        raise FaultError("expected a text; the keys of a plan are written beside the others")
    plan = read_plan(value)
    return replace(plan, name=_name(given["name"], "name")) if "name" in given else plan


def _incident(given: dict[str, object]) -> ChaosPlan:
    for word in ("name", "summary", "client"):
        if word in given:
            raise FaultError("an incident has its own", word)
    with within("incident"):
        name = text(given["incident"])
        words = incident_words(name)
    return replace(_read("phases", {**mapping(words, PLAN_WORDS), "name": name}), words=name)


def _described(given: Mapping[str, object]) -> tuple[str, tuple[str, ...]]:
    with within("summary"):
        summary = text(given.get("summary", ""))
    client = given.get("client", [])
    if not isinstance(client, (list, tuple)) or not all(isinstance(line, str) for line in client):
        raise FaultError(f"expected a list of sentences, got {shown(client)}", "client")
    return summary, tuple(client)


# -- short texts -----------------------------------------------------------------------------------------------------


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


def _words_of_text(value: str) -> Mapping[str, object]:
    """Return the plan that a short text stands for. Raises FaultError."""
    written = value.strip()
    if len(written) > _LONGEST_TEXT:
        raise FaultError(f"expected at most {_LONGEST_TEXT:,} characters; a plan that long is written as phases")
    if _PERCENT.fullmatch(written):
        return {"rate": written}
    if "=" in written:
        parts = [part for part in re.split(r"[,\s]+", written) if part]
        return {"name": "timeline", "phases": _unique([_short_phase(part) for part in parts])}
    if written in FAILURES or written in PRESETS:
        return {"name": written, "phases": [{"name": written, "rules": [kinds_of(written)]}]}
    return {"incident": written}


def _short_phase(part: str) -> dict[str, object]:
    """Return the phase of ``name=duration``: normal, failover, a percentage, or a failure's name."""
    name, _, lasts = part.partition("=")
    if not name or not lasts:
        raise FaultError(f"expected phases as in normal=30s, got {shown(part)}")
    phase: dict[str, object] = {"name": name, "lasts": lasts}
    if name == FAILOVER:
        return phase | {"begin": {"restart": "keep"}, "rules": [{"answer": "standby"}]}
    if name == NORMAL:
        return phase
    if _PERCENT.fullmatch(name):
        return phase | {"rate": name}
    if name not in FAILURES and name not in PRESETS:
        raise unknown(name, [NORMAL, FAILOVER, *FAILURES, *PRESETS], "phase")
    return phase | {"rules": [kinds_of(name)]}


def _unique(phases: list[dict[str, object]]) -> list[dict[str, object]]:
    """Give phases with the same name a number."""
    seen: dict[object, int] = {}
    for phase in phases:
        name = phase["name"]
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            phase["name"] = f"{name} {seen[name]}"
    return phases


# -- phases ----------------------------------------------------------------------------------------------------------


def _phases(value: object) -> tuple[Phase, ...]:
    if not isinstance(value, (list, tuple)) or not value:
        raise FaultError(f"expected a list of phases, got {shown(value)}", "phases")
    if len(value) > MOST_PHASES:
        raise FaultError(f"expected at most {MOST_PHASES} phases, got {len(value)}", "phases")
    phases: list[Phase] = []
    for place, item in enumerate(value):
        with within("phases", place):
            phase = _phase(item, last=place == len(value) - 1)
            if any(known.name == phase.name for known in phases):
                raise FaultError(f"a phase {phase.name!r} exists already", "name")
        phases.append(phase)
    return tuple(phases)


def _phase(value: object, *, last: bool) -> Phase:
    given = mapping(value, PHASE_WORDS)
    if "name" not in given:
        raise FaultError("expected a name", "name")
    name = _name(given["name"], "name")
    lasts = None
    if given.get("lasts") is not None:
        with within("lasts"):
            lasts = seconds(given["lasts"])
            if lasts < SHORTEST:
                raise FaultError(f"expected at least {SHORTEST:g} seconds, got {shown(given['lasts'])}")
    elif not last:
        raise FaultError("expected a duration: only the last phase may have no end", "lasts")
    rules = [_share(given)] if "rate" in given else []
    for word in ("mix", "match"):
        if word in given and "rate" not in given:
            raise FaultError("needs a rate beside it, such as rate: 2%", word)
    rules += _rules(given.get("rules", []))
    with within("note"):
        note = text(given.get("note", ""))
    return Phase(name, lasts, tuple(rules), _acts(given, "begin"), _acts(given, "end"), note)


def _share(given: Mapping[str, object]) -> dict[str, object]:
    """Return the rule for ``rate``, ``mix`` and ``match``."""
    with within("rate"):
        rate = read_rate(given["rate"])
    with within("mix"):
        items = read_mix(default_mix() if given.get("mix") is None else given["mix"])
    rule: dict[str, object] = {"chance": rate, "choose": items}
    if given.get("match") is not None:
        rule["match"] = given["match"]
    _checked(rule)
    return rule


def _rules(value: object) -> list[dict[str, object]]:
    if not isinstance(value, (list, tuple)):
        raise FaultError(f"expected a list of rules, got {shown(value)}", "rules")
    if len(value) > MOST_RULES:
        raise FaultError(f"expected at most {MOST_RULES} rules, got {len(value)}", "rules")
    rules: list[dict[str, object]] = []
    for place, item in enumerate(value):
        with within("rules", place):
            if not isinstance(item, Mapping):
                raise FaultError("expected a mapping that describes a rule")
            rule = {normal(word): words for word, words in item.items()}
            if "after" in rule:
                raise FaultError("rules of a phase follow the clock; use a phase for what comes after", "after")
            _checked(rule)
            rules.append(rule)
    return rules


def _checked(rule: Mapping[str, object]) -> None:
    """Raise FaultError unless the rule is valid."""
    Rule(rule, rule_id="rule", now=0, seed=0)


def _acts(given: Mapping[str, object], word: str) -> tuple[Act, ...]:
    with within(word):
        return tuple(_act(str(raw), value) for raw, value in _pairs(given.get(word)))


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


# -- details ---------------------------------------------------------------------------------------------------------


def _name(value: object, word: str) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise FaultError(f"expected a name of at most 64 letters, digits, spaces and . % + -, got {shown(value)}", word)
    return value


def _seed(value: object) -> int | str:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise FaultError(f"expected a whole number or a string, got {shown(value)}", "seed")
    return value


def _loop(value: object, phases: Sequence[Phase]) -> bool:
    with within("loop"):
        wanted = flag(value)
        if wanted and phases[-1].lasts is None:
            raise FaultError(f"the last phase, {phases[-1].name!r}, has no end; give it a duration, lasts")
    return wanted


def _index(phases: Sequence[Phase], value: object) -> int:
    names = [phase.name for phase in phases]
    with within("phase"):
        if text(value) not in names:
            raise unknown(text(value), names, "phase")
    return names.index(text(value))


def plan_words(what: object, seed: int | str | None = None, phase: str = "", loop: bool | None = None) -> object:
    """Return a plan as data: ``what``, with the given options in place of its own."""
    options = {"seed": seed, "phase": phase or None, "loop": loop}
    given = {word: value for word, value in options.items() if value is not None}
    if not given:
        return what
    if isinstance(what, dict):
        return {**what, **given}
    return {"plan": what, **given}
