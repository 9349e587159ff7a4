"""Sets, own failures, accepted outcomes: what is read, and the messages for what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockkms import MockKMS
from mockkms.explore import ExploreError
from mockkms.explore.catalogue import FAILURES, select
from mockkms.explore.options import chosen_failures, fails_on, marker_acceptances, read_acceptances, read_accepted
from mockkms.explore.results import Outcome
from tests.explore.conftest import Client, Explore


def test_sets() -> None:
    """Each set contains the one before; the smallest has five failures."""
    smoke, default, every = (select([name]) for name in ("smoke", "default", "all"))
    assert len(smoke) == 5
    names = [{failure.name for failure in chosen} for chosen in (smoke, default, every)]
    assert names[0] < names[1] < names[2] == {failure.name for failure in FAILURES}
    assert [failure.name for failure in select(["cut, sealed"])] == ["sealed", "cut"]
    assert select([]) == default


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.name)
def test_every_failure_is_a_rule(failure: object) -> None:
    """The words of each failure are a valid rule that takes effect as it says."""
    from mockkms.explore.catalogue import Failure
    from mockkms.faults import Rule

    assert isinstance(failure, Failure)
    Rule({"path": "a", **failure.words}, rule_id="a", now=0, seed=0)


def test_own_failures(tmp_path: Path, explore: Explore) -> None:
    """Failures of a file are explored besides those of a set, where they match."""
    (tmp_path / "own.yaml").write_text(
        "read-only: {match: {operation: write}, answer: {status: 500, errors: [read only]}, help: no writes}\n"
        "late: {applied: true, answer: 503}\n"
    )
    chosen = chosen_failures(["smoke"], tmp_path / "own.yaml")
    assert [failure.name for failure in chosen[5:]] == ["read-only", "late"]
    assert [failure.help for failure in chosen[5:]] == ["no writes", "applied, answer"]
    assert [failure.applied for failure in chosen[5:]] == [False, True]

    def body(client: Client) -> None:
        client("GET", "transit/keys/orders")
        client("POST", "transit/keys/orders/rotate")

    test = explore(body, "read-only", "late", own=chosen[5:])
    assert [cell.id for cell in test.cells] == [
        "late@read transit/keys/{name}#1",
        "read-only@write transit/keys/{name}/rotate#1",
        "late@write transit/keys/{name}/rotate#1",
    ]
    assert {cell.outcome for cell in test.cells} == {Outcome.RAISED}


BOMB = "a:\n help:\n - &a0 [1, 1]\n" + "".join(f" - &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: {dely: 3}", "a: unknown key 'dely'; did you mean 'delay'?"),
        ("a: {delay: x}", "a: delay: expected"),
        ("a: {times: 3, answer: 500}", "a: unknown key 'times'; known: help"),
        ("sealed: {answer: 500}", "sealed: the catalogue has a failure of this name"),
        ("a: {match: {pth: x}, answer: 500}", "pth"),
        ("a: {tls: expired}", "tls applies before there is one"),
        ("- a", "expected a mapping of names to fault kinds"),
        ("a: 3", "a: expected a mapping of fault kinds"),
        ("a: [", "not YAML: "),
        ("", "expected a mapping of names to fault kinds"),
        ("a: {delay: 2026-99-99}", "a: delay: expected"),
        (f"a: {{delay: {'9' * 5000}}}", "a: delay: expected"),
        (BOMB, "values after aliases are expanded"),
    ],
)
def test_wrong_files(tmp_path: Path, text: str, message: str) -> None:
    """A message names the file, the failure and the key."""
    path = tmp_path / "own.yaml"
    path.write_text(text)
    with pytest.raises(ExploreError) as caught:
        chosen_failures([], path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)


def test_wrong_words() -> None:
    """The nearest known word is in the message."""
    with pytest.raises(ExploreError, match="no failure 'smok'; did you mean 'smoke'"):
        select(["smok"])
    with pytest.raises(ExploreError, match="no outcome 'wrng' to fail on; did you mean 'wrong'"):
        fails_on("hung,wrng")
    with pytest.raises(ExploreError, match="cannot be read: No such file"):
        chosen_failures([], Path("/nonexistent/own.yaml"))
    with pytest.raises(ExploreError, match="no failure 'seled'; did you mean 'sealed'"):
        read_acceptances(["seled: raises"], [])
    with pytest.raises(ExploreError, match="no outcome 'rises'; did you mean 'raises'"):
        read_accepted({"sealed": "rises"})
    with pytest.raises(ExploreError, match="expected a failure and an outcome"):
        read_acceptances(["sealed"], [])
    with pytest.raises(ExploreError, match="did you mean 'sealed'"):
        marker_acceptances({"seled": "raises"})
    assert fails_on("none") == ()
    assert fails_on("raised, hung") == ("raised", "hung")


def test_outcomes_in_the_users_words() -> None:
    """Verbs are outcomes too; a marker may name own failures."""
    accepted = read_acceptances(["timeout: hangs", "sealed=raises,failed", "*:any"], [])
    assert [(one.failure, one.word) for one in accepted] == [
        ("timeout", "hung"), ("sealed", "raised"), ("sealed", "failed"), ("*", "any"),
    ]  # fmt: skip
    (own,) = marker_acceptances({"storage-full@secret/*": "double-write"})
    assert (own.failure, own.path, own.word) == ("storage-full", "secret/*", "double-write")


def test_injected_rules_are_not_of_the_world(server: MockKMS) -> None:
    """They come before all others, and neither resets nor scripts nor lists change them."""
    client = Client(server)
    server.faults.add("sys/mounts", answer=404)
    server.faults.inject([{"id": "mine", "path": "sys/mounts", "skip": 1, "times": 1, "answer": 503}])
    statuses = []

    def ask() -> None:
        response = client.session.get(f"{server.url}/v1/sys/mounts", headers={"X-Vault-Token": "root"})
        statuses.append(response.status_code)

    with client.session:
        ask()
        server.reset()
        assert len(server.faults) == 0
        ask()
        ask()
        server.faults.script([{"status": 418}])
        ask()
        server.faults.inject([{"path": "sys/mounts", "times": 1, "answer": 502}])
        ask()
        ask()
    assert statuses == [404, 503, 200, 418, 502, 599]
    server.faults.inject(())
    server.faults.clear()
    assert not server.faults.active
