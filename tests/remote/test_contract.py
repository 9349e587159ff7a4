"""The same test bodies over MockKMS, its tenants, RemoteKMS, and a server in a process of its own."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from mockkms import Kms, MockKMS, RemoteKMS, SeedError
from mockkms.faults import FaultError

MOMENT = 1767225600.25


def ask(kms: Kms, method: str, path: str, data: Any = None, token: str = "boss") -> requests.Response:
    return requests.request(method, f"{kms.url}/v1/{path}", json=data, headers={"X-Vault-Token": token}, timeout=60)


def failure(call: Any, *arguments: Any, **words: Any) -> str:
    with pytest.raises(AssertionError) as caught:
        call(*arguments, **words)
    return str(caught.value)


def test_what_it_is(held: Kms) -> None:
    assert (held.token, held.state, held.flavor, held.rng, held.ca_file) == ("boss", "unsealed", "vault", 5, "")
    assert len(held.unseal_keys) == 1
    requests.get(f"{held.rustfs_url}/rustfs/admin/v3/kms/status", timeout=60)
    held.journal.assert_called("status", service="rustfs", times=1)


def test_rules(held: Kms) -> None:
    rule = held.faults.add("secret/data/*", answer="sealed", times=1, id="mine", note="why")
    assert [ask(held, "GET", "secret/data/app").status_code for _ in range(2)] == [503, 200]
    assert (rule.id, rule.matched, rule.fired) == ("mine", 2, 1)
    assert rule.words == {"match": "secret/data/*", "answer": "sealed", "times": 1, "note": "why"}
    other = held.faults.add(path=re.compile("^TRANSIT", re.IGNORECASE), answer=503)
    assert held.faults.add({"path": "never/*", "answer": 500}).describe()["path"] == "never/*"
    assert ask(held, "LIST", "transit/keys").status_code == 503
    assert [one.fired for one in held.faults] == [1, 1, 0]
    assert [one.words["path"] for one in held.faults.unfired] == ["never/*"]
    assert held.faults.describe().splitlines()[0].startswith("mine: matched 2, fired 1")
    assert "never fired" in failure(held.faults.assert_all_fired)
    assert len(held.faults.problems()) == 1
    assert held.faults.remove(other.id)
    assert not held.faults.remove(other.id)
    with pytest.raises(KeyError, match=f"rule '{other.id}' not found; did you mean"):
        held.faults.get(other.id)
    assert held.faults.get("mine").fired == 1
    held.faults.clear()
    assert len(held.faults) == 0
    assert rule.fired == 1


def test_wrong_rules(held: Kms) -> None:
    with pytest.raises(FaultError, match="did you mean 'answer'") as caught:
        held.faults.add("secret/*", anser="sealed")
    assert caught.value.path == ""
    with pytest.raises(FaultError) as caught:
        held.faults.extend([{"path": "a", "answer": 500}, {"path": "b", "delay": "soon"}])
    assert caught.value.path == "[1].delay"
    assert len(held.faults) == 0


def test_chaos(held: Kms) -> None:
    held.clock.freeze()
    assert held.chaos.status() == {"active": False}
    with held.chaos.start("normal=30s sealed=10s", seed=4) as chaos:
        assert (chaos.active, chaos.phase, chaos.status()["seed"]) == (True, "normal", 4)
        assert ask(held, "GET", "secret/data/app").status_code == 200
        held.clock.advance(30)
        assert ask(held, "GET", "secret/data/app").status_code == 503
        assert held.journal.count(phase="timeline/sealed", fault="chaos/timeline/sealed") == 1
        assert "chaos: timeline/sealed, seed 4: 1 of 2 requests failed" in held.faults.describe()
    assert (held.chaos.active, held.chaos.phase, held.chaos.stop()) == (False, "", False)
    held.chaos.start("seal-after-restart", phase="sealed", loop=False)
    assert held.state == "sealed"
    held.reset()
    assert (held.state, held.chaos.active) == ("unsealed", False)
    assert held.chaos.describe("clock-skew")["name"] == "clock-skew"
    for name in held.chaos.incidents():
        assert held.chaos.describe(name)["client"]
    with pytest.raises(FaultError, match="did you mean 'clock-skew'"):
        held.chaos.describe("clock-screw")
    with pytest.raises(FaultError, match="did you mean 'lasts'") as caught:
        held.chaos.start({"phases": [{"name": "a", "lats": 3}]})
    assert caught.value.path == "phases[0]"


def test_a_script(held: Kms) -> None:
    assert held.faults.current_script is None
    held.faults.script([{"expect": "secret/data/app", "answer": 503}, {"expect": "sys/health", "answer": "pass"}])
    assert ask(held, "GET", "secret/data/app").status_code == 503
    script = held.faults.current_script
    assert script is not None
    assert (script.at, script.complaints, len(script.left())) == (1, [], 1)
    assert "left over: step 2" in failure(held.faults.assert_script_done)
    assert ask(held, "GET", "sys/health").status_code == 200
    held.faults.assert_script_done()
    held.faults.assert_all_fired()


def test_the_journal(held: Kms) -> None:
    ask(held, "GET", "secret/data/app")
    ask(held, "POST", "transit/encrypt/orders", {"plaintext": "aGk="})
    ask(held, "GET", "secret/data/other")
    called = held.journal.assert_called("transit/encrypt/*", operation="update", times=1)
    [entry] = called
    assert (entry.key, entry.mount, entry.status, entry.operation) == ("orders", "transit/", 200, "update")
    assert entry.fields == {"plaintext": "aGk="}
    assert entry.accessor
    assert str(entry) == held.journal.table(path="transit/*")
    assert held.journal.count("secret/*") == 2
    assert held.journal.lines(status=range(400, 500)) == ["GET /v1/secret/data/other"]
    assert held.journal.count(token="boss") == 3
    assert (held.journal.total, len(held.journal), held.journal[-1].path) == (3, 3, "secret/data/other")
    assert held.journal.table(last=1) == str(held.journal[-1])
    held.journal.assert_order("secret/data/app", {"path": "transit/*", "status": 200})
    held.journal.assert_not_called("sys/*")
    held.journal.assert_no_unhandled()
    held.journal.clear()
    assert [*held.journal] == []


def test_what_failed_assertions_say(held: Kms) -> None:
    ask(held, "GET", "secret/data/app")
    text = failure(held.journal.assert_called, "secret/data/app", operation="update", times=2)
    head = "expected request secret/data/app operation='update' 2 times, got 0"
    assert text.startswith(head + "\nnearest:\n   1 200 ")
    assert "<- wrong: operation" in text
    assert held.journal.near_misses("secret/data/app", operation="update")[0] in text
    assert failure(held.journal.assert_not_called, "secret/*").startswith("expected no request secret/*, got 1:")
    assert failure(held.journal.assert_order, "secret/*", "sys/*").startswith(
        "step 2 of 2, request sys/*, did not come"
    )
    ask(held, "GET", "nowhere/at/all")
    assert "not emulated" in failure(held.journal.assert_no_unhandled)
    with pytest.raises(FaultError, match="did you mean 'operation'"):
        held.journal.entries(operatoin="read")


def test_the_clock(held: Kms) -> None:
    assert not held.clock.frozen
    for moment in (MOMENT, "2026-01-01T00:00:00.25Z", datetime(2026, 1, 1, 0, 0, 0, 250000, UTC)):
        assert held.clock.freeze(moment) == MOMENT
    assert held.clock.advance(timedelta(minutes=1)) == MOMENT + 60
    assert held.clock.advance(-60) == held.clock.now() == MOMENT
    held.clock.set(0)
    assert (held.clock.now(), held.clock.frozen) == (0, True)
    held.clock.resume()
    assert 0 <= held.clock.now() < 60
    with pytest.raises(ValueError, match="soon"):
        held.clock.freeze("soon")


def test_snapshots(held: Kms) -> None:
    before = held.snapshot()
    ask(held, "POST", "secret/data/app", {"data": {"n": 2}})
    held.snapshot("after")
    assert "app" in held.diff(before)
    assert held.diff(before, "after") == held.diff(before)
    assert held.diff("after") == ""
    held.restore(before)
    assert ask(held, "GET", "secret/data/app").json()["data"]["data"] == {"n": 1}
    held.restore("after")
    assert ask(held, "GET", "secret/data/app").json()["data"]["data"] == {"n": 2}
    with pytest.raises(ValueError, match="did you mean 'after'"):
        held.restore("afer")


def test_snapshots_are_listed_and_dropped(held: Kms) -> None:
    held.drop(held.snapshot())
    held.snapshot("mine")
    assert "mine" in held.snapshots()
    held.drop("mine")
    assert "mine" not in held.snapshots()
    with pytest.raises(ValueError, match="unknown snapshot 'mine'"):
        held.drop("mine")


def test_tenants_are_listed_and_forgotten(here: MockKMS) -> None:
    with RemoteKMS(here.url) as remote:
        for kms in (here, remote):
            kms.tenant("short-lived")
            assert "short-lived" in kms.tenants()
            kms.forget_tenant("short-lived")
            assert "short-lived" not in kms.tenants()
            with pytest.raises(ValueError, match=r"^unknown tenant 'short-lived'; "):
                kms.forget_tenant("short-lived")


def test_a_tenant_of_the_present_state(here: MockKMS) -> None:
    here.load()
    with RemoteKMS(here.url) as remote:
        for kms in (here, remote):
            old = kms.tenant("copy")
            ask(here, "PUT", "sys/policies/acl/late", {"policy": 'path "a" { capabilities = ["read"] }'})
            assert ask(old, "GET", "sys/policies/acl/late").status_code == 404
            new = kms.tenant("copy", now=True)
            assert ask(new, "GET", "sys/policies/acl/late").status_code == 200
            here.reset()


def test_actions(held: Kms) -> None:
    made = ask(held, "POST", "auth/token/create", {"policies": ["default"]}).json()["auth"]["client_token"]
    held.act(seal=True, set_state="down")
    assert (held.state, held.faults.state) == ("sealed", "down")
    held.act(unseal=True, restart="keep")
    assert ask(held, "GET", "auth/token/lookup-self", token=made).status_code == 200
    held.act(expire="auth/token")
    assert ask(held, "GET", "auth/token/lookup-self", token=made).status_code == 403
    for wrong, message in (({"revoke": made}, "revoke: no token"), ({"seel": True}, "unknown action 'seel'")):
        with pytest.raises(FaultError, match=message):
            held.act(**wrong)


def test_worlds(held: Kms, tmp_path: Path) -> None:
    more = tmp_path / "more.yaml"
    more.write_text("vault:\n  mounts:\n    secret/: {secrets: {more: {n: 7}}}\n")
    held.load(more, {"clock": "2026-01-01T00:00:00Z"})
    assert ask(held, "GET", "secret/data/more").json()["data"]["data"] == {"n": 7}
    assert ask(held, "GET", "secret/data/app").status_code == 200
    ask(held, "DELETE", "sys/mounts/secret")
    held.reset()
    assert ask(held, "GET", "secret/data/more").status_code == 200
    assert held.clock.frozen
    assert "more:" in held.dump()
    held.load("payments")
    assert "payments" in held.dump()
    held.load()
    assert not held.clock.frozen
    assert ask(held, "GET", "secret/data/more").status_code == 404
    more.write_text("vault:\n  mounds: {}\n")
    with pytest.raises(SeedError) as caught:
        held.load(more)
    assert str(caught.value).startswith(f"{more}:2:3: vault.mounds: ")
    good = tmp_path / "good.yaml"
    good.write_text("mockkms: 1\n")
    for worlds in ((good, more), (more, good), ({"mockkms": 1}, more)):
        with pytest.raises(SeedError) as caught:
            held.load(*worlds)
        assert [problem.file for problem in caught.value.problems] == [str(more)]
    assert held.dump().count("app:") == 1


def test_the_baseline(held: Kms) -> None:
    ask(held, "POST", "secret/data/app", {"data": {"n": 2}})
    held.seal()
    assert held.state == "sealed"
    held.set_baseline()
    held.unseal()
    assert held.state == "unsealed"
    held.reset()
    assert held.state == "sealed"
    held.load()
    assert held.state == "unsealed"


def test_explanations_findings_and_policies(held: Kms) -> None:
    made = ask(held, "POST", "auth/token/create", {"policies": ["default"]}).json()["auth"]["client_token"]
    told = held.explain(made, "read", "secret/data/app")
    assert not told.allowed
    assert str(told).startswith("denied: read secret/data/app")
    with pytest.raises(ValueError, match="token not found"):
        held.explain("nobody", "read", "secret/data/app")
    assert [finding.rule for finding in held.lint()] == ["token-left"]
    needed = held.privileges()
    assert needed.needed == {"auth/token/create": {"update"}}
    assert str(needed) == 'path "auth/token/create" {\n  capabilities = ["update"]\n}\n'


def test_a_list_of_paths_is_a_match_everywhere(held: Kms) -> None:
    journal, paths = held.journal, ["secret/data/*", "sys/health"]
    ask(held, "GET", "secret/data/app")
    ask(held, "LIST", "transit/keys")
    ask(held, "GET", "sys/health")
    assert len(journal.assert_called(paths, times=2)) == 2
    assert journal.count(paths) == journal.count({"path": paths}) == journal.count(path=paths) == 2
    assert "secret/data/app" in journal.table(paths)
    journal.assert_order(paths, "transit/keys", paths)
    journal.assert_not_called(["never/*", "pki/*"])
    assert journal.near_misses(["secret/data/apps"])
    with pytest.raises(FaultError, match="a list of paths is one step; give each step as an argument"):
        journal.assert_order(paths)
    with pytest.raises(FaultError, match=r"path\[1\]: paths are below /v1/"):
        journal.assert_called(["a", "v1/sys/health"])
    held.faults.add(["transit/keys", "nowhere"], answer=503)
    assert ask(held, "LIST", "transit/keys").status_code == 503


def test_a_query_without_words_is_any_request(held: Kms) -> None:
    for nothing in (None, {}):
        assert failure(held.journal.assert_called, nothing).startswith("expected request at least once, got 0")


def test_a_number_is_its_text_in_a_request(held: Kms) -> None:
    ask(held, "GET", "secret/data/app?version=2")
    ask(held, "GET", "secret/data/12")
    assert held.journal.count(query={"version": 2}) == 1
    assert held.journal.count(path="secret/*", key=12) == 1
    assert held.journal.count(query={"version": 3}) == 0


def test_wrong_arguments_of_assertions(held: Kms) -> None:
    wrong: Any = "x"
    for call, message in (
        (lambda: held.journal.assert_called("a", times=wrong), "times: expected a whole number, got 'x' (str)"),
        (lambda: held.journal.assert_called("a", times=-1), "times: expected at least 0, got -1 (int)"),
        (lambda: held.journal.table(last=wrong), "last: expected a whole number, got 'x' (str)"),
        (lambda: held.journal.assert_no_unhandled(allowed="sys/*"), "allowed: expected a list of globs of paths, got "),
        (lambda: held.journal.assert_order("a", {"status": wrong}), "[1].status: expected HTTP status"),
        (lambda: held.journal.assert_not_called(""), "expected a path, a list of paths or a mapping, got '' (str)"),
        (held.journal.assert_order, "nothing is asserted"),
    ):
        with pytest.raises(FaultError) as caught:
            call()
        assert str(caught.value).startswith(message)


def test_the_clock_goes_as_far_as_it_can(held: Kms) -> None:
    for far in (1e300, 10**400, timedelta(days=999_999_999)):
        assert held.clock.advance(far) == pytest.approx(253402300799, abs=60)
    assert held.clock.advance(-1e300) < 60
