"""Plans of chaos: phases with their rules and actions, read from data, an incident's name, or a short text.

    2%                                                  a share of the requests fails
    sealed                                              one failure, on every request
    leader-election                                     an incident of the package
    normal=30s failover=5s sealed=10s rate-limited=20s  phases that take turns

As data, a plan has the keys of ``PLAN_WORDS``, and each of its phases those of ``PHASE_WORDS``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mockkms.faults.chaos.incidents import incident_words
from mockkms.faults.chaos.model import ChaosPlan, Phase
from mockkms.faults.chaos.phases import SHARE_WORDS, read_name, read_phases, read_rate, read_share
from mockkms.faults.chaos.short_texts import words_of_text
from mockkms.faults.parsing import Errors, FaultError, flag, known_words, mapping, seed_of, shown, text, unknown, within

PLAN_WORDS = {
    "plan": "the plan as text: a percentage, the name of an incident, or phases as in normal=30s sealed=10s",
    "incident": "name of an incident that comes with the package",
    **SHARE_WORDS,
    "phases": "a list of phases, in order",
    "name": "name of the plan, shown in the journal",
    "summary": "what the plan does, in a sentence",
    "client": "what a client should do about it: a list of sentences",
    "loop": "whether the first phase follows the last; true unless the last phase has no end",
    "seed": "seed of all random choices; generated and shown by default",
    "phase": "name of the phase to start with; the first by default",
}
_FORMS = ("plan", "incident", "rate", "phases")
"""The keys that say what a plan consists of; a plan has one of them."""


def read_plan(value: object) -> ChaosPlan:
    """Read a plan. Raises FaultError, with the place of the error and the nearest known name."""
    if isinstance(value, Mapping):
        return _read_words(value)
    if not isinstance(value, (str, int, float)):
        raise FaultError(f"expected a percentage, the name of an incident, or a plan with phases, got {shown(value)}")
    try:
        return replace(_read_words(words_of_text(value) if isinstance(value, str) else {"rate": value}), words=value)
    except FaultError as error:
        for one in error.each():
            one.path = ""  # The path leads into the plan that the text is short for, not into the user's input.
        raise


def _read_words(words: Mapping[str, object]) -> ChaosPlan:
    errors = Errors()
    given = known_words(words, PLAN_WORDS, errors)
    forms = [word for word in _FORMS if word in given]
    if len(forms) > 1 or not (forms or errors.found):
        which = f"{' and '.join(forms)} cannot be combined" if forms else "the plan is empty"
        errors.add(FaultError(f"{which}; expected one of {', '.join(_FORMS)}"))
    if "rate" not in forms:
        why = "belongs to a rate; in a plan with phases it is written in a phase"
        errors.add(*(FaultError(why, word) for word in ("mix", "match") if word in given))
    plan = ChaosPlan("plan", (), loop=False, words=words)
    if forms:
        with errors.at():
            plan = _read(forms[0], given)
    if "seed" in given and given["seed"] is not None:
        with errors.at("seed"):
            plan = replace(plan, seed=seed_of(given["seed"]))
    # What follows needs the phases.
    errors.raise_all()
    if given.get("loop") is not None:
        with errors.at():
            plan = replace(plan, loop=_loop(given["loop"], plan.phases))
    if given.get("phase"):
        with errors.at():
            plan = replace(plan, start=_index(plan.phases, given["phase"]))
    errors.raise_all()
    return replace(plan, words=words)


def _read(form: str, given: dict[str, object]) -> ChaosPlan:
    """Return the plan of one of ``_FORMS``. Raises FaultError."""
    if form == "plan":
        with within("plan"):
            return _of_text(given)
    if form == "incident":
        return _incident(given)
    if form == "phases":
        return _of_phases(given)
    with within("rate"):
        rate = read_rate(given["rate"])
    phase = Phase("steady", None, (read_share(given),))
    return ChaosPlan(read_name(given.get("name", f"{100 * rate:g}%"), "name"), (phase,), loop=False, words=given)


def _of_phases(given: dict[str, object]) -> ChaosPlan:
    errors = Errors()
    phases: tuple[Phase, ...] = ()
    client: tuple[str, ...] = ()
    summary, name = "", "plan"
    with errors.at():
        phases = read_phases(given["phases"])
    with errors.at():
        summary, client = _described(given)
    with errors.at():
        name = read_name(given.get("name", "plan"), "name")
    errors.raise_all()
    return ChaosPlan(name, phases, phases[-1].lasts is not None, given, summary=summary, client=client)


def _of_text(given: dict[str, object]) -> ChaosPlan:
    value = given["plan"]
    if isinstance(value, Mapping):
        raise FaultError("expected a text; the keys of a plan are written beside the others")
    plan = read_plan(value)
    return replace(plan, name=read_name(given["name"], "name")) if "name" in given else plan


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
