"""Faults on the server itself: leases, tokens, the clock, the lead of a cluster."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import requests

from mockkms import Cluster, MockKMS, RemoteKMS, SeedError
from mockkms.faults import FaultError
from mockkms.remote import RemoteError

MOMENT = 1767225600
"""2026-01-01T00:00:00Z."""
TRIGGER = "sys/health"


def prepare(kms: MockKMS) -> None:
    call(kms, "POST", "sys/mounts/pki", {"type": "pki"})
    call(kms, "POST", "pki/root/generate/internal", {"common_name": "ca", "key_type": "ec"})
    for role in ("web", "web2"):
        settings = {"allow_any_name": True, "generate_lease": True, "key_type": "ec", "ttl": "1h"}
        call(kms, "POST", f"pki/roles/{role}", settings)
    call(kms, "POST", "sys/auth/userpass", {"type": "userpass"})
    call(kms, "POST", "auth/userpass/users/ann", {"password": "x", "token_ttl": "1h"})


pytestmark = [pytest.mark.server(rng=8, seed={"clock": "2026-01-01T00:00:00Z"}), pytest.mark.prepared(by=prepare)]


def call(kms: Any, method: str, path: str, data: Any = None, token: str = "root") -> Any:
    answer = requests.request(method, f"{kms.url}/v1/{path}", json=data, headers={"X-Vault-Token": token}, timeout=60)
    return answer.json() if answer.content and answer.ok else answer.status_code


def issue(kms: MockKMS, role: str) -> str:
    return str(call(kms, "POST", f"pki/issue/{role}", {"common_name": "a.test"})["lease_id"])


def alive(kms: MockKMS, *leases: str) -> list[bool]:
    return [call(kms, "PUT", "sys/leases/lookup", {"lease_id": lease}) != 400 for lease in leases]


def test_the_last_lease_is_the_last_of_those_left_by_the_actions_before(kms: MockKMS) -> None:
    call(kms, "POST", "pki/roles/long", {"allow_any_name": True, "generate_lease": True, "key_type": "ec", "ttl": "9h"})
    first, second = issue(kms, "long"), issue(kms, "web")
    kms.act(advance="2h", expire="last")
    assert alive(kms, first, second) == [False, False]
    third = issue(kms, "web")
    with pytest.raises(FaultError, match="expire: no secret has a lease after the clock has moved"):
        kms.act(advance="2h", expire="last")
    assert kms.clock.now() == MOMENT + 7200
    kms.act(expire="last", advance="2h")
    assert alive(kms, third) == [False]


def test_a_token_that_expires_first_cannot_be_revoked(kms: MockKMS) -> None:
    token = call(kms, "POST", "auth/userpass/login/ann", {"password": "x"})["auth"]["client_token"]
    with pytest.raises(FaultError, match="revoke: the token has expired after the clock has moved"):
        kms.act(set_clock="2026-01-01T01:00:00Z", revoke=token)
    assert kms.clock.now() == MOMENT
    kms.act(revoke=token, advance="1h")


def test_an_action_to_which_an_earlier_one_leaves_nothing_is_refused(kms: MockKMS) -> None:
    token = call(kms, "POST", "auth/userpass/login/ann", {"password": "x"})["auth"]["client_token"]
    left = r"expire: no lease .* below 'auth/userpass' any more: revoke came before it"
    with pytest.raises(FaultError, match=left):
        kms.act(revoke=token, expire="auth/userpass")
    with pytest.raises(FaultError, match=r"revoke: no token .* any more: restart came before it, and stays"):
        kms.act(restart="lose", revoke=token)


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ("last", [True, True, False]),
        ("pki/issue/web", [False, True, False]),
        ("pki/issue/web/", [False, True, False]),
        ("/pki", [False, False, False]),
        ("pki/+/web2", [True, False, True]),
        ("*/web*", [False, False, False]),
        ("auth/userpass/login", [True, True, True]),
        ("nothing/there", [True, True, True]),
    ],
)
def test_leases_expire(kms: MockKMS, value: str, left: list[bool]) -> None:
    leases = [issue(kms, role) for role in ("web", "web2", "web")]
    rule = kms.faults.add(TRIGGER, expire=value, times=1)
    assert alive(kms, *leases) == [True, True, True]
    call(kms, "GET", TRIGGER)
    assert rule.fired == 1
    assert alive(kms, *leases) == left


def test_one_lease_by_its_id_and_at_once(kms: MockKMS) -> None:
    first, second = issue(kms, "web"), issue(kms, "web")
    with RemoteKMS(kms.url) as remote:
        remote.act(expire=first)
    assert alive(kms, first, second) == [False, True]


def test_the_tokens_of_logins_expire_and_the_root_token_never(kms: MockKMS) -> None:
    ann = call(kms, "POST", "auth/userpass/login/ann", {"password": "x"})["auth"]["client_token"]
    assert call(kms, "GET", "auth/token/lookup-self", token=ann)["data"]["ttl"] == 3600
    kms.faults.add(TRIGGER, expire="auth")
    call(kms, "GET", TRIGGER)
    assert call(kms, "GET", "auth/token/lookup-self", token=ann) == 403
    assert call(kms, "GET", "auth/token/lookup-self")["data"]["id"] == "root"


def test_applied_expires_after_the_answer(kms: MockKMS) -> None:
    kms.faults.add("pki/issue/*", expire="last", applied=True)
    assert alive(kms, issue(kms, "web")) == [False]


@pytest.mark.parametrize("value", ["", "/", True, None, 5])
def test_what_cannot_expire(kms: MockKMS, value: Any) -> None:
    with pytest.raises(FaultError, match=r"^expire: expected"):
        kms.faults.add(TRIGGER, expire=value)


# -- the clock -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "moment"),
    [
        ({"advance": "1h"}, MOMENT + 3600),
        ({"advance": 0.5}, MOMENT + 0.5),
        ({"advance": "-1m30s"}, MOMENT - 90),
        ({"advance": -90}, MOMENT - 90),
        ({"advance": 2e9}, MOMENT + 2e9),
        ({"advance": "20000d"}, MOMENT + 20000 * 86400),
        ({"set_clock": "2030-01-01T00:00:00Z"}, 1893456000),
        ({"set_clock": "2030-01-01T02:00:00+02:00"}, 1893456000),
        ({"set_clock": "2030-01-01"}, 1893456000),
        ({"set_clock": date(2030, 1, 1)}, 1893456000),
        ({"set_clock": datetime(2030, 1, 1)}, 1893456000),
        ({"set_clock": datetime(2030, 1, 1, tzinfo=UTC)}, 1893456000),
        ({"set_clock": {"epoch": 12.5}}, 12.5),
    ],
    ids=str,
)
def test_the_clock_jumps(kms: MockKMS, words: dict[str, Any], moment: float) -> None:
    kms.faults.add(TRIGGER, **words)
    call(kms, "GET", TRIGGER)
    assert (kms.clock.now(), kms.clock.frozen) == (moment, True)
    kms.clock.set(MOMENT)
    with RemoteKMS(kms.url) as remote:
        remote.act(**words)
    assert kms.clock.now() == moment


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"advance": "2026-01-01T00:00:00Z"}, "advance: expected a duration such as 1h or -30s, got the time"),
        ({"advance": datetime(2026, 1, 1)}, "advance: expected a duration such as 1h or -30s, got the time"),
        ({"advance": "soon"}, "advance: expected a duration such as"),
        ({"advance": "--1h"}, "advance: expected a duration such as"),
        ({"advance": True}, "advance: expected a duration such as"),
        ({"advance": float("inf")}, "advance: expected a duration such as"),
        ({"set_clock": "1h"}, "set_clock: expected a time such as 2026-01-01T00:00:00Z, got '1h'"),
        ({"set_clock": 5}, "set_clock: expected a time such as 2026-01-01T00:00:00Z, got 5"),
        ({"set_clock": "2026-13-01"}, "set_clock: expected a time such as"),
        ({"set_clock": {"epoch": "5"}}, "set_clock.epoch: expected seconds since the epoch"),
        ({"set_clock": {"epok": 5}}, "set_clock: unknown key 'epok'"),
    ],
    ids=str,
)
def test_invalid_durations_and_times(kms: MockKMS, words: dict[str, Any], told: str) -> None:
    with pytest.raises(FaultError) as caught:
        kms.faults.add(TRIGGER, **words)
    assert str(caught.value).startswith(told)


def test_a_world_sets_the_clock_by_a_time_of_yaml(kms: MockKMS) -> None:
    kms.load("faults:\n  - {path: sys/health, set_clock: 2030-01-01 00:00:00}\n")
    call(kms, "GET", TRIGGER)
    assert kms.clock.now() == 1893456000
    kms.load()
    with pytest.raises(SeedError, match=r"2:\d+: faults\[0\]\.advance: expected a duration .* got the time"):
        kms.load("faults:\n  - {path: sys/health, advance: 2030-01-01T00:00:00Z}\n")


def test_the_clock_distinguishes_durations_and_times(kms: MockKMS) -> None:
    assert kms.clock.advance(timedelta(seconds=-5)) == MOMENT - 5
    for span in ("2026-01-01", float("nan"), True, None):
        with pytest.raises(ValueError, match="is not a duration"):
            kms.clock.advance(span)  # type: ignore[arg-type]  # the error is what is tested
    with RemoteKMS(kms.url) as remote:
        assert remote.clock.advance(-5) == MOMENT - 10
        with pytest.raises(ValueError, match="is not a duration"):
            remote.clock.advance("2026-01-01")  # type: ignore[arg-type]  # the error is what is tested
    assert kms.clock.now() == MOMENT - 10


# -- the lead --------------------------------------------------------------------------------------------------------


def test_one_server_cannot_step_down(kms: MockKMS) -> None:
    told = "step_down: a single server has no standby"
    with pytest.raises(FaultError, match=told):
        kms.faults.add(TRIGGER, step_down=True)
    with pytest.raises(FaultError, match=told):
        kms.faults.script([{"step_down": True}])
    with pytest.raises(FaultError, match="a tenant is a single server"):
        kms.tenant("one").faults.add(TRIGGER, step_down=True)
    with pytest.raises(SeedError, match=told):
        kms.load({"faults": [{"path": TRIGGER, "step_down": True}]})
    with RemoteKMS(kms.url) as remote, pytest.raises(FaultError, match=told):
        remote.act(step_down=True)
    with RemoteKMS(kms.url) as remote, pytest.raises((FaultError, RemoteError), match="expected true"):
        remote.act(step_down=False)


def test_the_active_node_steps_down() -> None:
    with Cluster(3, seed={"clock": MOMENT, "faults": [{"path": TRIGGER, "step_down": True, "times": 1}]}) as cluster:
        assert "step_down: true" in cluster.dump()
        assert call(cluster, "GET", TRIGGER) == 474, "a standby that sees no active node"
        assert cluster.leader is None
        cluster.clock.advance(1)
        assert cluster.leader == 1
        with RemoteKMS(cluster.url) as remote:
            remote.act(step_down=True)
        cluster.elect()
        assert cluster.leader == 2
