"""A script: expected requests in order, with their answers. Anything else fails at once, what is left fails at the end.

script:
  - expect: {method: GET, path: secret/data/app}
    answer: 503
  - answer: {data: {ok: true}}          # no expect: whatever comes
  - expect: transit/encrypt/orders
    answer: pass                        # the emulated server answers
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockkms.faults.combinators import All
from mockkms.faults.kinds import KINDS, Kind
from mockkms.faults.match import read_match
from mockkms.faults.parsing import FaultError, flag, mapping, shown, text
from mockkms.faults.plan import Plan, Turn
from mockkms.faults.request_view import Reply, View, go_json
from mockkms.faults.rule import read_kinds
from mockkms.faults.schedule import Luck

UNEXPECTED_STATUS = 599
"""Final for every client: no library retries it."""
SCRIPT_WORDS = {
    "steps": "the expected requests, in order",
    "aside": "requests that are no part of the script: {match: …, answer: …}; answered always, journalled apart",
    "loop": "true: after the last step begins the first again",
    "id": "name of the script, shown where its rules are named",
}
STEP_WORDS = {
    "expect": "which request: a path, or a mapping of match words; any when not given",
    "times": "how often this step is expected; 1 when not given",
    "applied": "true: the request takes effect first",
    "note": "a text for people",
}

_ANSWER_ONLY = frozenset(("base64", "body", "data", "errors", "json", "preset"))
"""A step with one of these, and no request or answer of its own, is an answer as a whole."""


class Step:
    """One expected request and what happens to it."""

    def __init__(self, value: Any, *, match_word: str = "expect") -> None:
        if not isinstance(value, Mapping) or (_ANSWER_ONLY & {*value} and not {match_word, "answer"} & {*value}):
            value = {"answer": value}
        given = mapping(value, {*STEP_WORDS, match_word, *KINDS}, "step word")
        try:
            self.matcher: All = read_match(given.get(match_word) or {})
        except FaultError as error:
            raise error.under(match_word) from None
        self.times = given.get("times", 1)
        if isinstance(self.times, bool) or not isinstance(self.times, int) or self.times < 1:
            raise FaultError(f"expected a whole number of at least 1, got {shown(self.times)}", "times")
        self.applied = flag(given.get("applied", False))
        self.kinds: list[Kind] = read_kinds((word, item) for word, item in given.items() if word in KINDS)
        self.words = given
        self.wanted = given.get(match_word)

    def fire(self, plan: Plan, luck: Luck) -> None:
        """Write this step into a plan."""
        plan.applied = plan.applied or self.applied
        for kind in self.kinds:
            kind.plan(plan, Turn(plan.view, luck, self.applied, {}))
            plan.words.append(kind.word)


class Script:
    """A script and how far it has come."""

    def __init__(self, value: Any, *, seed: int | str = 0) -> None:
        given = mapping(value, SCRIPT_WORDS, "script word") if isinstance(value, Mapping) else {"steps": value}
        self.id = text(given.get("id", "script"))
        self.loop = flag(given.get("loop", False))
        self.seed = seed
        self.steps = _steps("steps", given.get("steps"), "expect")
        self.aside = _steps("aside", given.get("aside") or [], "match")
        self.at = 0
        self.used = 0
        """Times that the present step was met."""
        self.complaints: list[str] = []
        """What came that was not expected."""

    @property
    def kinds(self) -> list[Kind]:
        """All that it may do."""
        return [kind for step in (*self.steps, *self.aside) for kind in step.kinds]

    def meet(self, view: View) -> Plan:
        """What the script says to a request; an unexpected one is answered 599 and remembered."""
        plan = Plan(view)
        for step in self.aside:
            if step.matcher(view):
                plan.rules.append(f"{self.id}.aside")
                step.fire(plan, Luck(self.seed))
                return plan
        if self.at >= len(self.steps):
            return self._refuse(plan, "script exhausted")
        step = self.steps[self.at]
        if not step.matcher(view):
            wrong = ", ".join(step.matcher.misses(view))
            return self._refuse(plan, f"step {self.at + 1} expected {shown(step.wanted)} (wrong: {wrong})")
        plan.rules.append(f"{self.id}[{self.at + 1}]")
        step.fire(plan, Luck(self.seed, self.at * 1000 + self.used))
        self.used += 1
        if self.used >= step.times:
            self.at, self.used = self.at + 1, 0
            if self.loop and self.at >= len(self.steps):
                self.at = 0
        return plan

    def _refuse(self, plan: Plan, why: str) -> Plan:
        plan.unexpected = f"scripted server: {why}"
        plan.rules.append(f"{self.id}!")
        self.complaints.append(f"{why}; got {plan.view.method} {plan.view.target}")
        headers = {"Content-Type": "application/json"}
        plan.answer = Reply(UNEXPECTED_STATUS, go_json({"errors": [plan.unexpected]}), headers)
        return plan

    def left(self) -> list[str]:
        """The steps that were not met yet (a looping script leaves none)."""
        if self.loop:
            return []
        return [f"step {i + 1}: {shown(step.wanted)}" for i, step in enumerate(self.steps) if i >= self.at]

    def describe(self) -> dict[str, Any]:
        """The script's progress as data."""
        return {
            "id": self.id,
            "steps": [step.words for step in self.steps],
            "at": self.at,
            "left": self.left(),
            "complaints": list(self.complaints),
        }

    def state(self) -> tuple[int, int, tuple[str, ...]]:
        """What a snapshot keeps."""
        return (self.at, self.used, tuple(self.complaints))

    def restore(self, state: tuple[int, int, tuple[str, ...]]) -> None:
        """Put back what ``state()`` gave."""
        self.at, self.used, self.complaints = state[0], state[1], list(state[2])


def _steps(place: str, value: Any, match_word: str) -> list[Step]:
    if not isinstance(value, (list, tuple)):
        raise FaultError(f"expected a list of steps, got {shown(value)}", place)
    steps = []
    for index, item in enumerate(value):
        try:
            steps.append(Step(item, match_word=match_word))
        except FaultError as error:
            raise error.under(f"[{index}]").under(place) from None
    return steps
