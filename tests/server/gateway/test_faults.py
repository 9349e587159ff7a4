"""What real clients see of each fault."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import aiohttp
import pytest
import requests

from mockkms import MockKMS
from mockkms.faults.plan import Plan
from mockkms.faults.request_view import View
from tests.ports import wait_for_port
from tests.server.raw_client import Wire

WRITE = "/v1/secret/data/app"


pytestmark = pytest.mark.server(rng=5)


def write(kms: MockKMS, value: int = 1, timeout: float = 5) -> requests.Response:
    headers = {"X-Vault-Token": kms.token}
    return requests.post(kms.url + WRITE, json={"data": {"n": value}}, headers=headers, timeout=timeout)


def stored(kms: MockKMS) -> int | None:
    """The version that the core holds, read without faults."""
    kms.faults.clear()
    answer = requests.get(kms.url + WRITE, headers={"X-Vault-Token": kms.token}, timeout=60)
    return int(answer.json()["data"]["metadata"]["version"]) if answer.ok else None


async def write_async(kms: MockKMS, timeout: float = 5) -> tuple[int, bytes]:
    limit = aiohttp.ClientTimeout(total=timeout)
    async with aiohttp.ClientSession(timeout=limit) as session:
        post = session.post(kms.url + WRITE, json={"data": {"n": 1}}, headers={"X-Vault-Token": kms.token})
        async with post as answer:
            return answer.status, await answer.read()


CUTS = [
    ({"close": True}, "RemoteDisconnected", aiohttp.ServerDisconnectedError, False),
    ({"reset": True}, "ConnectionResetError", (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError), False),
    ({"lose_request": True}, "RemoteDisconnected", aiohttp.ServerDisconnectedError, False),
    ({"lose_answer": True}, "RemoteDisconnected", aiohttp.ServerDisconnectedError, True),
    ({"lose_answer": "reset"}, "ConnectionResetError", (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError), True),
    ({"close": True, "applied": True}, "RemoteDisconnected", aiohttp.ServerDisconnectedError, True),
    ({"close": "headers"}, "IncompleteRead", aiohttp.ClientPayloadError, True),
    ({"truncate": 5}, "IncompleteRead", aiohttp.ClientPayloadError, True),
    ({"reset": 5}, "ConnectionResetError|IncompleteRead", (aiohttp.ClientPayloadError, aiohttp.ClientOSError), True),
    ({"bad_chunk": True}, "InvalidChunkLength", (aiohttp.ClientPayloadError, aiohttp.ClientResponseError), True),
    ({"content_length": 100000}, "IncompleteRead", aiohttp.ClientPayloadError, True),
    ({"garbage": "wire"}, "BadStatusLine|RemoteDisconnected", (aiohttp.ClientError, ValueError), False),
]


@pytest.mark.parametrize(("words", "seen", "seen_async", "applied"), CUTS, ids=[str(row[0]) for row in CUTS])
def test_cut_connections(kms: MockKMS, words: dict[str, object], seen: str, seen_async: type, applied: bool) -> None:
    rule = kms.faults.add("secret/data/*", times=2, **words)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)) as caught:
        write(kms)
    assert any(name in repr(caught.value) for name in seen.split("|")), repr(caught.value)
    with pytest.raises(seen_async):
        asyncio.run(write_async(kms))
    assert rule.fired == 2
    assert stored(kms) == (2 if applied else None)


def test_hang_lasts_until_the_client_gives_up(kms: MockKMS) -> None:
    kms.faults.add("secret/*", hang=True)
    with pytest.raises(requests.ReadTimeout):
        write(kms, timeout=1)
    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(write_async(kms, timeout=1))
    assert stored(kms) is None


def test_hang_with_a_limit_ends_in_a_close(kms: MockKMS) -> None:
    kms.faults.add("secret/*", hang=0.02)
    with pytest.raises(requests.ConnectionError):
        write(kms)


def test_delay_waits_and_then_answers(kms: MockKMS) -> None:
    kms.faults.add("secret/*", delay=0.05)
    started = time.monotonic()
    assert write(kms).status_code == 200
    assert time.monotonic() - started >= 0.05


def test_moving_the_clock_wakes_a_delayed_request(kms: MockKMS) -> None:
    rule = kms.faults.add("secret/*", delay=3600, times=1)

    async def both() -> int:
        asked = asyncio.create_task(write_async(kms))
        async with asyncio.timeout(5):
            while not rule.fired:
                await asyncio.sleep(0)
        kms.world.clock.advance(3601)
        return (await asked)[0]

    assert asyncio.run(both()) == 200


def test_the_clock_moves_between_the_decision_and_the_delay(kms: MockKMS, monkeypatch: pytest.MonkeyPatch) -> None:
    kms.faults.add("secret/*", delay=3600, times=1)
    decide = kms.faults.before

    def decide_and_move(view: View) -> Plan | None:
        plan = decide(view)
        kms.clock.advance("2h")
        return plan

    monkeypatch.setattr(kms.faults, "before", decide_and_move)
    assert write(kms).status_code == 200


def test_answers_have_the_servers_texts(kms: MockKMS) -> None:
    kms.faults.add("secret/*", sequence=["sealed", {"preset": "rate-limited", "retry_after": 7}, "bad-gateway", 418])
    sealed, limited, gateway, odd = (write(kms) for _ in range(4))
    assert (sealed.status_code, sealed.json()) == (503, {"errors": ["Vault is sealed"]})
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "7")
    assert limited.json() == {"errors": ['request path "secret/data/app": rate limit quota exceeded']}
    assert gateway.status_code == 502
    assert gateway.text.startswith("<html>")
    assert odd.status_code == 418
    assert write(kms).status_code == 200


def test_edits_of_the_cores_answer(kms: MockKMS) -> None:
    kms.faults.add("secret/*", drop="data.version", replace={"data.extra": 1}, content_type="text/plain", status=202)
    kms.faults.add("secret/*", headers={"X-Odd": "1"})
    answer = write(kms)
    assert answer.status_code == 202
    assert answer.headers["Content-Type"] == "text/plain"
    assert "version" not in answer.json()["data"]
    assert answer.json()["data"]["extra"] == 1
    assert answer.headers["X-Odd"] == "1"
    kms.faults.clear()
    kms.faults.add("secret/*", empty=True, times=1)
    assert write(kms).content == b""
    kms.faults.add("secret/*", garbage=10, times=1)
    assert len(write(kms).content) == 10


def test_stale_gives_the_first_answer_again(kms: MockKMS) -> None:
    headers = {"X-Vault-Token": kms.token}
    write(kms, 1)
    kms.faults.add("secret/data/*", operation="read", stale=True)
    read = [requests.get(kms.url + WRITE, headers=headers, timeout=60).json()["data"]["data"]["n"]]
    write(kms, 2)
    read.append(requests.get(kms.url + WRITE, headers=headers, timeout=60).json()["data"]["data"]["n"])
    kms.faults.clear()
    read.append(requests.get(kms.url + WRITE, headers=headers, timeout=60).json()["data"]["data"]["n"])
    assert read == [1, 1, 2]


def number(kms: MockKMS, token: str = "") -> object:
    answer = requests.get(kms.url + WRITE, headers={"X-Vault-Token": token or kms.token}, timeout=60)
    return answer.json()["data"]["data"]["n"] if answer.ok else answer.status_code


def test_a_named_snapshot_answers_and_nothing_changes(kms: MockKMS) -> None:
    write(kms, 1)
    kms.snapshot("before")
    write(kms, 2)
    headers = {"X-Vault-Token": kms.token}
    made = requests.post(kms.url + "/v1/auth/token/create", json={}, headers=headers, timeout=60).json()["auth"]
    rule = kms.faults.add("secret/*", stale="before")
    assert [number(kms), number(kms), number(kms, made["client_token"])] == [1, 1, 403], "the token came later"
    assert [write(kms, 3).json()["data"]["version"] for _ in range(2)] == [2, 2], "each write is lost"
    kms.faults.remove(rule.id)
    assert number(kms) == 2
    kms.faults.add("secret/*", stale="before", applied=True, times=1)
    assert write(kms, 4).json()["data"]["version"] == 2
    assert number(kms) == 4
    kms.faults.add("secret/*", stale="baseline", times=1)
    assert number(kms) == 404
    kms.journal.assert_no_unhandled()


def test_a_snapshot_answers_at_the_present_time_with_new_ids(kms: MockKMS) -> None:
    kms.clock.freeze(1767225600)
    kms.snapshot("before")
    kms.clock.advance(3600)
    kms.faults.add("secret/*", stale="before")
    first, second = write(kms).json(), write(kms).json()
    assert first["data"]["created_time"] == second["data"]["created_time"] == "2026-01-01T01:00:00Z"
    assert first["request_id"] != second["request_id"]


def test_a_tenant_has_snapshots_of_its_own(kms: MockKMS) -> None:
    tenant = kms.tenant("stale")
    requests.post(tenant.url + WRITE, json={"data": {"n": 1}}, headers={"X-Vault-Token": tenant.token}, timeout=60)
    tenant.snapshot("then")
    requests.delete(tenant.url + WRITE, headers={"X-Vault-Token": tenant.token}, timeout=60)
    tenant.faults.add("secret/*", stale="then")
    answer = requests.get(tenant.url + WRITE, headers={"X-Vault-Token": tenant.token}, timeout=60)
    assert answer.json()["data"]["data"] == {"n": 1}
    tenant.forget()


def test_an_unknown_snapshot_is_reported(kms: MockKMS) -> None:
    kms.snapshot("before")
    kms.faults.add("secret/*", stale="befor")
    answer = write(kms)
    told = "mockkms: stale: unknown snapshot 'befor'; did you mean 'before'?"
    assert (answer.status_code, answer.json()) == (599, {"errors": [told]})
    with pytest.raises(AssertionError, match="unknown snapshot 'befor'"):
        kms.journal.assert_no_unhandled()
    assert stored(kms) is None


def test_drip_delivers_everything_slowly(kms: MockKMS) -> None:
    kms.faults.add("secret/*", drip={"bytes": 60, "every": "5ms"})
    started = time.monotonic()
    assert write(kms).json()["data"]["version"] == 1
    assert time.monotonic() - started > 0.01


def test_the_server_seals_itself_for_virtual_seconds(kms: MockKMS) -> None:
    kms.world.clock.freeze()
    kms.faults.add("secret/*", seal="30s", applied=True, times=1)
    assert write(kms).status_code == 200
    assert write(kms).status_code == 503
    kms.world.clock.advance(30)
    assert write(kms).status_code == 200


def test_the_port_stops_listening_and_comes_back(kms: MockKMS) -> None:
    kms.faults.add("secret/*", refuse=0.2, times=1)
    with pytest.raises(requests.ConnectionError):
        write(kms)
    with pytest.raises(requests.ConnectionError, match="refused"):
        write(kms)
    wait_for_port(kms.url)
    assert write(kms).status_code == 200


def test_restart_can_lose_the_state(kms: MockKMS) -> None:
    write(kms)
    kms.faults.add("secret/*", restart="lose", times=1)
    with pytest.raises(requests.ConnectionError):
        write(kms)
    assert stored(kms) is None


def test_admin_api_presets(kms: MockKMS) -> None:
    url = kms.rustfs_url + "/rustfs/admin/v3/kms/key/status?keyName=k"
    names = ["KMSNotConfigured", "MissingParameter", "KeyNotFound", "InvalidConfiguration", "access-denied"]
    kms.faults.add("key/*", service="rustfs", key="k", sequence=names)
    answers = [requests.get(url, timeout=60) for _ in names]
    assert [answer.json()["code"] for answer in answers] == [*names[:4], "AccessDenied"]
    assert [answer.status_code for answer in answers] == [503, 400, 404, 400, 403]


# -- the control API ---------------------------------------------------------------------------------------------------


def control(kms: MockKMS, method: str, path: str, data: object = None, **headers: str) -> requests.Response:
    return requests.request(method, f"{kms.url}/_mockkms/{path}", json=data, headers=headers, timeout=60)


def test_rules_over_http(kms: MockKMS) -> None:
    added = control(kms, "POST", "faults", {"path": "secret/*", "answer": "sealed", "times": 1})
    assert added.status_code == 200
    assert write(kms).status_code == 503
    rule = control(kms, "GET", "faults/" + added.json()["id"]).json()
    assert (rule["matched"], rule["fired"]) == (1, 1)
    wrong = control(kms, "POST", "faults", {"path": "x", "anser": 1})
    assert wrong.status_code == 400
    assert "did you mean 'answer'" in wrong.json()["message"]
    assert control(kms, "DELETE", "faults/nope").status_code == 404
    assert control(kms, "DELETE", "faults").status_code == 200
    assert control(kms, "POST", "journal/assert", {"called": {"path": "secret/*", "times": 1}}).status_code == 200
    missed = control(kms, "POST", "journal/assert", {"called": "transit/*"})
    assert missed.status_code == 409
    assert "transit/*" in missed.json()["message"]
    entries = control(kms, "GET", "journal?status=503").json()["entries"]
    assert [entry["faults"] for entry in entries] == [[added.json()["id"]]]
    assert kms.token not in [value for entry in entries for value in entry["headers"].values()]


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}])
def test_foreign_pages_are_refused(kms: MockKMS, headers: dict[str, str]) -> None:
    assert control(kms, "GET", "faults", **headers).status_code == 403


def test_clock_snapshots_and_state_over_http(kms: MockKMS) -> None:
    control(kms, "POST", "snapshots/before")
    assert control(kms, "POST", "clock", {"freeze": "2026-01-01T00:00:00Z"}).json()["frozen"] is True
    assert control(kms, "POST", "clock", {"advance": "1h"}).json()["now"] == "2026-01-01T01:00:00Z"
    write(kms)
    assert "app" in control(kms, "GET", "snapshots/before/diff").text
    assert control(kms, "POST", "state", {"seal": True}).json()["seal"] == "sealed"
    assert write(kms).status_code == 503
    control(kms, "POST", "snapshots/before/restore")
    assert control(kms, "GET", "clock").json()["frozen"] is False
    assert control(kms, "GET", "state").json()["seal"] == "unsealed"
    assert stored(kms) is None
    assert control(kms, "POST", "snapshots/nope/restore").status_code == 404


def test_bad_control_requests_are_refused_with_a_reason(kms: MockKMS) -> None:
    for method, path, data, status in (
        ("POST", "faults", None, 400),
        ("POST", "clock", [1], 400),
        ("POST", "clock", {"advance": "x"}, 400),
        ("POST", "state", {"seel": True}, 400),
        ("POST", "journal", {"pth": "x"}, 400),
        ("GET", "nowhere", None, 404),
        ("PATCH", "faults", None, 405),
    ):
        answer = control(kms, method, path, data)
        assert (answer.status_code, answer.json()["ok"]) == (status, False), path


def test_the_openapi_document_lists_every_route(kms: MockKMS) -> None:
    document = control(kms, "GET", "openapi.json").json()
    listed = {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item}
    assert listed == set(control(kms, "GET", "").json()["routes"])


def test_reset_brings_the_baseline_back(kms: MockKMS) -> None:
    kms.faults.add("*", close=True)
    assert control(kms, "POST", "reset").json() == {"ok": True}
    assert len(kms.faults) == 0
    assert kms.journal.total == 0


@pytest.mark.parametrize(
    "fault", [{"hang": True}, {"hang": "1h"}, {"hang": {"after": "headers"}}, {"lose_answer": "hang"}]
)
@pytest.mark.parametrize("over_http", [True, False])
def test_a_reset_frees_what_hangs(kms: MockKMS, fault: dict[str, Any], over_http: bool) -> None:
    kms.faults.add("secret/*", times=1, **fault)
    with Wire(kms) as wire:
        wire.send(b"GET /v1/secret/data/a HTTP/1.1\r\nHost: x\r\n\r\n")
        while not kms.journal.entries():
            time.sleep(0.005)
        if over_http:
            assert requests.post(kms.url + "/_mockkms/reset", timeout=60).ok
        else:
            kms.reset()
        while wire.socket.recv(1000):  # Until the connection is closed; a timeout fails the test.
            pass


def test_a_reset_between_the_decision_and_the_wait() -> None:
    # A server of its own: others in this process would be reset by each of their requests from now on.
    with MockKMS() as kms:
        kms.faults.add("secret/*", times=1, hang={"after": "headers"})
        # On the server's thread, before the request hangs.
        kms.journal.subscribe(lambda _entry: kms.world.reset())
        with Wire(kms) as wire:
            wire.send(b"GET /v1/secret/data/a HTTP/1.1\r\nHost: x\r\n\r\n")
            while wire.socket.recv(1000):
                pass


def test_drip_and_a_bad_chunk_come_to_an_end(kms: MockKMS) -> None:
    kms.faults.add("sys/health", drip={"bytes": 64, "every": "1ms"}, bad_chunk=True, times=1)
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="InvalidChunkLength"):
        requests.get(kms.url + "/v1/sys/health", timeout=60)
