"""Rules decide from data and counters alone."""

from __future__ import annotations

from typing import Any

import pytest

from mockkms.faults import FaultError, RuleBook, View
from mockkms.faults.kinds import KINDS
from mockkms.faults.presets import PRESETS
from mockkms.faults.request_view import Facts, named_in
from mockkms.vault.kernel.node import NodeStatus
from mockkms.vault.products import OPENBAO
from mockkms.world.clock import Clock
from mockkms.world.entropy import Entropy


def view(path: str = "transit/encrypt/orders", method: str = "POST", **more: Any) -> View:
    return View(method=method, path=path, operation=str(more.pop("operation", "update")), **more)


def fires(book: RuleBook, count: int, asked: View | None = None) -> str:
    return "".join("x" if book.before(asked or view()) else "." for _ in range(count))


@pytest.fixture
def book() -> RuleBook:
    clock = Clock()
    clock.freeze(1_000_000.0)
    return RuleBook(clock, Entropy(7))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({}, "xxxxxx"),
        ({"times": 2}, "xx...."),
        ({"skip": 1, "times": 2}, ".xx..."),
        ({"every": 3}, "..x..x"),
        ({"skip": 1, "every": 2, "times": 1}, "..x..."),
        ({"times": 0}, "......"),
        ({"chance": 0}, "......"),
        ({"chance": 1}, "xxxxxx"),
    ],
)
def test_schedules(book: RuleBook, words: dict[str, object], expected: str) -> None:
    rule = book.add("transit/*", close=True, **words)
    assert fires(book, 6) == expected
    assert (rule.matched, rule.fired) == (6, expected.count("x"))


def test_chance_repeats_with_its_seed(book: RuleBook) -> None:
    book.add("transit/*", close=True, chance=0.5, seed=3, id="a")
    first = fires(book, 40)
    book.clear()
    book.add("transit/*", close=True, chance=0.5, seed=3, id="b")
    assert fires(book, 40) == first
    assert 5 < first.count("x") < 35


def test_window_and_healing_follow_the_virtual_clock() -> None:
    clock = Clock()
    clock.freeze(1000.0)
    book = RuleBook(clock)
    book.add("*", close=True, between={"from": "10s", "until": "20s"})
    assert fires(book, 1) == "."
    clock.advance(10)
    assert fires(book, 1) == "x"
    clock.advance(10)
    assert fires(book, 1) == "."
    book.add("*", close=True, lasts="5s")
    assert fires(book, 1) == "x"
    clock.advance(5)
    assert fires(book, 1) == "."


def test_after_another_rule_and_in_state(book: RuleBook) -> None:
    book.add("sys/seal", set_state="down", id="first")
    book.add("transit/*", answer=503, in_state="down", after="first", times=1)
    assert fires(book, 1) == "."
    book.before(view("sys/seal"))
    assert book.state == "down"
    assert fires(book, 2) == "x."


def test_sequence_gives_each_firing_its_own_answer(book: RuleBook) -> None:
    book.add("transit/*", sequence=[503, "rate-limited", "pass", {"reset": True}])
    plans = [book.before(view()) for _ in range(5)]
    statuses = [plan and plan.answer and plan.answer.status for plan in plans]
    assert statuses == [503, 429, None, None, None]
    assert plans[3] is not None
    assert plans[3].cut is not None
    assert plans[3].cut.how == "reset"
    assert plans[4] is None


