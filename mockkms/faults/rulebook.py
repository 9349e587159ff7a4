"""The fault rules of one world, evaluated once for each request."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mockkms.arguments import CheckedAttribute, check_arguments
from mockkms.faults import expressions
from mockkms.faults.agenda import ActionAgenda, AgendaState
from mockkms.faults.candidates import Candidates, fits
from mockkms.faults.chaos.permission import check_rule
from mockkms.faults.chaos.slot import ChaosSlot
from mockkms.faults.kinds import FaultKind, stateless
from mockkms.faults.parsing import Errors, FaultError, unknown_rule, within
from mockkms.faults.plan import Plan, Question, ServerAction
from mockkms.faults.request_view import Reply, View
from mockkms.faults.rule import Rule
from mockkms.faults.schedule import Counters
from mockkms.faults.script import Script, steps_of, unexpected_answer
from mockkms.world.clock import Clock
from mockkms.world.entropy import Entropy

if TYPE_CHECKING:
    from mockkms.faults.chaos.running import ChaosRun, RunState

START_STATE = "start"
Rules = list[Rule]


@dataclass(frozen=True, slots=True)
class BookState:
    """The part of a rule book that a snapshot keeps."""

    rules: tuple[tuple[Rule, int, int, dict[Question, Reply]], ...]
    script: Script | None
    script_state: tuple[int, int, tuple[str, ...]] | None
    state: str
    made: int
    agenda: AgendaState
    header: bool
    chaos: RunState | None = None

    def of_requests(self) -> BookState:
        """Return a copy without the rules for connections."""
        chaos = None if self.chaos is None else replace(self.chaos, with_connections=False)
        rules = tuple(kept for kept in self.rules if not kept[0].of_connections)
        return replace(self, rules=rules, chaos=chaos)


class RuleBook:
    """The fault rules of a world, ``MockKMS.faults``.

        faults.add("transit/encrypt/*", answer="sealed", times=2)
        faults.add(match={"path": "secret/*", "operation": "read"}, skip=1, delay=0.5)

    Rules are evaluated in the order they were added. All that fire take effect together, up to the first one that
    decides the answer. ``active`` is False while there are none, so that an unused rule book costs nothing.
    """

    if TYPE_CHECKING:
        state: str
        header: bool
    else:
        state, header = CheckedAttribute(str), CheckedAttribute(bool)

    def __init__(self, clock: Clock | None = None, entropy: Entropy | None = None) -> None:
        self.active = False
        self.state = START_STATE
        """The state that ``in_state`` of rules names and ``set_state`` changes."""
        self.header = False
        """Whether answers name the rules that fired in ``X-Mockkms-Fault``, a header that real servers do not send."""
        self.rules: tuple[Rule, ...] = ()
        self.injected: tuple[Rule, ...] = ()
        """Rules of an exploration: evaluated before all others, also before a script, and not part of the world."""
        self.current_script: Script | None = None
        """The script that is running; None without one."""
        self.tls_denied: Mapping[str, str] = {}
        """TLS faults that this server cannot produce, with the reason."""
        self.denied: Mapping[str, str] = {}
        """Fault kinds that this server cannot produce, with the reason."""
        self.stateless = ""
        """The reason why fault kinds that need emulated state are refused; empty if they are allowed."""
        self._of_connections: Rules = []
        self._ids: set[str] = set()
        self._clock = clock or Clock()
        self._entropy = entropy or Entropy()
        self._made = 0
        self._agenda = ActionAgenda()
        self._lock = threading.RLock()
        self.chaos = ChaosSlot(self._clock, self._lock)
        self._candidates = Candidates()

    # -- changing ------------------------------------------------------------------------------------------------

    def add(self, match: object = None, /, **words: object) -> Rule:
        """Add a rule. ``match`` is a path glob, a mapping of match keys, or a whole rule as a mapping.

        Raises FaultError (a ValueError) for an unknown key or an invalid value, with the closest known key.
        """
        with self._lock:
            number = self._next()
            rule = self._put(self._read(match, words, f"rule-{number}"))
            self._made = number  # A rule that is refused uses up no number.
            return rule

    def extend(self, rules: object) -> Rules:
        """Add a list of rules or scripts, as in a world's ``faults:``; all or none. Raises FaultError."""
        if isinstance(rules, Mapping):
            return self._one(rules)
        if not isinstance(rules, Iterable) or isinstance(rules, (str, bytes)):
            raise FaultError("expected a list of rules")
        with self._lock:
            before = self.snapshot()
            added = []
            errors = Errors()
            try:
                for place, words in enumerate(rules):
                    with errors.at(place):
                        added += self._one(words)
                errors.raise_all()
            except FaultError:
                self.restore(before)
                raise
            return added

    def _one(self, words: object) -> Rules:
        if isinstance(words, Mapping) and "script" in words:
            self.script(steps_of(words))
            return []
        if not isinstance(words, Mapping):
            raise FaultError("expected a mapping that describes a rule")
        return [self.add(words)]

    def script(self, steps: object) -> Script:
        """Start a script: every request must match its next step. Raises FaultError."""
        with within("script"):
            made = Script(steps, seed=self._seed("script"))
        self.check(made.kinds)
        if self.chaos.running:
            raise FaultError("a script decides every request, and chaos is running; stop it first", "script")
        with self._lock:
            self.current_script = made
            self._changed()
        return made

    def remove(self, id: str) -> bool:
        """Remove a rule; return False if no rule has this id."""
        check_arguments({"id": id})
        with self._lock:
            kept = tuple(rule for rule in self.rules if rule.id != id)
            gone = len(kept) < len(self.rules)
            self.rules = kept
            self._changed()
            return gone

    def enable(self, id: str) -> None:
        """Let a disabled rule be evaluated again, with its counts. Raises KeyError for an unknown id."""
        self._switch(id, on=True)

    def disable(self, id: str) -> None:
        """Keep a rule and its counts without evaluating it until it is enabled. Raises KeyError for an unknown id."""
        self._switch(id, on=False)

    def _switch(self, id: str, *, on: bool) -> None:
        with self._lock:
            known = self.get(id)
            # A new object, because snapshots refer to the old one.
            self.rules = tuple(rule.switched(on=on) if rule is known else rule for rule in self.rules)
            self._changed()

    def inject(self, rules: Iterable[Mapping[str, object]]) -> None:
        """Set the rules that are evaluated before all others; none ends it. Raises FaultError.

        They do not belong to the world: ``list``, ``clear``, snapshots and ``reset`` do not see them, so that neither
        they nor their counters change with what a test does to its rules.
        """
        now = self._clock.now()
        read = tuple(Rule(words, rule_id=f"injected-{n}", now=now, seed=0) for n, words in enumerate(rules, 1))
        for rule in read:
            self.check(rule.kinds)
        with self._lock:
            self.injected = read
            self._changed()

    def start_chaos(self, value: object) -> ChaosRun:
        """Start a plan of chaos (see ``chaos/plans.py``) in place of a running one. Raises FaultError."""
        plan = self.chaos.read(value, self)
        if self.current_script is not None:
            raise FaultError("a script decides every request; end it before chaos starts")
        with self._lock:
            run = self.chaos.start(plan, self._seed(f"chaos/{plan.name}"))
            self._changed()
            return run

    def stop_chaos(self) -> bool:
        """End the running plan of chaos, with the actions that end its phase; return whether one was running."""
        with self._lock:
            stopped = self.chaos.stop()
            self._changed()
            return stopped

    def clear(self) -> None:
        """Remove all rules and the script, end chaos, and reset the rules' state."""
        with self._lock:
            self.chaos.stop()
            self.rules, self.current_script, self.state = (), None, START_STATE
            self._agenda.restore(())
            self._changed()

    def forget(self) -> None:
        """Clear everything for a new world, without the actions that end a phase of chaos."""
        with self._lock:
            self.chaos.restore(None)
            self.clear()

    def _next(self) -> int:
        """Return the number of the next rule."""
        number = self._made + 1
        while f"rule-{number}" in self._ids:
            number += 1
        return number

    def _read(self, match: object, words: dict[str, object], rule_id: str) -> Rule:
        if match is not None and "match" in words:
            raise FaultError("`match` is given twice")
        if isinstance(match, Mapping) and not words:
            words = dict(match)
        elif match is not None:
            words = {"match": match, **words}
        return Rule(words, rule_id=rule_id, now=self._clock.now(), seed=self._seed(str(words.get("id", rule_id))))

    def _seed(self, label: str) -> int:
        return int.from_bytes(self._entropy.derived(f"faults/{label}", 6), "big")

    def _put(self, rule: Rule) -> Rule:
        with self._lock:
            if rule.id in self._ids:
                raise FaultError(f"a rule {rule.id!r} already exists", "id")
            check_rule(rule, self)
            if rule.schedule.after and rule.schedule.after == rule.id:
                raise FaultError("a rule cannot come after itself", "after")
            self.rules += (rule,)
            # What ``_changed`` does, but without visiting all other rules: thousands may be added in a row.
            self._ids.add(rule.id)
            self._candidates.forget()
            if rule.of_connections and rule.enabled:
                self._of_connections = [*self._of_connections, rule]
            self.active = True
        return rule

    def check(self, kinds: Iterable[FaultKind]) -> None:
        """Raise FaultError for fault kinds that this server cannot produce."""
        errors = Errors()
        for kind in kinds:
            if self.stateless and kind.needs_state:
                words = stateless()
                which = "with this value: " if kind.word in words else ""
                why = f"{which}{self.stateless}; available here: {', '.join(words)}"
                errors.add(FaultError(why, kind.word))
            elif kind.word in self.denied:
                errors.add(FaultError(self.denied[kind.word], kind.word))
        errors.raise_all()

    def _changed(self) -> None:
        self._candidates.forget()
        self._ids = {rule.id for rule in self.rules}
        self._of_connections = [rule for rule in self.rules if rule.of_connections and rule.enabled]
        self._set_active()

    def _set_active(self) -> None:
        waiting = self._agenda.entries or self.chaos.busy or self.current_script is not None
        self.active = bool(self.rules or self.injected or waiting)

    # -- evaluating ----------------------------------------------------------------------------------------------

    def ignores(self, service: str, path: str) -> bool:
        """Return whether it is known that no rule or action concerns ``path``, which is as sent, without query."""
        if self._agenda.entries or self.current_script is not None or self.chaos.busy:
            return False
        return self._candidates.excludes(service, path)

    def before(self, view: View) -> Plan | None:
        """Return the plan for a request, None if no rule fires. Updates the counters."""
        if not self.active:
            return None
        expressions.restart_clock()
        with self._lock:
            try:
                candidates = self._candidates.of(view, self.injected, self.rules)
                if self.current_script is not None:
                    ours = tuple(rule for rule in candidates if rule in self.injected)
                    plan = self._decide(view, ours) if ours else None
                    return plan or self.current_script.meet(view)
                if self.chaos.rules:
                    candidates += tuple(rule for rule in self.chaos.rules if fits(rule, rule.static, view))
                return self._decide(view, candidates) if candidates else None
            except FaultError as error:
                return Plan(view, unexpected=f"mockkms: {error}", answer=unexpected_answer(f"mockkms: {error}"))

    def connecting(self) -> Plan | None:
        """Return the plan for a new connection, None if no rule fires. Updates the counters."""
        rules = (*self._of_connections, *self.chaos.of_connections)
        if not rules:
            return None
        with self._lock:
            return self._decide(View(), rules)

    def _decide(self, view: View, candidates: tuple[Rule, ...]) -> Plan | None:
        plan: Plan | None = None
        now, state = self._clock.now(), self.state
        fired = {rule.id: rule.fired for rule in self.rules if rule.fired}
        for rule in candidates:
            if not rule.schedule.in_force(now, state, fired) or not fits(rule, rule.dynamic, view):
                continue
            rule.counters.matched += 1
            if not rule.schedule.due(rule.counters, rule.luck):
                continue
            plan = plan or Plan(view)
            if rule.fire(plan):
                break
        if plan is not None and plan.set_state is not None:
            self.state = plan.set_state
        return plan

    def later(self, moment: float, action: ServerAction) -> None:
        """Schedule an action for ``moment`` (seconds since the epoch, by the world's clock)."""
        with self._lock:
            self._agenda.add(moment, action)
            self.active = True

    def due(self, now: float) -> tuple[ServerAction, ...]:
        """Remove and return the scheduled actions that are due at ``now``, after those of chaos."""
        acts = self.chaos.take() if self.chaos.busy else None
        if acts is None and not self._agenda.is_due(now):
            return ()
        with self._lock:
            ready = self._agenda.take(now)
            self._set_active()
        return (*(acts or ()), *ready)

    # -- inspecting ----------------------------------------------------------------------------------------------

    def list(self) -> Rules:
        """Return all rules, in order."""
        return [*self.rules]

    def get(self, id: str) -> Rule:
        """Return the rule with this id. Raises KeyError for an unknown id."""
        check_arguments({"id": id})
        for rule in self.rules:
            if rule.id == id:
                return rule
        raise unknown_rule(id, [rule.id for rule in self.rules])

    @property
    def unfired(self) -> tuple[Rule, ...]:
        """The enabled rules that never fired."""
        return tuple(rule for rule in self.rules if rule.enabled and not rule.fired)

    def problems(self) -> tuple[str, ...]:
        """Return what to report after a test: rules that never fired, unmet script steps, unexpected requests."""
        found = [f"fault {rule.id!r} never fired (matched {rule.matched}): {rule.words}" for rule in self.unfired]
        if self.current_script is not None:
            found += [f"script: {complaint}" for complaint in self.current_script.complaints]
            found += [f"script: left over: {step}" for step in self.current_script.left()]
        return tuple(found)

    def assert_all_fired(self) -> None:
        """Raise AssertionError if a rule never fired or a script was not completed."""
        problems = self.problems()
        if problems:
            raise AssertionError("\n".join(problems))

    def assert_script_done(self) -> None:
        """Raise AssertionError if the script met an unexpected request or has steps left."""
        script = self.current_script
        if script is None:
            return
        complaints = [*script.complaints, *(f"left over: {step}" for step in script.left())]
        if complaints:
            raise AssertionError("the script was not followed:\n" + "\n".join(complaints))

    def describe(self) -> str:
        """Return one line for each rule with its counters; empty if there are none."""
        lines = [f"{rule.id}: matched {rule.matched}, fired {rule.fired}: {rule.words}" for rule in self.rules]
        if self.current_script is not None:
            script = self.current_script
            lines.append(f"{script.id}: {script.at} of {len(script.steps)} steps done")
        return "\n".join([*lines, *self.chaos.describe()])

    def __repr__(self) -> str:
        return f"<RuleBook of {len(self.rules)} rules>" + (f"\n{self.describe()}" if self.describe() else "")

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules)

    def __len__(self) -> int:
        return len(self.rules)

    # -- snapshots -----------------------------------------------------------------------------------------------

    def snapshot(self) -> BookState:
        """Return rules, counters, script and state, for ``restore`` in the same process."""
        with self._lock:
            rules = tuple((rule, rule.matched, rule.fired, dict(rule.memory)) for rule in self.rules)
            script = self.current_script
            progress = script.state() if script is not None else None
            rest = (self.state, self._made, self._agenda.state(), self.header, self.chaos.state())
            return BookState(rules, script, progress, *rest)

    def restore(self, kept: BookState) -> None:
        """Restore what ``snapshot`` returned."""
        with self._lock:
            for rule, matched, fired, memory in kept.rules:
                rule.counters, rule.memory = Counters(matched, fired), dict(memory)
            self.rules = tuple(rule for rule, *_ in kept.rules)
            self.current_script = kept.script
            if kept.script is not None and kept.script_state is not None:
                kept.script.restore(kept.script_state)
            self.state, self._made = kept.state, kept.made
            self._agenda.restore(kept.agenda)
            self.header = kept.header
            self.chaos.restore(kept.chaos)
            self._changed()
