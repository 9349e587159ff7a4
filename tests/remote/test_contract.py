"""The same test bodies over MockKMS, its tenants, RemoteKMS, and a server in a process of its own."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from mockkms import Kms, SeedError
from mockkms.faults import FaultError

MOMENT = 1767225600.25


def ask(kms: Kms, method: str, path: str, data: Any = None, token: str = "boss") -> requests.Response:
    return requests.request(method, f"{kms.url}/v1/{path}", json=data, headers={"X-Vault-Token": token}, timeout=10)


def failure(call: Any, *arguments: Any, **words: Any) -> str:
    with pytest.raises(AssertionError) as caught:
        call(*arguments, **words)
    return str(caught.value)


def test_what_it_is(kms: Kms) -> None:
    assert (kms.token, kms.state, kms.flavor, kms.rng, kms.ca_file) == ("boss", "unsealed", "vault", 5, "")
    assert len(kms.unseal_keys) == 1
    requests.get(f"{kms.rustfs_url}/rustfs/admin/v3/kms/status", timeout=10)
    kms.journal.assert_called("status", service="rustfs", times=1)


def test_rules(kms: Kms) -> None:
    rule = kms.faults.add("secret/data/*", answer="sealed", times=1, id="mine", note="why")
    assert [ask(kms, "GET", "secret/data/app").status_code for _ in range(2)] == [503, 200]
    assert (rule.id, rule.matched, rule.fired) == ("mine", 2, 1)
    assert rule.words == {"match": "secret/data/*", "answer": "sealed", "times": 1, "note": "why"}
    other = kms.faults.add(path=re.compile("^TRANSIT", re.IGNORECASE), answer=503)
    assert kms.faults.add({"path": "never/*", "answer": 500}).describe()["path"] == "never/*"
    assert ask(kms, "LIST", "transit/keys").status_code == 503
    assert [one.fired for one in kms.faults] == [1, 1, 0]
    assert [one.words["path"] for one in kms.faults.unfired] == ["never/*"]
    assert kms.faults.describe().splitlines()[0].startswith("mine: matched 2, fired 1")
    assert "never fired" in failure(kms.faults.assert_all_fired)
    assert len(kms.faults.problems()) == 1
    assert kms.faults.remove(other.id)
    assert not kms.faults.remove(other.id)
    with pytest.raises(KeyError):
        kms.faults.get(other.id)
    assert kms.faults.get("mine").fired == 1
    kms.faults.clear()
    assert len(kms.faults) == 0
    assert rule.fired == 1


def test_wrong_rules(kms: Kms) -> None:
    with pytest.raises(FaultError, match="did you mean 'answer'") as caught:
        kms.faults.add("secret/*", anser="sealed")
    assert caught.value.path == ""
    with pytest.raises(FaultError) as caught:
        kms.faults.extend([{"path": "a", "answer": 500}, {"path": "b", "delay": "soon"}])
    assert caught.value.path == "[1].delay"
    assert len(kms.faults) == 0


def test_a_script(kms: Kms) -> None:
    assert kms.faults.current_script is None
    kms.faults.script([{"expect": "secret/data/app", "answer": 503}, {"expect": "sys/health", "answer": "pass"}])
    assert ask(kms, "GET", "secret/data/app").status_code == 503
    script = kms.faults.current_script
    assert script is not None
    assert (script.at, script.complaints, len(script.left())) == (1, [], 1)
    assert "left over: step 2" in failure(kms.faults.assert_script_done)
    assert ask(kms, "GET", "sys/health").status_code == 200
    kms.faults.assert_script_done()
    kms.faults.assert_all_fired()


def test_the_journal(kms: Kms) -> None:
    ask(kms, "GET", "secret/data/app")
    ask(kms, "POST", "transit/encrypt/orders", {"plaintext": "aGk="})
    ask(kms, "GET", "secret/data/other")
    called = kms.journal.assert_called("transit/encrypt/*", operation="update", times=1)
    [entry] = called
    assert (entry.key, entry.mount, entry.status, entry.operation) == ("orders", "transit/", 200, "update")
    assert entry.fields == {"plaintext": "aGk="}
    assert entry.accessor
    assert str(entry) == kms.journal.table(path="transit/*")
    assert kms.journal.count("secret/*") == 2
    assert kms.journal.lines(status=range(400, 500)) == ["GET /v1/secret/data/other"]
    assert kms.journal.count(token="boss") == 3
    assert (kms.journal.total, len(kms.journal), kms.journal[-1].path) == (3, 3, "secret/data/other")
    assert kms.journal.table(last=1) == str(kms.journal[-1])
    kms.journal.assert_order("secret/data/app", {"path": "transit/*", "status": 200})
    kms.journal.assert_not_called("sys/*")
    kms.journal.assert_no_unhandled()
    kms.journal.clear()
    assert [*kms.journal] == []


def test_what_failed_assertions_say(kms: Kms) -> None:
    ask(kms, "GET", "secret/data/app")
    text = failure(kms.journal.assert_called, "secret/data/app", operation="update", times=2)
    head = "expected request secret/data/app operation='update' 2 times, got 0"
    assert text.startswith(head + "\nnearest:\n   1 200 ")
    assert "<- wrong: operation" in text
    assert kms.journal.near_misses("secret/data/app", operation="update")[0] in text
    assert failure(kms.journal.assert_not_called, "secret/*").startswith("expected no request secret/*, got 1:")
    assert failure(kms.journal.assert_order, "secret/*", "sys/*").startswith("step 2 of 2, request sys/*, did not come")
    ask(kms, "GET", "nowhere/at/all")
    assert "not emulated" in failure(kms.journal.assert_no_unhandled)
    with pytest.raises(FaultError, match="did you mean 'operation'"):
        kms.journal.entries(operatoin="read")


def test_the_clock(kms: Kms) -> None:
    assert not kms.clock.frozen
    for moment in (MOMENT, "2026-01-01T00:00:00.25Z", datetime(2026, 1, 1, 0, 0, 0, 250000, UTC)):
        assert kms.clock.freeze(moment) == MOMENT
    assert kms.clock.advance(timedelta(minutes=1)) == MOMENT + 60
    assert kms.clock.advance(-60) == kms.clock.now() == MOMENT
    kms.clock.set(0)
    assert (kms.clock.now(), kms.clock.frozen) == (0, True)
    kms.clock.resume()
    assert 0 <= kms.clock.now() < 60
    with pytest.raises(ValueError, match="soon"):
        kms.clock.freeze("soon")


def test_snapshots(kms: Kms) -> None:
    before = kms.snapshot()
    ask(kms, "POST", "secret/data/app", {"data": {"n": 2}})
    kms.snapshot("after")
    assert "app" in kms.diff(before)
    assert kms.diff(before, "after") == kms.diff(before)
    assert kms.diff("after") == ""
    kms.restore(before)
    assert ask(kms, "GET", "secret/data/app").json()["data"]["data"] == {"n": 1}
    kms.restore("after")
    assert ask(kms, "GET", "secret/data/app").json()["data"]["data"] == {"n": 2}
    with pytest.raises(ValueError, match="did you mean 'after'"):
        kms.restore("afer")


def test_worlds(kms: Kms, tmp_path: Path) -> None:
    more = tmp_path / "more.yaml"
    more.write_text("vault:\n  mounts:\n    secret/: {secrets: {more: {n: 7}}}\n")
    kms.load(more, {"clock": "2026-01-01T00:00:00Z"})
    assert ask(kms, "GET", "secret/data/more").json()["data"]["data"] == {"n": 7}
    assert ask(kms, "GET", "secret/data/app").status_code == 200
    ask(kms, "DELETE", "sys/mounts/secret")
    kms.reset()
    assert ask(kms, "GET", "secret/data/more").status_code == 200
    assert kms.clock.frozen
    assert "more:" in kms.dump()
    kms.load("payments")
    assert "payments" in kms.dump()
    kms.load()
    assert not kms.clock.frozen
    assert ask(kms, "GET", "secret/data/more").status_code == 404
    more.write_text("vault:\n  mounds: {}\n")
    with pytest.raises(SeedError) as caught:
        kms.load(more)
    assert str(caught.value).startswith(f"{more}:2:3: vault.mounds: ")
    assert kms.dump().count("app:") == 1


def test_the_baseline(kms: Kms) -> None:
    ask(kms, "POST", "secret/data/app", {"data": {"n": 2}})
    kms.seal()
    assert kms.state == "sealed"
    kms.set_baseline()
    kms.unseal()
    assert kms.state == "unsealed"
    kms.reset()
    assert kms.state == "sealed"
    kms.load()
    assert kms.state == "unsealed"


def test_explanations_findings_and_policies(kms: Kms) -> None:
    made = ask(kms, "POST", "auth/token/create", {"policies": ["default"]}).json()["auth"]["client_token"]
    told = kms.explain(made, "read", "secret/data/app")
    assert not told.allowed
    assert str(told).startswith("denied: read secret/data/app")
    with pytest.raises(ValueError, match="no such token"):
        kms.explain("nobody", "read", "secret/data/app")
    assert [finding.rule for finding in kms.lint()] == ["token-left"]
    needed = kms.privileges()
    assert needed.needed == {"auth/token/create": {"update"}}
    assert str(needed) == 'path "auth/token/create" {\n  capabilities = ["update"]\n}\n'