def test_rules_act_together_until_one_decides(book: RuleBook) -> None:
    book.add("transit/*", delay=0.5)
    book.add("transit/*", answer="sealed")
    last = book.add("transit/*", answer=500)
    plan = book.before(view())
    assert plan is not None
    assert plan.answer is not None
    assert (plan.delay, plan.answer.status, last.matched) == (0.5, 503, 0)


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        ("transit/encrypt/*", True),
        ("transit/+/orders", True),
        ("transit/+", False),
        ("/v1/transit/*", True),
        ({"path": {"regex": "orders$"}}, True),
        ({"path": ["a", "transit/encrypt/orders"]}, True),
        ({"method": "post", "service": "vault", "operation": "write"}, True),
        ({"operation": "read"}, False),
        ({"mount": "transit", "key": "ord*", "namespace": "team"}, True),
        ({"token": "t", "accessor": True, "policy": "app"}, True),
        ({"policy": "root"}, False),
        ({"header": {"X-Trace": "1", "absent": False}}, True),
        ({"body": {"options.cas": 1, "batch_input.1.plaintext": "b"}}, True),
        ({"body": {"options.cas": "1"}}, True),
        ({"body": {"options.cas": 2}}, False),
        ({"query": {"version": "2"}}, True),
        ({"any": [{"method": "GET"}, {"key": "orders"}]}, True),
        ({"all": [{"method": "POST"}, {"not": {"key": "orders"}}]}, False),
    ],
)
def test_matchers(book: RuleBook, match: object, fits: bool) -> None:
    facts = Facts("transit/", "orders", "team/", "t", "acc", ("default", "app"))
    body = b'{"options": {"cas": 1}, "batch_input": [{"plaintext": "a"}, {"plaintext": "b"}]}'
    asked = view(facts=facts, body=body, headers={"x-trace": "1"}, target="/v1/transit/encrypt/orders?version=2")
    book.add(match=match, close=True)
    assert (book.before(asked) is not None) is fits


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ({"anser": 503}, "did you mean 'answer'"),
        ({"answer": "seeled"}, "answer: unknown preset 'seeled'; did you mean 'sealed'"),
        ({"match": {"pth": "x"}, "close": True}, "match: unknown match key 'pth'; did you mean 'path'"),
        ({"match": {"operation": "raed"}, "close": True}, "match.operation: unknown operation 'raed'; did you mean"),
        ({"path": {"regex": "("}, "close": True}, "invalid regular expression"),
        ({"answer": 99}, "status from 200 to 599"),
        ({"answer": {"status": 200, "headers": {"A": "x\r\nB: y"}}}, "answer.headers.A: expected a single line"),
        ({"answer": {"body": "x", "json": 1}}, "only one of body, json"),
        ({"close": True, "times": -1}, "times: expected at least 0"),
        ({"close": True, "chance": 2}, "chance: expected a probability"),
        ({"delay": "soon"}, "delay: expected a duration"),
        ({"delay": float("nan")}, "delay: expected seconds"),
        ({"close": True, "between": ["9s", "1s"]}, "between.until: the window ends before it starts"),
        ({"sequence": [503, "nope"]}, "sequence[1].answer: unknown preset"),
        ({"path": "x"}, "the rule does nothing"),
        ({"garbage": 10**10}, "garbage: expected at most 1048576, got 10000000000"),
        ({"garbage": 1e10}, "garbage: expected a whole number"),
        ({"truncate": 10**400}, "truncate: expected at most"),
        ({"drip": 10**5000}, "drip: expected at most"),
        ({"drip": {"bytes": 1, "every": "1h"}}, "drip.every: expected at most 60 seconds"),
        ({"delay": "999999999999999999h"}, "delay: expected seconds from 0 to 1e9"),
        ({"set_clock": {"epoch": 1e12}}, "set_clock.epoch: expected seconds since the epoch"),
        ({"answer": "9" * 5000}, "answer: unknown preset"),
        ({"path": ["x", 1.5j], "close": True}, "path[1]: expected a string or a pattern"),
        (
            {"any": [{"key": "x"}, {"body": {"options.cas": {"nt": 1}}}], "close": True},
            "any[1].body.options.cas: unknown form of a pattern 'nt'; did you mean 'not'",
        ),
        ({"header": {"X-A": {"not": {"regex": "("}}}, "close": True}, "header.X-A.not.regex: invalid regular"),
        ({"hang": {"for": "soon"}}, "hang.for: expected a duration"),
        ({"drip": {"bytes": 0}}, "drip.bytes: expected at least 1"),
        ({"delay": {"normal": [1, "x"]}}, "delay.normal[1]: expected a duration"),
        ({"drop": ["a", 1]}, "drop[1]: expected a string"),
        ({"close": True, "after": {"rule": "x", "times": 0}}, "after.times: expected at least 1"),
        ({"close": True, "between": {"from": "soon"}}, "between.from: expected a duration"),
        ({"answer": {"preset": "seeled"}}, "answer.preset: unknown preset 'seeled'; did you mean 'sealed'"),
    ],
)
def test_bad_rules_name_the_place_and_the_right_word(book: RuleBook, rule: dict[str, object], complaint: str) -> None:
    with pytest.raises(FaultError) as caught:
        book.extend([{"path": "y", "close": True}, rule])
    assert complaint in str(caught.value)
    assert str(caught.value).startswith("[1]")
    assert len(book) == 0, "all or none"


