"""All errors of a rule, script or plan of chaos are named at once, wherever it is given."""

from __future__ import annotations

import pytest

from mockkms import MockKMS, RemoteKMS
from mockkms.faults import FaultError, RuleBook
from mockkms.faults.chaos.plans import read_plan
from mockkms.faults.parsing import MOST_ERRORS
from mockkms.worldfile import SeedError, check, load

RULES: dict[str, tuple[dict[str, object], list[str]]] = {
    "match and schedule": (
        {"match": {"pth": "x", "operation": "raed"}, "skip": -1, "chance": 2, "answer": "seeled"},
        ["match", "match.operation", "answer", "skip", "chance"],
    ),
    "match keys beside match": ({"method": "GTE", "match": {"method": "PSOT"}, "close": 1}, ["match.method", "method"]),
    "an answer": (
        {"answer": {"status": 99, "headers": {"A": "x\ny", "B b": "x"}, "body": "x", "jsn": {}}},
        ["answer", "answer.status", "answer.headers.A", "answer.headers"],
    ),
    "items": (
        {"choose": [{"weight": -1, "answer": "seeled"}, {"delay": "soon"}]},
        ["choose[0].answer", "choose[1].delay", "choose[0].weight"],
    ),
    "nested matches": (
        {"any": [{"method": "GTE"}, {"not": {"key": {"regex": "("}}}], "close": True},
        ["any[0].method", "any[1].not.key.regex"],
    ),
    "lists": ({"path": ["x", {"globb": "y"}, {"regex": "("}], "close": True}, ["path[1]", "path[2].regex"]),
    "a window": ({"close": True, "between": {"from": "soon", "untl": "x"}}, ["between", "between.from"]),
    "after": ({"close": True, "after": {"rule": 1, "times": 0}}, ["after.rule", "after.times"]),
    "own keys": (
        {"close": True, "id": "", "note": 1, "enabled": "no", "applied": 1, "seed": 1.5},
        ["id", "note", "seed", "enabled", "applied"],
    ),
    "words of a kind": ({"drip": {"bytes": 0, "every": "soon"}}, ["drip.bytes", "drip.every"]),
    "a handshake": ({"tls": "expired", "path": "x", "times": -1}, ["times", "path"]),
}


def paths(error: FaultError) -> list[str]:
    return [one.path for one in error.each()]


@pytest.mark.parametrize(("rule", "wanted"), RULES.values(), ids=RULES)
def test_of_a_rule(rule: dict[str, object], wanted: list[str]) -> None:
    book = RuleBook()
    with pytest.raises(FaultError) as caught:
        book.add(rule)
    assert sorted(paths(caught.value)) == sorted(wanted)
    assert len(str(caught.value).splitlines()) == len(wanted)
    with pytest.raises(SeedError) as refused:
        load({"faults": [{"answer": 503}, rule]})
    assert len(refused.value.problems) == len(wanted)
    assert all(problem.path.startswith("faults[1]") for problem in refused.value.problems)


@pytest.mark.parametrize(
    "wrong",
    [
        [{"pth": "x", "answr": 1}] * 1000,
        [{"answer": 503}, {f"unknown{number}": 1 for number in range(1000)}],
        [{"path": [{"globb": "x"}] * 1000, "close": True}],
    ],
    ids=["rules", "keys", "patterns"],
)
def test_as_many_as_can_be_read(wrong: list[dict[str, object]]) -> None:
    book = RuleBook()
    with pytest.raises(FaultError) as caught:
        book.extend(wrong)
    assert len(paths(caught.value)) == MOST_ERRORS
    assert all(path.startswith("[") for path in paths(caught.value))
    assert not book.list()


def test_of_several_rules() -> None:
    book = RuleBook()
    rules = [{"match": {"pth": "x"}, "skip": -1, "close": True}, {"close": True}, {"answer": "seeled"}]
    with pytest.raises(FaultError) as caught:
        book.extend(rules)
    assert paths(caught.value) == ["[0].match", "[0].skip", "[2].answer"]
    assert len(book) == 0, "all or none"


def test_of_a_script() -> None:
    steps = [{"expect": {"pth": "x"}, "times": 0, "answer": 503}, 503, {"expect": "x", "answer": "seeled"}]
    script = {"lop": True, "steps": steps, "aside": [{"match": {"method": "GTE"}}]}
    with pytest.raises(FaultError) as caught:
        RuleBook().script(script)
    below = ["", ".steps[0].expect", ".steps[0].times", ".steps[2].answer", ".aside[0].match.method"]
    assert paths(caught.value) == [f"script{path}" for path in below]


def test_of_a_plan_of_chaos() -> None:
    phases = [
        {"name": "a", "lats": 3, "rate": "200%", "mix": {"seeled": 1, "reset": -1}},
        {"name": "a", "rules": [{"path": "x", "skip": -1, "delay": "soon"}], "begin": {"seel": True, "advance": "x"}},
    ]
    with pytest.raises(FaultError) as caught:
        read_plan({"phases": phases, "client": 3, "name": "?", "seed": 1.5})
    first = ["", ".lasts", ".rate", ".mix", ".mix.reset"]
    second = [".rules[0].skip", ".rules[0].delay", ".begin", ".begin.advance"]
    places = [f"phases[0]{path}" for path in first] + [f"phases[1]{path}" for path in second]
    assert sorted(paths(caught.value)) == sorted([*places, "client", "name", "seed"])
    assert len(check_all({"chaos": {"phases": phases}})) == len(places)


def check_all(world: dict[str, object]) -> list[str]:
    try:
        return [str(problem) for problem in check([world])]
    except SeedError as error:
        return [str(problem) for problem in error.problems]


def test_that_only_a_world_shows() -> None:
    known = {"id": "a", "close": True}
    found = check_all({"faults": [known, known, {"id": "b", "after": "b", "close": True}, {"script": []}, known]})
    places = ["faults[1].id", "faults[2].after", "faults[4].id"]
    assert [problem.split(": ")[1] for problem in found] == places


def test_over_http(kms: MockKMS) -> None:
    with RemoteKMS(kms.url) as remote:
        with pytest.raises(FaultError) as caught:
            remote.faults.add("x", skip=-1, anser=503)
        assert paths(caught.value) == ["", "skip"]
        with pytest.raises(FaultError) as caught:
            remote.faults.extend([{"answer": 99}, {"delay": "soon"}])
        assert paths(caught.value) == ["[0].answer", "[1].delay"]
        assert len(remote.faults) == 0
