"""A rule: what it matches, when it fires, what it does. Read from data once, then only counted.

    {match: {path: transit/decrypt/*, operation: update}, skip: 1, times: 2, answer: sealed}

The words of a match may also stand in the rule itself. ``sequence`` gives each firing its own words in turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mockkms.faults.combinators import All, Matcher
from mockkms.faults.kinds import KINDS, Kind
from mockkms.faults.kinds.tls import Tls
from mockkms.faults.match import match_words, read_match
from mockkms.faults.matchers import Path, Service
from mockkms.faults.parsing import FaultError, flag, mapping, normal, shown, text
from mockkms.faults.plan import Plan, Turn
from mockkms.faults.request_view import View
from mockkms.faults.schedule import WORDS as WHEN_WORDS
from mockkms.faults.schedule import Counters, Luck, Schedule, read_schedule

OWN_WORDS = {
    "id": "name of the rule; drawn when not given",
    "match": "which requests: a path, or a mapping of match words; everything when not given",
    "sequence": "a list of answers (or mappings of action words), one for each firing, in turn",
    "applied": "true: the request takes effect first, and everything happens to its answer",
    "note": "a text for people; shown in lists",
}


def rule_words() -> set[str]:
    """Every word that may stand in a rule."""
    return {*OWN_WORDS, *WHEN_WORDS, *KINDS, *match_words()}


class Rule:
    """One fault rule. ``matched`` and ``fired`` count since it was added or last reset."""

    def __init__(self, words: Mapping[str, Any], *, id: str, now: float, seed: int | str) -> None:
        given = mapping(words, rule_words())
        self.id = _checked("id", text, given.get("id", id))
        if not self.id:
            raise FaultError("expected a name", "id")
        self.words = {word: value for word, value in given.items() if word != "id"}
        self.note = _checked("note", text, given.get("note", ""))
        self.matcher = _matcher(given)
        self.steps = _steps(given)
        schedule = {word: value for word, value in given.items() if word in WHEN_WORDS}
        if "sequence" in given and "times" not in schedule:
            schedule["times"] = len(self.steps)
        self.schedule: Schedule = read_schedule(schedule, now)
        self.seed = given.get("seed", seed)
        if isinstance(self.seed, bool) or not isinstance(self.seed, (int, str)):
            raise FaultError(f"expected a number or a text, got {shown(self.seed)}", "seed")
        self.applied = _checked("applied", flag, given.get("applied", False))
        self.of_connections = _strikes_connections(given, self.steps)
        """Asked when a connection is made; never of a request."""
        self.counters = Counters()
        self.memory: dict[Any, Any] = {}
        # What depends on the path alone is asked once for each path, see RuleBook.
        self.static = tuple(part for part in self.matcher.parts if isinstance(part, (Service, Path)))
        self.dynamic = tuple(part for part in self.matcher.parts if not isinstance(part, (Service, Path)))

    @property
    def tls(self) -> list[str]:
        """The TLS faults that it may come to."""
        return [kind.fault for kind in self.kinds if isinstance(kind, Tls)]

    @property
    def kinds(self) -> list[Kind]:
        """All that it may do."""
        return [kind for step in self.steps for kind in step]

    @property
    def matched(self) -> int:
        """Requests that fitted while the rule was in force."""
        return self.counters.matched

    @property
    def fired(self) -> int:
        """Requests it did something to."""
        return self.counters.fired

    @property
    def luck(self) -> Luck:
        """The chance of the request counted last."""
        return Luck(self.seed, self.counters.matched)

    def fire(self, plan: Plan) -> bool:
        """Write this firing into the plan; True where no further rule is to be asked."""
        step = self.steps[self.counters.fired % len(self.steps)]
        self.counters.fired += 1
        turn = Turn(plan.view, self.luck, self.applied, self.memory)
        plan.rules.append(self.id)
        plan.applied = plan.applied or self.applied
        for kind in step:
            kind.plan(plan, turn)
            plan.words.append(kind.word)
        return any(kind.final for kind in step)

    def fits(self, view: View) -> bool:
        """Whether the matcher fits, whatever the schedule says."""
        return self.matcher(view)

    def reset(self) -> None:
        """Forget what was counted and kept."""
        self.counters = Counters()
        self.memory = {}

    def describe(self) -> dict[str, Any]:
        """The rule as data, with its counts."""
        return {"id": self.id, **self.words, "seed": self.seed, "matched": self.matched, "fired": self.fired}

    def __repr__(self) -> str:
        words = ", ".join(f"{word}={value!r}" for word, value in self.words.items())
        return f"<Rule {self.id}: {words}; matched {self.matched}, fired {self.fired}>"


def _checked(word: str, read: Any, value: Any) -> Any:
    try:
        return read(value)
    except FaultError as error:
        raise error.under(word) from None


def _matcher(given: Mapping[str, Any]) -> All:
    """The match of a rule: its ``match`` and the match words beside it, all together."""
    parts: list[Matcher] = []
    if given.get("match") is not None:
        parts += _checked("match", read_match, given["match"]).parts
    beside = {word: value for word, value in given.items() if word in match_words()}
    parts += read_match(beside).parts
    return All(tuple(parts))


def _strikes_connections(given: Mapping[str, Any], steps: list[list[Kind]]) -> bool:
    """Whether this is a rule of connections. Raises FaultError where it is one of requests too."""
    if not any(kind.of_connections for step in steps for kind in step):
        return False
    if not all(kind.of_connections for step in steps for kind in step) or "applied" in given:
        raise FaultError("it strikes before there is a request: no other action goes with it", "tls")
    matched = [word for word in given if word in match_words() and (word, given[word]) != ("path", "*")]
    if given.get("match") not in (None, "*", {}, {"path": "*"}):
        matched.append("match")
    if matched:
        raise FaultError("it strikes before there is a request: nothing can be matched", matched[0])
    return True


def _steps(given: Mapping[str, Any]) -> list[list[Kind]]:
    """The kinds of each firing: one list, or one for each item of ``sequence``."""
    common = read_kinds((word, value) for word, value in given.items() if word in KINDS)
    if "sequence" not in given:
        if not common:
            raise FaultError(f"the rule does nothing; expected one of {', '.join(sorted(KINDS))}")
        return [common]
    items = given["sequence"]
    if not isinstance(items, (list, tuple)) or not items:
        raise FaultError(f"expected a list of answers, got {shown(items)}", "sequence")
    steps = []
    for place, item in enumerate(items):
        try:
            steps.append(common + read_step(item))
        except FaultError as error:
            raise error.under(f"[{place}]").under("sequence") from None
    return steps


def read_step(item: Any) -> list[Kind]:
    """The kinds of one firing: an answer as it stands in ``answer``, or a mapping of action words."""
    if isinstance(item, Mapping):
        words = {normal(word) for word in item}
        # A mapping is action words unless it can only be an answer's description.
        if words <= set(KINDS) and not ("status" in words and words <= {"status", "headers", "content_type"}):
            return read_kinds(item.items())
        if words & set(KINDS) - {"status", "headers", "content_type"}:
            mapping(item, KINDS, "action")
    return read_kinds([("answer", item)])


def read_kinds(items: Iterable[tuple[str, Any]]) -> list[Kind]:
    """Kinds from words and values. Raises FaultError with the word in its path."""
    kinds = []
    for raw, value in items:
        word = normal(raw)
        try:
            kinds.append(KINDS[word](value))
        except FaultError as error:
            raise error.under(word) from None
    return kinds
