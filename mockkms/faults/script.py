"""A script: expected requests in order, with their answers.

An unexpected request fails at once; steps that were not met fail at the end of the test.

script:
  - expect: {method: GET, path: secret/data/app}
    answer: 503
  - answer: {data: {ok: true}}          # no expect: any request
  - expect: transit/encrypt/orders
    answer: pass                        # the emulated server answers
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from mockkms.faults.addresses import cut, hide
from mockkms.faults.kinds import KINDS, FaultKind
from mockkms.faults.match import read_match
from mockkms.faults.matchers import All
from mockkms.faults.parsing import Errors, FaultError, flag, known_words, shown, text, whole
from mockkms.faults.plan import Plan, Turn
from mockkms.faults.request_view import Reply, View, go_json
from mockkms.faults.rule import read_kinds
from mockkms.faults.schedule import Luck

UNEXPECTED_STATUS = 599
"""A status that no client library retries."""
SCRIPT_WORDS = {
    "steps": "the expected requests, in order",
    "aside": "requests outside the script: {match: …, answer: …}; always answered, and marked in the journal",
    "loop": "true: start over after the last step",
    "id": "name of the script, as the journal shows it",
}
STEP_WORDS = {
    "expect": "which request: a path, or a mapping of match keys; any request by default",
    "times": "how often this step is expected; 1 by default",
    "applied": "true: the request takes effect first",
    "note": "a comment",
}

_ANSWER_ONLY = frozenset(("base64", "body", "data", "errors", "json", "preset"))
"""A step with one of these keys, and neither ``expect`` nor ``answer``, is itself the answer."""


class Step:
    """One expected request and its answer."""

    def __init__(self, value: object, *, match_word: str = "expect") -> None:
        if not isinstance(value, Mapping) or (_ANSWER_ONLY & {*value} and not {match_word, "answer"} & {*value}):
            value = {"answer": value}
        errors = Errors()
        given = known_words(value, {*STEP_WORDS, match_word, *KINDS}, errors, "step key")
        self.matcher: All = errors.read(match_word, read_match, given.get(match_word) or {}, All(()))
        self.times = errors.read("times", partial(whole, least=1), given.get("times", 1), 1)
        self.applied = errors.read("applied", flag, given.get("applied", False), False)
        self.kinds: list[FaultKind] = []
        with errors.at():
            self.kinds = read_kinds((word, item) for word, item in given.items() if word in KINDS)
        errors.raise_all()
        self.words = given
        self.wanted = given.get(match_word)

    def fire(self, plan: Plan, luck: Luck) -> None:
        """Add this step to a plan."""
        plan.applied = plan.applied or self.applied
        for kind in self.kinds:
            kind.plan(plan, Turn(plan.view, luck, self.applied, {}))
            plan.words.append(kind.word)


def _shown_target(view: View) -> str:
    """Return the target of a request without tokens and values that may be secrets."""
    token = view.facts.token
    return hide(cut(view.target, 1024), lambda text: text == token, strict=True)


def unexpected_answer(text: str) -> Reply:
    """Return the answer to a request that a test did not mean to make; no real server sends its status."""
    return Reply(UNEXPECTED_STATUS, go_json({"errors": [text]}), {"Content-Type": "application/json"})


def steps_of(words: Mapping[str, object]) -> object:
    """Return the script of an entry with the key ``script`` in a list of rules. Raises FaultError for further keys."""
    if len(words) > 1:
        raise FaultError("a script cannot be combined with other keys")
    return words["script"]


class Script:
    """A script and its progress."""

    def __init__(self, value: object, *, seed: int | str = 0) -> None:
        errors = Errors()
        words = value if isinstance(value, Mapping) else {"steps": value}
        given = known_words(words, SCRIPT_WORDS, errors, "script key")
        self.id = errors.read("id", text, given.get("id", "script"), "script")
        self.loop = errors.read("loop", flag, given.get("loop", False), False)
        self.seed = seed
        self.steps: list[Step] = []
        self.aside: list[Step] = []
        with errors.at("steps"):
            self.steps = _steps(given.get("steps"), "expect")
        with errors.at("aside"):
            self.aside = _steps(given.get("aside") or [], "match")
        errors.raise_all()
        self.at = 0
        self.used = 0
        """How often the current step was met."""
        self.complaints: list[str] = []
        """Descriptions of the unexpected requests."""

    def __repr__(self) -> str:
        return f"<Script {self.id}: at step {self.at} of {len(self.steps)}, {len(self.complaints)} unexpected requests>"

    @property
    def kinds(self) -> list[FaultKind]:
        """All fault kinds of the script."""
        return [kind for step in (*self.steps, *self.aside) for kind in step.kinds]

    def meet(self, view: View) -> Plan:
        """Return the plan for a request; an unexpected one is answered with 599 and recorded."""
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
        self.complaints.append(f"{why}; got {plan.view.method} {_shown_target(plan.view)}")
        plan.answer = unexpected_answer(plan.unexpected)
        return plan

    def left(self) -> list[str]:
        """Return the steps that were not met yet; none for a looping script."""
        if self.loop:
            return []
        return [f"step {i + 1}: {shown(step.wanted)}" for i, step in enumerate(self.steps) if i >= self.at]

    def describe(self) -> dict[str, object]:
        """Return the script's progress as data."""
        return {
            "id": self.id,
            "steps": [step.words for step in self.steps],
            "at": self.at,
            "left": self.left(),
            "complaints": list(self.complaints),
        }

    def state(self) -> tuple[int, int, tuple[str, ...]]:
        """Return the state for a snapshot."""
        return (self.at, self.used, tuple(self.complaints))

    def restore(self, state: tuple[int, int, tuple[str, ...]]) -> None:
        """Restore what ``state()`` returned."""
        self.at, self.used, self.complaints = state[0], state[1], list(state[2])


def _steps(value: object, match_word: str) -> list[Step]:
    if not isinstance(value, (list, tuple)):
        raise FaultError(f"expected a list of steps, got {shown(value)}")
    steps = []
    errors = Errors()
    for index, item in enumerate(value):
        with errors.at(index):
            steps.append(Step(item, match_word=match_word))
    errors.raise_all()
    return steps
