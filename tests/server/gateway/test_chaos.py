"""Chaos on the traffic of real clients: phases by the clock, seeds, incidents, resets, snapshots, tenants."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import hvac
import pytest
import requests

from mockkms import MockKMS, SeedError
from mockkms.faults import FaultError

pytestmark = pytest.mark.server(rng=5)
READ = "secret/data/app"


@pytest.fixture
def session(kms: MockKMS) -> Iterator[requests.Session]:
    with requests.Session() as made:
        yield made


def ask(kms: MockKMS, session: requests.Session, method: str = "GET", path: str = READ, token: str = "root") -> str:
    """The status of a request, or the class of its error."""
    try:
        answer = session.request(method, f"{kms.url}/v1/{path}", headers={"X-Vault-Token": token}, timeout=60)
    except requests.RequestException as error:
        return type(error).__name__
    return str(answer.status_code)


def write(kms: MockKMS, path: str = "secret/data/app") -> None:
    with hvac_of(kms) as client:
        client.write_data(path, data={"data": {"n": 1}})


class hvac_of:
    """An hvac client that is closed at the end."""

    def __init__(self, kms: MockKMS, token: str = "root") -> None:
        self.client = hvac.Client(url=kms.url, token=token)

    def __enter__(self) -> hvac.Client:
        return self.client

    def __exit__(self, *_error: object) -> None:
        self.client.adapter.close()


def test_the_phases_of_mixed_outages_as_hvac_sees_them(kms: MockKMS, client: hvac.Client) -> None:
    kms.clock.freeze()
    write(kms)
    kms.chaos.start("mixed-outages", seed=1)
    assert client.read(READ)["data"]["data"] == {"n": 1}
    kms.clock.advance(30)
    with pytest.raises((requests.ConnectionError, hvac.exceptions.VaultDown)):
        client.read(READ)
    with pytest.raises(hvac.exceptions.VaultDown, match="no active Vault instance found"):
        client.read(READ)
    assert client.sys.read_health_status(method="GET").status_code == 429
    kms.clock.advance(5)
    with pytest.raises(hvac.exceptions.VaultDown, match="Vault is sealed"):
        client.read(READ)
    assert client.sys.is_sealed()
    assert (kms.state, kms.chaos.phase) == ("sealed", "sealed")
    kms.clock.advance(10)
    limited = 0
    for _ in range(40):
        try:
            client.read(READ)
        except hvac.exceptions.RateLimitExceeded:
            limited += 1
    assert 20 <= limited < 40
    assert not client.sys.is_sealed()
    kms.clock.advance(20)
    assert client.read(READ)["data"]["data"] == {"n": 1}
    counts = {phase["name"]: phase for phase in status_phases(kms)}
    assert (counts["normal"]["failed"], counts["failover"]["failed"]) == (0, 3)
    assert counts["rate-limited"]["failed"] == limited


def status_phases(kms: MockKMS) -> list[dict[str, int]]:
    phases = kms.chaos.status()["phases"]
    assert isinstance(phases, list)
    return phases


def test_the_journal_has_the_phase(kms: MockKMS, session: requests.Session) -> None:
    kms.clock.freeze()
    kms.chaos.start("leader-election", phase="election")
    kms.faults.header = True
    ask(kms, session)
    answer = session.get(f"{kms.url}/v1/{READ}", timeout=60)
    assert answer.headers["X-Mockkms-Fault"] == "chaos/leader-election/election"
    kms.chaos.start("normal=5s sealed=5s")
    ask(kms, session)
    first, second, third = kms.journal
    assert (first.cut, first.rules) == ("reset", ["chaos/leader-election/election/restart"])
    assert (second.phase, second.status) == ("leader-election/election", 503)
    assert "[fault chaos/leader-election/election: answer]" in str(second)
    assert (third.phase, third.rules, "[chaos timeline/normal]" in str(third)) == ("timeline/normal", (), True)
    assert kms.journal.count(phase=True) == 3
    assert kms.journal.count(READ, phase="timeline/normal", status=404) == 1
    kms.chaos.stop()
    ask(kms, session)
    assert kms.journal.count(phase=False) == 1
    with pytest.raises(FaultError, match="phase"):
        kms.journal.entries(phase=3)


def test_the_same_seed_meets_the_same_failures() -> None:
    def run(seed: int) -> list[str]:
        with MockKMS() as kms, requests.Session() as session:
            mix = {"reset": 1, "sealed": 2, "lost-answer": 1, "cut-answer": 1}
            kms.chaos.start({"rate": "40%", "mix": mix}, seed=seed)
            return [ask(kms, session, "POST" if number % 3 else "GET", f"secret/data/{number}") for number in range(60)]

    first = run(7)
    assert 12 < sum(outcome not in ("200", "400", "404") for outcome in first) < 36
    assert run(7) == first
    assert run(8) != first


def test_a_match_limits_the_share(kms: MockKMS, session: requests.Session) -> None:
    kms.chaos.start({"rate": "100%", "mix": ["sealed"], "match": {"path": "secret/*", "operation": "read"}})
    outcomes = [ask(kms, session), ask(kms, session, path="sys/health"), ask(kms, session, "LIST", "secret/metadata")]
    assert outcomes == ["503", "200", "404"]


def test_rules_come_first(kms: MockKMS, session: requests.Session) -> None:
    kms.chaos.start("sealed")
    kms.faults.add("secret/*", answer=418)
    assert [ask(kms, session), ask(kms, session, path="sys/mounts")] == ["418", "503"]
    kms.faults.clear()
    assert (ask(kms, session), kms.chaos.active) == ("404", False)


# -- incidents -------------------------------------------------------------------------------------------------------


def test_a_sealed_server_is_unsealed_by_its_operators(kms: MockKMS, client: hvac.Client) -> None:
    kms.clock.freeze()
    kms.chaos.start("seal-after-restart", phase="sealed")
    assert kms.state == "sealed", "at once, without a request"
    with pytest.raises(requests.ConnectionError):
        client.read(READ)
    client.sys.submit_unseal_keys(kms.unseal_keys)
    assert client.read(READ) is None
    assert kms.chaos.phase == "sealed"
    kms.clock.advance(15)
    assert (kms.chaos.phase, kms.state) == ("recovering", "unsealed")


def test_stop_unseals(kms: MockKMS) -> None:
    with kms.chaos.start("seal-after-restart", phase="sealed") as chaos:
        assert kms.state == "sealed"
        assert "seal-after-restart, phase sealed" in repr(chaos)
    assert kms.state == "unsealed"
    assert repr(kms.chaos) == "<Chaos: none>"
    assert not kms.chaos.stop()


def test_the_certificate_expires_and_is_renewed() -> None:
    with MockKMS(tls=True) as kms, requests.Session() as session:
        session.verify, session.trust_env = kms.ca_file, False
        kms.clock.freeze()
        kms.chaos.start("certificate-expiry")
        assert [ask(kms, session) for _ in range(2)] == ["ConnectionError", "404"]
        kms.clock.advance(30)
        assert ask(kms, session) == "ConnectionError", "open connections are cut"
        with pytest.raises(requests.exceptions.SSLError, match="certificate has expired"):
            session.get(f"{kms.url}/v1/{READ}", timeout=60)
        with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
            MockKMSSocket(kms).connect()
        kms.clock.advance(30)
        assert [ask(kms, session) for _ in range(2)] == ["ConnectionError", "404"]
        tenant = kms.tenant("other")
        with pytest.raises(FaultError, match="phase 'expired', tls: "):
            tenant.chaos.start("certificate-expiry")


class MockKMSSocket:
    """A new TLS connection."""

    def __init__(self, kms: MockKMS) -> None:
        self.port, self.context = int(kms.url.rpartition(":")[2]), ssl.create_default_context(cafile=kms.ca_file)

    def connect(self) -> None:
        import socket

        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as raw:
            self.context.wrap_socket(raw, server_hostname="127.0.0.1").close()


@pytest.mark.server(rng=5, seed="payments", root_token="root")
def test_the_storm_after_a_revoked_prefix(kms: MockKMS) -> None:
    kms.clock.freeze()
    with hvac_of(kms) as app, hvac_of(kms) as root:
        app.auth.approle.login("payments-api-role", "payments-api-secret")
        made = root.auth.token.create(ttl="1h")["auth"]["client_token"]
        kms.chaos.start("token-storm", seed=2)
        kms.clock.advance(30)
        with pytest.raises(hvac.exceptions.Forbidden):
            app.auth.token.lookup_self()
        assert root.auth.token.lookup(made)["data"]["ttl"] > 3000, "tokens that are not from a login stay"
        limited = 0
        for _ in range(40):
            with requests.Session() as session:
                body = {"role_id": "payments-api-role", "secret_id": "payments-api-secret"}
                answer = session.post(f"{kms.url}/v1/auth/approle/login", json=body, timeout=60)
            assert answer.status_code in (200, 429)
            if answer.status_code == 429:
                limited += 1
                assert answer.headers["Retry-After"] == "2"
            if limited > 3 and answer.status_code == 200:
                break
        assert limited > 3


@pytest.mark.server(rng=5)
def test_clocks_and_tokens(kms: MockKMS, client: hvac.Client) -> None:
    kms.clock.freeze()
    short = client.auth.token.create(ttl="5m")["auth"]["client_token"]
    long = client.auth.token.create(ttl="1h")["auth"]["client_token"]
    start = kms.clock.now()
    kms.chaos.start("clock-skew", phase="ahead")
    with hvac_of(kms, short) as one, hvac_of(kms, long) as other:
        assert not one.is_authenticated()
        assert other.is_authenticated()
        kms.clock.advance(20)
        assert kms.chaos.phase == "corrected"
        assert round(kms.clock.now() - start) == 20
        assert not one.is_authenticated()
    kms.chaos.stop()


def test_slow_storage_loses_answers_of_writes(kms: MockKMS) -> None:
    """Clock-driven: the delays end because the clock goes on."""
    kms.chaos.start("slow-storage", phase="slow", seed=1)
    rules = [rule.id for rule in kms.faults.chaos.rules]
    assert rules == [f"chaos/slow-storage/slow/{number}" for number in (1, 2, 3)]
    assert [rule.words["match"] for rule in kms.faults.chaos.rules[:2]] == [{"operation": "write"}] * 2


# -- the end, the baseline, snapshots ---------------------------------------------------------------------------------


def test_a_reset_ends_it(kms: MockKMS, session: requests.Session) -> None:
    kms.chaos.start("seal-after-restart", phase="sealed")
    assert kms.state == "sealed"
    kms.reset()
    assert (kms.state, kms.chaos.status()) == ("unsealed", {"active": False})
    assert ask(kms, session) == "404"


def test_the_plan_of_a_world_starts_again_with_a_reset() -> None:
    world = {"rng": 3, "clock": "2026-01-01T00:00:00Z", "chaos": "normal=10s sealed=5s"}
    with MockKMS(seed=world) as kms, requests.Session() as session:
        kms.clock.advance(12)
        assert (ask(kms, session), kms.chaos.phase) == ("503", "sealed")
        kms.reset()
        assert (kms.chaos.phase, ask(kms, session)) == ("normal", "404")
        kms.chaos.stop()
        kms.reset()
        assert kms.chaos.active
        assert "chaos: normal=10s sealed=5s" in kms.dump()
        copy = MockKMS(seed=kms.dump())
        assert (copy.chaos.phase, copy.dump()) == ("normal", kms.dump())
        tenant = kms.tenant("one")
        assert tenant.chaos.phase == "normal"
        tenant.chaos.stop()
        assert kms.chaos.active


def test_a_snapshot_keeps_the_position(kms: MockKMS, session: requests.Session) -> None:
    kms.chaos.start("normal=1h sealed=1h", seed=3)
    kms.clock.advance(1000)
    ask(kms, session)
    kept = kms.snapshot()
    before = kms.chaos.status()
    kms.clock.advance(3000)
    assert kms.chaos.phase == "sealed"
    kms.chaos.stop()
    kms.restore(kept)
    after = kms.chaos.status()
    assert (after["phase"], after["requests"], after["seed"]) == ("normal", 1, 3)
    assert abs(float(str(after["left"])) - float(str(before["left"]))) < 60


def test_wrong_plans_in_a_world(tmp_path: Path) -> None:
    path = tmp_path / "world.yaml"
    path.write_text("mockkms: 1\nchaos:\n  phases:\n    - name: a\n      rules:\n        - {path: x, anser: 500}\n")
    with pytest.raises(SeedError, match=r"world\.yaml:6:21: chaos\.phases\[0\]\.rules\[0\]\.anser: unknown"):
        MockKMS(seed=path)
    with pytest.raises(SeedError, match="did you mean 'leader-election'"):
        MockKMS(seed={"chaos": "leader-elektion"})
    with pytest.raises(SeedError, match="speaks no TLS"):
        MockKMS(seed={"chaos": "certificate-expiry"})


def test_in_front_of_a_real_server(kms: MockKMS) -> None:
    with MockKMS(upstream=kms.url, root_token="root") as proxy, requests.Session() as session:
        with pytest.raises(FaultError, match="seal"):
            proxy.chaos.start("seal-after-restart")
        proxy.chaos.start({"rate": 1, "mix": ["bad-gateway"]})
        assert ask(proxy, session) == "502"
        proxy.chaos.stop()
        assert ask(proxy, session) == "404"


def test_a_client_that_leaves_in_the_middle(kms: MockKMS) -> None:
    """Requests that hang, and whose client is killed, are counted and hold nothing."""
    kms.chaos.start({"rate": 1, "mix": ["hang"]})
    with requests.Session() as session, pytest.raises(requests.ReadTimeout):
        session.get(f"{kms.url}/v1/{READ}", timeout=0.3)
    kms.chaos.stop()
    with requests.Session() as session:
        assert ask(kms, session) == "404"


def test_over_http(kms: MockKMS) -> None:
    url = f"{kms.url}/_mockkms/chaos"
    assert requests.get(url, timeout=60).json() == {"active": False}
    started = requests.post(url, json={"incident": "token-storm", "seed": 9}, timeout=60).json()
    assert (started["name"], started["seed"], started["phase"], started["active"]) == ("token-storm", 9, "normal", True)
    assert requests.post(url, data='"5%"', timeout=60).json()["name"] == "5%"
    stopped = requests.delete(url, timeout=60).json()
    assert (stopped["stopped"], stopped["active"]) == (True, False)
    assert requests.delete(url, timeout=60).json()["stopped"] is False
    wrong = requests.post(url, json={"phases": [{"name": "a", "lats": 3}]}, timeout=60)
    assert (wrong.status_code, wrong.json()["path"]) == (400, "phases[0]")
    assert "did you mean 'lasts'?" in wrong.json()["message"]
    empty = requests.post(url, timeout=60)
    assert (empty.status_code, "the body is empty" in empty.json()["message"]) == (400, True)
    names = [one["name"] for one in requests.get(url + "/incidents", timeout=60).json()["incidents"]]
    assert names == kms.chaos.incidents()
    assert requests.get(url + "/incidents/clock-skew", timeout=60).json() == kms.chaos.describe("clock-skew")
    missing = requests.get(url + "/incidents/clock-screw", timeout=60)
    assert (missing.status_code, "did you mean 'clock-skew'?" in missing.json()["message"]) == (404, True)
    assert requests.get(f"{kms.url}/_mockkms/inspect", timeout=60).json()["chaos"] == ""
