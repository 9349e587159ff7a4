"""Rules that can never fire are refused, with what is probably meant; unusual ones that can fire are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockkms import MockKMS
from mockkms.cli import main
from mockkms.faults import FaultError, RuleBook

REFUSED: list[tuple[dict[str, object], str]] = [
    ({"path": "v1/secret/a"}, "path: paths are below /v1/: expected 'secret/a', or '/v1/secret/a'"),
    ({"path": {"exact": "v1/secret/a"}}, "path: paths are below /v1/: expected 'secret/a'"),
    ({"path": {"glob": "v1/secret/*"}}, "path: paths are below /v1/: expected 'secret/*'"),
    ({"path": {"regex": "^v1/secret"}}, "path: paths are below /v1/: expected '^secret', or '^/v1/secret'"),
    ({"path": ["a", "https://localhost:8200/v1/secret/a"]}, "path[1]: expected a path below /v1/ instead of a URL"),
    ({"path": "secret/data/a?version=1"}, "path: a path has no query: expected 'secret/data/a'"),
    ({"path": "/v1/secret/data/a?version=1"}, "path: a path has no query"),
    ({"path": "/sys/health"}, "path: with a leading / a path is the raw request path"),
    ({"match": "/sys/health"}, "match.path: with a leading / a path is the raw request path"),
    ({"path": "transit/encrypt/{name}"}, "expected 'transit/encrypt/+', in which + is any one segment"),
    ({"path": []}, "path: an empty list fits no request"),
    ({"key": []}, "key: an empty list fits no request"),
    ({"method": []}, "method: an empty list fits no request"),
    ({"any": []}, "any: an empty list fits no request"),
    ({"not": {}}, "not: an empty match fits every request"),
    ({"method": "GET", "operation": "update"}, "operation: no GET request is one of update"),
    (
        {"match": {"operation": "write", "method": "get"}},
        "match.method: no GET request is one of create, patch, update",
    ),
    ({"method": "GET", "match": {"method": "PUT"}}, "match: no request has two values of method"),
    ({"path": "a/b", "match": {"path": "a/c"}}, "match: no request has both paths"),
    ({"path": "a/*", "match": {"path": ["b/c", "b/d"]}}, "match: no request has both paths"),
    ({"all": [{"path": "a"}, {"path": "b"}]}, "all[1]: no request has both paths"),
]
ALLOWED: list[dict[str, object]] = [
    {"path": "/v1/v1/a"},
    {"path": {"exact": "secret/data/a?b"}},
    {"path": {"exact": "secret/data/{name}"}},
    {"path": {"exact": "/sys/health"}},
    {"path": {"regex": "^/v1/sys/[a-z]{6}"}},
    {"path": ["/health", "/metrics", "/.well-known/openid-configuration"]},
    {"path": ["/ui/", "/.well-known/est", "/rustfs/admin/v3/kms/status", "/+/sys/*", "/*", "/"]},
    {"path": "odd mount/é:1/*"},
    {"all": []},
    {"not": {"path": "sys/*"}},
    {"method": "GET", "operation": "list"},
    {"method": ["GET", "POST"], "operation": "update"},
    {"method": "OPTIONS", "operation": "internal"},
    {"path": "a/*", "match": {"path": "a/c/"}},
    {"path": "a/*", "match": {"path": "b/*"}},
    {"path": "/v1/a/b", "match": {"path": "a/b"}},
    {"any": [{"path": "a"}, {"path": "b"}]},
]


@pytest.mark.parametrize(("match", "complaint"), REFUSED)
def test_refused(match: dict[str, object], complaint: str) -> None:
    with pytest.raises(FaultError) as caught:
        RuleBook().add({**match, "close": True})
    assert complaint in str(caught.value)
    if len(match) == 1:
        with pytest.raises(FaultError):
            RuleBook().script([{"expect": match.get("match", match), "answer": 503}])


@pytest.mark.parametrize("match", ALLOWED)
def test_allowed(match: dict[str, object]) -> None:
    RuleBook().add({**match, "close": True})


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ({"probability": 1}, "unknown key 'probability'; did you mean 'chance'?"),
        ({"name": "a"}, "unknown key 'name'; did you mean 'id'?"),
        ({"match": {"name": "a"}}, "match: unknown match key 'name'; did you mean 'key'?"),
    ],
)
def test_other_names_of_keys(words: dict[str, object], hint: str) -> None:
    with pytest.raises(FaultError) as caught:
        RuleBook().add({**words, "close": True})
    assert str(caught.value) == hint


def test_a_refused_rule_uses_up_no_number() -> None:
    book = RuleBook()
    assert book.add(close=True).id == "rule-1"
    for wrong in ({"anser": 1}, {"close": True, "id": "rule-1"}, {"close": True, "after": "rule-2"}):
        with pytest.raises(FaultError):
            book.add(wrong)
    assert book.add(close=True).id == "rule-2"


def test_the_closest_id_is_named(kms: MockKMS, capsys: pytest.CaptureFixture[str]) -> None:
    kms.faults.add("x", id="foo", close=True)
    for action in ("remove", "enable", "disable"):
        assert main(["fault", action, "fo", "--url", kms.url]) == 1
        assert "rule 'fo' not found; did you mean 'foo'?" in capsys.readouterr().err
    assert main(["fault", "remove", "foo", "--url", kms.url]) == 0
    assert len(kms.faults) == 0


def test_check_names_them_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "world.yaml"
    file.write_text("faults:\n- {path: [v1/a, 'b?c'], close: true}\n- {any: [], answer: seeled}\n")
    assert main(["check", str(file)]) != 0
    shown = "".join(capsys.readouterr())
    for place in ("faults[0].path[0]", "faults[0].path[1]", "faults[1].any", "faults[1].answer"):
        assert place in shown


@pytest.mark.parametrize(
    ("rules", "complaints"),
    [
        ("- {id: first, close: true}\n- {after: frist, close: true}", ["faults[1].after: no rule has the id 'frist'"]),
        (
            "- {script: []}\n- {set_state: down}\n- {in_state: dwon, close: true}",
            ["faults[2].in_state: no rule sets the state 'dwon'; did you mean 'down'?"],
        ),
        ("- {id: first, after: second, close: true}\n- {id: second, close: true}", []),
        ("- {in_state: set by the test, close: true}", []),
        ("- {set_state: down}\n- {in_state: start, close: true}", []),
        ("- {script: [{set_state: up}]}\n- {set_state: down}\n- {in_state: up, close: true}", []),
    ],
)
def test_check_names_rules_that_wait_in_vain(
    rules: str, complaints: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "world.yaml"
    file.write_text(f"faults:\n{rules}\n")
    assert main(["check", str(file)]) == bool(complaints)
    shown = "".join(capsys.readouterr())
    for complaint in complaints:
        assert complaint in shown
    with MockKMS(seed=file) as kms:
        assert len(kms.faults) == rules.count("\n") + 1 - rules.count("script"), "it may be right, so it starts"
