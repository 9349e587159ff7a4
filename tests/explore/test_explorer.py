"""Which cases an exploration has, and what it finds: flawed clients, and their fixed twins."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from mockkms import MockKMS
from mockkms.explore.explorer import Estimate
from mockkms.explore.options import read_accepted
from mockkms.explore.results import Cell, ExploredTest, Outcome, Wrong
from tests.explore.conftest import Client, Explore

ROTATE = "write transit/keys/{name}/rotate#1"


def outcome(test: ExploredTest, request: str, failure: str) -> tuple[Outcome, str]:
    """Outcome and kind of one case."""
    cell = test.cell(request, failure)
    assert cell is not None, [cell.id for cell in test.cells]
    return cell.outcome, cell.kind


def test_client_without_retry(explore: Explore) -> None:
    """A single request: each failure raises, and the result names request, rule and command."""
    test = explore(lambda client: client("POST", "transit/encrypt/orders", plaintext="aGk="), "smoke")
    assert [request.id for request in test.requests] == ["write transit/encrypt/{name}#1"]
    assert [cell.outcome for cell in test.cells] == [Outcome.RAISED] * 5
    sealed = test.cells[0]
    assert sealed.rules == ({"path": "transit/encrypt/+", "operation": "write", "times": 1, "answer": "sealed"},)
    assert sealed.command == "again sealed@write transit/encrypt/{name}#1"
    assert "503 POST /v1/transit/encrypt/orders <- fault" in sealed.log[0]
    assert (test.planned, test.left_out, test.skipped) == (5, 0, "")


def test_retried_rotation_is_a_double_write(explore: Explore) -> None:
    """The answer is lost, the request is repeated, and the key has one version too many."""
    test = explore(lambda client: client.tried(3, "POST", "transit/keys/orders/rotate"), "smoke", "cut", "standby")
    assert outcome(test, ROTATE, "reset-after") == (Outcome.WRONG, Wrong.DOUBLE_WRITE)
    assert outcome(test, ROTATE, "reset-before") == (Outcome.TOLERATED, "")
    assert outcome(test, ROTATE, "sealed") == (Outcome.TOLERATED, "")
    assert "versions" in test.cell(ROTATE, "reset-after").detail  # type: ignore[union-attr]


def test_careful_rotation_is_tolerated(explore: Explore) -> None:
    """A client that looks at the version before it repeats a rotation writes once."""

    def rotate(client: Client) -> None:
        def version() -> int:
            latest: int = client.tried(2, "GET", "transit/keys/orders").json()["data"]["latest_version"]
            return latest

        before = version()
        while version() == before:
            try:
                client("POST", "transit/keys/orders/rotate")
            except requests.HTTPError as error:
                if error.response.status_code == 403:
                    raise
            except requests.ConnectionError:
                pass

    test = explore(rotate, "reset-after", "reset-before", "sealed")
    assert {cell.outcome for cell in test.cells} == {Outcome.TOLERATED}


def test_repeated_idempotent_write_is_tolerated(explore: Explore) -> None:
    """A policy that is written twice is the same policy."""
    policy = 'path "a" { capabilities = ["read"] }'
    test = explore(lambda client: client.tried(2, "PUT", "sys/policies/acl/a", policy=policy), "reset-after")
    assert [cell.outcome for cell in test.cells] == [Outcome.TOLERATED]


def test_swallowed_write_is_lost(explore: Explore) -> None:
    """A client that ignores errors of a write loses it; one whose answer is lost had its effect."""

    def save(client: Client) -> None:
        try:
            client("POST", "secret/data/a", data={"x": "1"})
        except requests.RequestException:
            return

    test = explore(save, "smoke")
    request = "write secret/data/{path}#1"
    assert outcome(test, request, "sealed") == (Outcome.WRONG, Wrong.LOST_WRITE)
    assert outcome(test, request, "reset-before") == (Outcome.WRONG, Wrong.LOST_WRITE)
    assert outcome(test, request, "reset-after") == (Outcome.TOLERATED, "")


def test_ignored_retry_after(explore: Explore) -> None:
    """A repetition before the time in Retry-After is wrong, one after it is tolerated."""
    hasty = explore(lambda client: client.tried(2, "GET", "transit/keys/orders"), "rate-limited")
    assert [cell.kind for cell in hasty.cells] == [Wrong.RETRY_AFTER_IGNORED]

    def patient(client: Client) -> None:
        import time

        try:
            client("GET", "transit/keys/orders")
        except requests.HTTPError as error:
            time.sleep(float(error.response.headers["Retry-After"]))
            client("GET", "transit/keys/orders")

    assert [cell.outcome for cell in explore(patient, "rate-limited").cells] == [Outcome.TOLERATED]


def login(client: Client) -> None:
    """Get a token of a user."""
    client.token = ""
    client.token = client("POST", "auth/userpass/login/ann", password="pw").json()["auth"]["client_token"]


def test_expired_token_in_use(explore: Explore) -> None:
    """A client that keeps a token which has ended goes on with refusals; one that logs in again does not."""

    def stubborn(client: Client) -> None:
        login(client)
        for name in ("a", "b", "c"):
            try:
                client("GET", f"secret/metadata/{name}")
            except requests.HTTPError:
                continue

    test = explore(stubborn, "token-expired")
    assert {cell.kind for cell in test.cells} == {Wrong.USED_AFTER_END}

    def renewing(client: Client) -> None:
        login(client)
        for _ in range(2):
            try:
                client("GET", "transit/keys/orders")
            except requests.HTTPError:
                login(client)
                client("GET", "transit/keys/orders")

    test = explore(renewing, "token-expired")
    assert [cell.outcome for cell in test.cells] == [Outcome.TOLERATED], test.cells


def test_ended_lease_in_use(server: MockKMS, explore: Explore) -> None:
    """A client that renews a lease which has ended goes on with refusals; one that asks for a new secret does not."""
    server.load(
        {"vault": {"mounts": {"rabbitmq/": {"type": "rabbitmq"}}}},
    )
    setup = Client(server)
    with setup.session:
        setup(
            "POST",
            "rabbitmq/config/connection",
            connection_uri="http://r.invalid",
            username="a",
            password="b",
            verify_connection=False,
        )
        setup("POST", "rabbitmq/roles/app", vhosts='{"/": {"read": ".*"}}')
    server.set_baseline()

    def secret(client: Client) -> str:
        lease: str = client("GET", "rabbitmq/creds/app").json()["lease_id"]
        return lease

    def stubborn(client: Client) -> None:
        lease = secret(client)
        for _ in range(3):
            try:
                client("POST", "sys/leases/renew", lease_id=lease)
            except requests.HTTPError:
                continue

    def careful(client: Client) -> None:
        lease = secret(client)
        try:
            client("POST", "sys/leases/renew", lease_id=lease)
        except requests.HTTPError:
            secret(client)

    assert {cell.kind for cell in explore(stubborn, "lease-revoked").cells} == {Wrong.USED_AFTER_END}
    assert [cell.outcome for cell in explore(careful, "lease-revoked").cells] == [Outcome.TOLERATED]


def test_stale_read_changes_what_is_written(explore: Explore) -> None:
    """A counter that is read from a replica which lags behind is written with another value."""

    def count(client: Client) -> None:
        client("POST", "secret/data/n", data={"n": "1"})
        response = client.session.get(f"{client.kms.url}/v1/secret/data/n", headers={"X-Vault-Token": client.token})
        n = int(response.json()["data"]["data"]["n"]) if response.status_code == 200 else 0
        client("POST", "secret/data/n", data={"n": str(n + 1)})

    test = explore(count, "stale")
    assert [(cell.outcome, cell.kind) for cell in test.cells] == [(Outcome.WRONG, Wrong.OTHER_STATE)]


def test_equivalent_requests_are_explored_once(explore: Explore) -> None:
    """Requests to one endpoint with the same fields and policies are one row; others are rows of their own."""

    def body(client: Client) -> None:
        for name in ("a", "b", "c"):
            client("POST", f"secret/data/{name}", data={"x": "1"})
        client("POST", "secret/data/a", data={"x": "1"}, options={"cas": 1})
        login(client)
        client("POST", "secret/data/a", data={"x": "1"})

    test = explore(body, "sealed")
    assert [(request.id, request.equivalent) for request in test.requests] == [
        ("write secret/data/{path}#1", 3),
        ("write secret/data/{path}#4", 1),
        ("write auth/userpass/login/{username}#1", 1),
        ("write secret/data/{path}#5", 1),
    ]
    assert {cell.outcome for cell in test.cells} == {Outcome.RAISED}
    assert test.cells[1].rules[0]["skip"] == 3


def test_pairs_of_failures(explore: Explore) -> None:
    """With depth 2 a second failure strikes what the client does after the first, but not a retry of the first."""

    def body(client: Client) -> None:
        login(client)
        try:
            client.tried(2, "GET", "transit/keys/orders")
        except requests.HTTPError:
            login(client)
            client("GET", "transit/keys/orders")

    test = explore(body, "permission-denied", "sealed", depth=2)
    pairs = {cell.id: cell.outcome for cell in test.pairs}
    denied = "permission-denied@read transit/keys/{name}#1"
    assert all(
        second.split("@")[1] != "read transit/keys/{name}#2" for one in pairs for second in [one.split(" + ")[1]]
    )
    assert not pairs or all(outcome is not Outcome.MISSED for outcome in pairs.values())
    assert test.cell("read transit/keys/{name}#1", "permission-denied") is not None, denied


def test_second_failure_of_a_later_request(explore: Explore) -> None:
    """Two tolerated failures may not be tolerated together."""

    def body(client: Client) -> None:
        failures = 0
        for path in ("transit/keys/orders", "sys/mounts"):
            try:
                client("GET", path)
            except requests.RequestException:
                failures += 1
                client("GET", path)
        if failures == 2:
            raise AssertionError("too many failures")

    test = explore(body, "sealed", depth=2)
    assert [cell.outcome for cell in test.cells if len(cell.faults) == 1] == [Outcome.TOLERATED] * 2
    (pair,) = test.pairs
    assert pair.id == "sealed@read transit/keys/{name}#1 + sealed@read sys/mounts#1"
    assert (pair.outcome, pair.detail) == (Outcome.FAILED, "too many failures")
    assert [rule["path"] for rule in pair.rules] == ["sys/mounts", "transit/keys/+"]
    again = explore(body, "sealed", depth=2, cases=(pair.id,))
    assert [cell.id for cell in again.cells] == [pair.faults[0].__str__(), pair.id]


def test_rules_reproduce_a_case(server: MockKMS, explore: Explore) -> None:
    """The rules of a case, in a world, do the same to the client."""

    def body(client: Client) -> None:
        client("GET", "transit/keys/orders")
        client("POST", "transit/encrypt/orders", plaintext="aGk=")
        client("POST", "transit/encrypt/orders", plaintext="aGk=", context="")

    test = explore(body, "internal-error")
    for cell in test.cells:
        server.load({"faults": [dict(rule) for rule in cell.rules]})
        client = Client(server)
        with pytest.raises(requests.HTTPError), client.session:
            body(client)
        assert [entry.status for entry in server.journal][-1] == 500
        assert len(server.journal) == 1 + test.cells.index(cell)


def test_tests_own_rules_are_left_alone(server: MockKMS, explore: Explore) -> None:
    """Requests that rules of the test change are no rows, and what a test does to its rules changes nothing."""

    def body(client: Client) -> None:
        client.kms.faults.add("sys/mounts", answer=404)
        with pytest.raises(requests.HTTPError):
            client("GET", "sys/mounts")
        client.kms.faults.clear()
        client("GET", "transit/keys/orders")
        client.kms.faults.assert_all_fired()

    test = explore(body, "sealed")
    assert [request.id for request in test.requests] == ["read transit/keys/{name}#1"]
    assert [cell.outcome for cell in test.cells] == [Outcome.RAISED]
    assert not server.faults.injected


def test_accepted_outcomes(explore: Explore) -> None:
    """What is accepted is no problem."""
    accept = read_accepted({"sealed": "raises", "reset-*@transit/*": ["fails", "raises"], "rate-limited": "fails"})
    test = explore(lambda client: client("GET", "transit/keys/orders"), "smoke", accept=accept)
    assert {cell.faults[0].failure: cell.accepted for cell in test.cells} == {
        "sealed": True, "rate-limited": False, "reset-before": True, "reset-after": True, "permission-denied": False,
    }  # fmt: skip


def test_outcomes_are_resumed(explore: Explore, tmp_path: Path) -> None:
    """What is in the file is not run again; incomplete lines are ignored."""
    kept = tmp_path / "kept.jsonl"
    count = 0

    def body(client: Client) -> None:
        nonlocal count
        count += 1
        client("GET", "transit/keys/orders")

    first = explore(body, "smoke", most_runs=2, resume=kept)
    assert (len(first.cells), first.left_out, count) == (2, 3, 4)
    with kept.open("a") as file:
        file.write('{"format": "mockkms-expl')
    second = explore(body, "smoke", resume=kept)
    assert (len(second.cells), second.left_out, count) == (5, 0, 9)
    assert [cell.outcome for cell in second.cells[:2]] == [cell.outcome for cell in first.cells]


def test_equal_matrices(explore: Explore) -> None:
    """The same test gives the same cases and outcomes."""

    def body(client: Client) -> None:
        login(client)
        client.tried(2, "POST", "transit/keys/orders/rotate")
        client("POST", "transit/encrypt/orders", plaintext="aGk=")

    def matrix() -> list[tuple[str, Outcome, str]]:
        failures = ("smoke", "cut", "token-expired", "bad-gateway")
        return [(cell.id, cell.outcome, cell.kind) for cell in explore(body, *failures, depth=2).cells]

    first = matrix()
    assert len(first) > 20
    assert matrix() == first


class Watching:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.estimates: list[Estimate] = []
        self.cells: list[tuple[Cell, int, int]] = []

    def planned(self, test: str, estimate: Estimate) -> None:
        self.estimates.append(estimate)

    def done(self, test: str, cell: Cell, number: int, runs: int) -> None:
        self.cells.append((cell, number, runs))


def test_the_bound_is_announced_before_the_runs(explore: Explore) -> None:
    """The number of runs is known before the first of them; a dry run makes none."""
    watching = Watching()
    explore(lambda client: client("GET", "sys/mounts"), "smoke", watcher=watching)
    assert [estimate.runs for estimate in watching.estimates] == [5]
    assert [(number, runs) for _, number, runs in watching.cells] == [(n, 5) for n in range(1, 6)]
    assert str(watching.estimates[0]).startswith("5 runs, about 0.")
    dry = explore(lambda client: client("GET", "sys/mounts"), "smoke", watcher=watching, dry_run=True)
    assert (dry.planned, dry.cells, dry.left_out) == (5, (), 5)


def test_what_cannot_be_explored(explore: Explore) -> None:
    """A test without requests, and one that fails when it is run again."""
    assert explore(lambda client: None, "smoke").skipped == "it makes no request"
    runs = 0

    def once(client: Client) -> None:
        nonlocal runs
        runs += 1
        client("GET", "sys/mounts")
        if runs > 1:
            raise AssertionError("a second run")

    assert explore(once, "smoke").skipped == "it does not pass when it is run again: a second run"
