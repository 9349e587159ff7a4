"""Plans of chaos: what is read from texts and data, what is refused, and what the incidents of the package hold."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from mockkms.faults import FaultError, RuleBook, View
from mockkms.faults.chaos.failures import FAILURES, default_mix
from mockkms.faults.chaos.incidents import incident_names
from mockkms.faults.chaos.phases import MOST_PHASES
from mockkms.faults.chaos.plans import read_plan
from mockkms.faults.parsing import FaultError as Wrong
from mockkms.world.clock import Clock
from mockkms.world.entropy import Entropy


@pytest.fixture
def clock() -> Clock:
    clock = Clock()
    clock.freeze("2026-01-01T00:00:00Z")
    return clock


@pytest.fixture
def book(clock: Clock) -> RuleBook:
    return RuleBook(clock, Entropy(1))


def fired(book: RuleBook, count: int = 1, path: str = "secret/data/app") -> list[str]:
    """The rules that fire on so many requests, none as an empty text."""
    plans = [book.before(View(path=path)) for _ in range(count)]
    return ["" if plan is None else ",".join(plan.rules) for plan in plans]


# -- what is read ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["2%", "2 %", "0.02", ".02", 0.02, {"rate": "2%"}, {"plan": "2%"}, {"rate": 0.02}])
def test_a_share_of_the_requests(text: object) -> None:
    plan = read_plan(text)
    assert (plan.name, [phase.name for phase in plan.phases], plan.loop) == ("2%", ["steady"], False)
    assert plan.phases[0].rules[0]["chance"] == 0.02


def test_a_share_is_drawn_by_weight(book: RuleBook) -> None:
    book.start_chaos({"rate": "50%", "mix": {"sealed": 3, "reset": 1, "hang": 0}, "seed": 4})
    kinds = Counter(
        "none" if plan is None else plan.words[0] for plan in (book.before(View(path="a")) for _ in range(4000))
    )
    assert set(kinds) == {"none", "answer", "reset"}
    assert abs(kinds["none"] - 2000) < 150
    assert abs(kinds["answer"] - 1500) < 150


def test_the_default_mix_has_every_failure_that_ends_soon() -> None:
    assert set(FAILURES) - set(default_mix()) == {"hang"}


def test_phases_as_text(book: RuleBook, clock: Clock) -> None:
    book.start_chaos("normal=30s, failover=5s sealed=10s, 50%=1m normal=1s")
    seen = []
    for seconds in (0, 30, 5, 10, 60, 1):
        clock.advance(seconds)
        book.due(clock.now())
        seen.append(book.chaos.phase)
    assert seen == [f"timeline/{name}" for name in ("normal", "failover", "sealed", "50%", "normal 2", "normal")]


def test_one_failure_until_it_is_stopped(book: RuleBook, clock: Clock) -> None:
    book.start_chaos("rate-limited")
    clock.advance("10d")
    assert fired(book, 2) == ["chaos/rate-limited/rate-limited"] * 2
    assert book.stop_chaos()
    assert not book.stop_chaos()
    assert fired(book) == [""]
    assert not book.active


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ("leader-elektion", "unknown incident or failure 'leader-elektion'; did you mean 'leader-election'?"),
        ({"incident": "token-strom"}, "incident: unknown incident 'token-strom'; did you mean 'token-storm'?"),
        ({"incident": "token-storm", "phase": "strom"}, "phase: unknown phase 'strom'; did you mean 'storm'?"),
        ({"incident": "token-storm", "name": "x"}, "name: an incident has its own"),
        ("2", "such as 2%, or a number such as 0.02; got '2' (str); did you mean '2%'?"),
        (5, "got 5 (int); did you mean '5%'?"),
        ("0%", "expected a percentage above 0% and up to 100%"),
        ("101%", "expected a percentage above 0% and up to 100%"),
        ({"rate": True}, "rate: expected a percentage above 0%"),
        (float("nan"), "expected a percentage above 0%"),
        ("normal=30s seald=5s", "unknown phase 'seald'; did you mean 'sealed'?"),
        ("normal=", "expected phases as in normal=30s, got 'normal=' (str)"),
        ("normal=soon", "expected a duration such as 0.5 or '1m30s', got 'soon' (str)"),
        ("normal=0", "expected at least 0.001 seconds, got '0' (str)"),
        (f"{'normal=1s ' * 300}", "expected at most 2,000 characters"),
        ([], "expected a percentage, the name of an incident, or a plan with phases, got [] (list)"),
        (None, "got None"),
        ({}, "the plan is empty; expected one of plan, incident, rate, phases"),
        ({"rate": 0.1, "phases": []}, "rate and phases cannot be combined"),
        ({"plan": {"rate": 1}}, "plan: expected a text"),
        ({"phases": []}, "phases: expected a list of phases, got [] (list)"),
        ({"phases": [{"name": "a"}] * (MOST_PHASES + 1)}, "phases: expected at most 100 phases, got 101"),
        ({"phases": [{}]}, "phases[0].name: expected a name"),
        ({"phases": [{"name": "a/b"}]}, "phases[0].name: expected a name of at most 64 letters"),
        ({"phases": [{"name": "a"}, {"name": "b"}]}, "phases[0].lasts: expected a duration: only the last phase may"),
        ({"phases": [{"name": "a", "lasts": 1}] * 2}, "phases[1].name: a phase 'a' exists already"),
        ({"phases": [{"name": "a"}], "loop": True}, "loop: the last phase, 'a', has no end"),
        ({"phases": [{"nam": "a"}]}, "phases[0]: unknown key 'nam'; did you mean 'name'?"),
        ({"phases": [{"name": "a", "mix": {"reset": 1}}]}, "phases[0].mix: needs a rate beside it"),
        ({"phases": [{"name": "a"}], "mix": {"reset": 1}}, "mix: belongs to a rate"),
        ({"phases": [{"name": "a", "rules": [{"anser": 1}]}]}, "phases[0].rules[0]: unknown key 'anser'"),
        ({"phases": [{"name": "a", "rules": [{"answer": 1}]}]}, "phases[0].rules[0].answer: expected a status"),
        ({"phases": [{"name": "a", "rules": [{"after": "b", "answer": 500}]}]}, "phases[0].rules[0].after: rules of"),
        ({"phases": [{"name": "a", "begin": {"seel": True}}]}, "phases[0].begin: unknown action 'seel'; did you mean"),
        ({"phases": [{"name": "a", "begin": {"answer": 500}}]}, "phases[0].begin: unknown action 'answer'"),
        ({"phases": [{"name": "a", "begin": ["seal"]}]}, "phases[0].begin: expected a mapping of actions"),
        ({"phases": [{"name": "a", "end": {"revoke": True}}]}, "phases[0].end.revoke: expected an accessor or a token"),
        ({"rate": 1, "mix": {"rest": 1}}, "mix: unknown failure 'rest'; did you mean 'reset'?"),
        ({"rate": 1, "mix": {"reset": -1}}, "mix.reset: expected a number from 0 to 1e9"),
        ({"rate": 1, "mix": {"reset": 0}}, "choose: every weight is 0"),
        ({"rate": 1, "mix": {}}, "mix: expected names of failures with their weights"),
        ({"rate": 1, "match": {"pth": "a"}}, "match: unknown match key 'pth'"),
        ({"rate": 1, "seed": 1.5}, "seed: expected a whole number or a string"),
        ({"rate": 1, "loop": 1}, "loop: expected true or false"),
        ({"phases": [{"name": "a"}], "client": "x"}, "client: expected a list of sentences"),
    ],
)
def test_what_is_refused(plan: Any, message: str) -> None:
    with pytest.raises(FaultError) as caught:
        read_plan(plan)
    assert message in str(caught.value)


def test_a_server_that_cannot_do_it(book: RuleBook) -> None:
    book.tls_denied = {"expired": "this server speaks no TLS"}
    book.denied = {"step_down": "a single server"}
    book.stateless = "a real server answers here"
    for plan, place in (
        ("certificate-expiry", "phase 'expired', tls: this server speaks no TLS"),
        ({"phases": [{"name": "a", "begin": {"step_down": True}}]}, "phases[0].begin.step_down: a real server"),
        ("seal-after-restart", "phase 'sealed', seal: a real server answers here; available here: "),
    ):
        with pytest.raises(Wrong) as caught:
            book.start_chaos(plan)
        assert str(caught.value).startswith(place)
    assert book.chaos.run is None


def test_scripts_and_chaos_exclude_each_other(book: RuleBook) -> None:
    book.start_chaos("2%")
    with pytest.raises(FaultError, match="chaos is running; stop it first"):
        book.script([500])
    book.stop_chaos()
    book.script([500])
    with pytest.raises(FaultError, match="a script decides every request"):
        book.start_chaos("2%")


# -- the timeline ----------------------------------------------------------------------------------------------------

TURNS = {
    "name": "turns",
    "seed": 3,
    "phases": [
        {"name": "a", "lasts": 10, "rules": [{"chance": 0.5, "answer": 500}]},
        {"name": "b", "lasts": 5, "rules": [{"id": "mine", "skip": 1, "answer": 503}, {"path": "x", "answer": 418}]},
    ],
}


def test_rules_start_again_with_each_phase(book: RuleBook, clock: Clock) -> None:
    book.start_chaos(TURNS)
    assert "chaos/turns/b/mine" not in fired(book, 20)
    clock.advance(10)
    book.due(clock.now())
    assert fired(book, 3) == ["", "chaos/turns/b/mine", "chaos/turns/b/mine"]
    clock.advance(15)
    book.due(clock.now())
    assert fired(book, 2) == ["", "chaos/turns/b/mine"]
    assert fired(book, 1, "x") == ["chaos/turns/b/mine"]


def test_the_same_seed_repeats_and_another_does_not(clock: Clock) -> None:
    def run(seed: int) -> list[str]:
        book, seen = RuleBook(clock, Entropy(seed)), []
        book.start_chaos({**TURNS, "seed": seed})
        for _ in range(12):
            seen += fired(book, 7)
            clock.advance(5)
            book.due(clock.now())
        return seen

    first = run(3)
    assert run(3) == first
    assert run(4) != first
    cycles = [first[start : start + 14] for start in range(0, len(first), 21)]
    assert len(set(map(tuple, cycles))) > 1, "the cycles differ from each other"


def test_the_seed_derives_from_rng(clock: Clock) -> None:
    seeds = [RuleBook(clock, Entropy(rng)).start_chaos("2%").seed for rng in (5, 5, 6)]
    assert seeds[0] == seeds[1] != seeds[2]


def test_a_plan_that_does_not_loop_is_over(book: RuleBook, clock: Clock) -> None:
    run = book.start_chaos({**TURNS, "loop": False})
    clock.advance("1h")
    assert book.due(clock.now()) == ()
    assert (run.over, book.chaos.phase, book.active) == (True, "", False)
    assert run.describe()["active"] is False


def test_the_clock_is_moved_far(book: RuleBook, clock: Clock) -> None:
    seal = {"name": "s", "lasts": 5, "begin": {"seal": True}, "end": {"unseal": True}}
    run = book.start_chaos({"phases": [{"name": "n", "lasts": 10}, seal]})
    clock.advance(12)
    assert [act.word for act in book.due(clock.now())] == ["seal"]
    clock.advance("1000d")
    assert [act.word for act in book.due(clock.now())] == ["unseal", "seal"], "of one cycle"
    assert run.describe()["cycle"] == 1000 * 86400 // 15
    assert run.describe()["left"] == 3
    clock.set("2026-01-01T00:00:00Z")
    book.due(clock.now())
    assert run.describe()["left"] == 5, "the phase starts again"


def test_a_plan_that_moves_the_clock_keeps_its_own_time(book: RuleBook, clock: Clock) -> None:
    start = clock.now()
    run = book.start_chaos("clock-skew")
    moved = []
    for _ in range(10):
        book.due(clock.now())
        moved.append((book.chaos.phase.partition("/")[2], round(clock.now() - start - 10 * len(moved))))
        clock.advance(10)
    assert moved == [
        ("normal", 0), ("normal", 0), ("normal", 0), ("ahead", 600), ("ahead", 600), ("corrected", 0), ("corrected", 0),
        ("behind", -600), ("behind", -600), ("normal", 0),
    ]  # fmt: skip
    clock.advance("1000d")
    book.due(clock.now())
    book.stop_chaos()
    assert clock.now() - start == 100 + 86400_000
    assert run.over


def test_set_clock_as_an_action(book: RuleBook, clock: Clock) -> None:
    run = book.start_chaos({"phases": [{"name": "n", "lasts": 5}, {"name": "f", "begin": {"set_clock": "2030-01-01"}}]})
    clock.advance(7)
    book.due(clock.now())
    assert (clock.now(), run.describe()["elapsed"]) == (1893456000.0, 7.0)


# -- the incidents of the package --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", incident_names())
def test_an_incident_says_what_happens_and_what_to_do(name: str) -> None:
    plan = read_plan(name)
    assert plan.name == name
    assert plan.summary.endswith(".")
    assert len(plan.client) >= 4
    assert all(line.endswith(".") for line in plan.client)
    assert all(phase.note for phase in plan.phases)