@pytest.mark.parametrize("word", sorted(KINDS))
def test_every_kind_reads_its_own_example_and_plans_something(book: RuleBook, word: str) -> None:
    book.add("*", **{word: KINDS[word].example})
    plan = book.connecting() if KINDS[word].of_connections else book.before(view())
    assert plan is not None
    assert plan.words == [word]
    blank = type(plan)(plan.view, plan.rules, plan.words)
    assert plan != blank


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_every_preset_answers_both_services(book: RuleBook, name: str) -> None:
    book.add("*", answer=name)
    for service in ("vault", "rustfs"):
        plan = book.before(View(service, "POST", "key/status"))
        assert (plan is not None and plan.answer is not None) or name == "performance-standby"


def test_sealed_reports_its_status_as_the_server_does(book: RuleBook) -> None:
    book.add("*", answer="sealed")
    server = NodeStatus(OPENBAO, 0.0)

    def ask(target: str, method: str = "GET") -> tuple[int, object]:
        plan = book.before(View(method=method, path=target.partition("?")[0], target="/v1/" + target, server=server))
        assert plan is not None
        assert plan.answer is not None
        return plan.answer.status, plan.answer.json()

    assert ask("secret/data/x") == (503, {"errors": ["OpenBao is sealed"]})
    assert ask("sys/health")[0] == 503
    assert ask("sys/health?sealedcode=200")[0] == 200
    assert ask("sys/init") == (200, {"initialized": True})
    status, document = ask("sys/seal-status")
    assert status == 200
    assert isinstance(document, dict)
    assert document["sealed"] is True


def test_snapshot_brings_counts_and_rules_back(book: RuleBook) -> None:
    rule = book.add("*", close=True, times=2)
    fires(book, 1)
    kept = book.snapshot()
    fires(book, 1)
    book.add("*", reset=True)
    book.restore(kept)
    assert (len(book), rule.matched, rule.fired) == (1, 1, 1)
    book.clear()
    assert not book.active


def test_a_rule_that_never_fired_is_reported(book: RuleBook) -> None:
    book.add("transit/*", close=True, id="used")
    book.add("secret/*", close=True, id="unused")
    fires(book, 1)
    assert [rule.id for rule in book.unfired] == ["unused"]
    with pytest.raises(AssertionError, match="'unused' never fired"):
        book.assert_all_fired()


def test_scripts_are_strict(book: RuleBook) -> None:
    aside = [{"match": "sys/*", "answer": 204}]
    book.script({"steps": [503, {"expect": "secret/data/a", "answer": "pass"}], "aside": aside})
    answers = []
    for path in ("anything", "sys/health", "secret/data/b", "secret/data/a", "more"):
        plan = book.before(view(path))
        assert plan is not None
        answers.append(plan.answer.status if plan.answer else "core")
    assert answers == [503, 204, 599, "core", 599]
    with pytest.raises(AssertionError, match="step 2 expected 'secret/data/a'"):
        book.assert_script_done()
    book.script([503, 503])
    book.before(view())
    with pytest.raises(AssertionError, match="left over: step 2"):
        book.assert_script_done()


@pytest.mark.parametrize(
    ("template", "below", "name"),
    [
        ("encrypt/{name}", "encrypt/orders", "orders"),
        ("datakey/{plaintext}/{name}", "datakey/wrapped/orders", "orders"),
        ("sign/{name}[/{algorithm:some}]", "sign/orders/sha2-256", "orders"),
        ("data/{path:all}", "data/app/db", "app/db"),
        ("keys[/]", "keys/", ""),
    ],
)
def test_the_name_in_a_path(template: str, below: str, name: str) -> None:
    assert named_in(template, below) == name


def test_ids_stay_known_through_snapshots_and_removals() -> None:
    book = RuleBook()
    for _ in range(3000):
        book.add("a/*", answer=500)
    before = book.snapshot()
    assert book.add("b", answer=500).id == "rule-3001"
    with pytest.raises(FaultError, match="already exists"):
        book.add({"id": "rule-7", "path": "a", "answer": 500})
    book.remove("rule-7")
    assert book.add({"id": "rule-7", "path": "a", "answer": 500}).id == "rule-7"
    book.restore(before)
    with pytest.raises(FaultError, match="already exists"):
        book.add({"id": "rule-7", "path": "a", "answer": 500})
    book.clear()
    assert book.add({"id": "rule-7", "path": "a", "answer": 500}).id == "rule-7"
