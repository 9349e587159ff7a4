"""What a hand-written scripted Vault does for the tests of a Vault client, need by need.

F1 to F20 are the features of such a double; the rest is what its users lacked.
"""

from __future__ import annotations

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from mockkms import MockKMS
from tests.ports import wait_for_port

PROBE = {"match": "auth/token/lookup-self", "answer": {"data": {"ttl": 0, "renewable": False}}}
KEY, META = "/v1/secret/data/keys/a", "/v1/secret/metadata/keys/a"


pytestmark = pytest.mark.server(rng=11)


def call(kms: MockKMS, method: str, path: str, data: Any = None, *, token: str = "", timeout: float = 5) -> Any:
    headers = {"X-Vault-Token": token or kms.token}
    return requests.request(method, kms.url + path, json=data, headers=headers, timeout=timeout)


def test_f1_many_servers_on_addresses_of_their_own() -> None:
    with MockKMS() as one, MockKMS() as two:
        assert one.url != two.url
        assert one.url.startswith("http://127.0.0.1:")


def test_f2_f3_answers_in_order_whatever_the_path_then_loudly_exhausted(kms: MockKMS) -> None:
    kms.faults.script([503, {"data": {"n": 1}}])
    assert call(kms, "GET", "/v1/any/thing").status_code == 503
    assert call(kms, "POST", "/v1/other").json()["data"] == {"n": 1}
    third = call(kms, "GET", "/v1/x")
    assert (third.status_code, third.json()) == (599, {"errors": ["scripted server: script exhausted"]})
    with pytest.raises(AssertionError, match="GET /v1/x"):
        kms.faults.assert_script_done()


def test_f4_the_credential_probe_takes_nothing_from_the_queue(kms: MockKMS) -> None:
    kms.faults.script({"aside": [PROBE], "steps": [{"data": {}}]})
    assert call(kms, "GET", "/v1/auth/token/lookup-self").json()["data"] == {"ttl": 0, "renewable": False}
    assert call(kms, "GET", "/v1/a").status_code == 200
    assert kms.journal.lines({"not": {"path": "auth/token/lookup-self"}}) == ["GET /v1/a"]
    assert [entry.rules for entry in kms.journal] == [["script.aside"], ["script[1]"]]
    kms.faults.assert_script_done()


@pytest.mark.parametrize("status", [403, 503])
def test_f5_the_probe_in_band(kms: MockKMS, status: int) -> None:
    kms.faults.script([{"expect": "auth/token/lookup-self", "answer": status}, 403])
    assert call(kms, "GET", "/v1/auth/token/lookup-self").status_code == status
    assert call(kms, "GET", KEY).status_code == 403
    assert len(kms.journal) == 2


def test_f6_f7_request_lines_and_bodies(kms: MockKMS) -> None:
    kms.faults.script([{"data": {}}] * 2)
    call(kms, "GET", KEY + "?version=2")
    call(kms, "POST", KEY, {"options": {"cas": 3}, "data": {"status": "on", "version": 4}})
    assert kms.journal.lines() == [f"GET {KEY}?version=2", f"POST {KEY}"]
    assert [entry.body == b"" for entry in kms.journal] == [True, False]
    sent = kms.journal[1].fields
    assert (sent["options"]["cas"], sent["data"]["status"], sent["data"]["version"]) == (3, "on", 4)
    assert "associated_data" not in sent
    kms.journal.assert_called(KEY[4:], body={"options.cas": "3"}, times=1)


def test_f6_an_empty_query_is_kept_as_sent(kms: MockKMS) -> None:
    with socket.create_connection(("127.0.0.1", int(kms.url.rpartition(":")[2])), timeout=60) as raw:
        raw.sendall(b"GET /v1/sys/health? HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert raw.recv(65536).startswith(b"HTTP/1.1 200")
    assert kms.journal.lines() == ["GET /v1/sys/health?"]


def test_f8_nothing_more_came(kms: MockKMS) -> None:
    kms.faults.script([{"data": {}}, {"data": {}}])
    call(kms, "GET", KEY)
    with pytest.raises(AssertionError, match="left over"):
        kms.faults.assert_script_done()
    call(kms, "GET", KEY)
    kms.faults.assert_script_done()
    kms.journal.assert_no_unhandled()


def test_f9_the_success_envelope(kms: MockKMS) -> None:
    kms.faults.script([{"data": {"k": "v"}}])
    answer = call(kms, "GET", KEY).json()
    assert {name: answer[name] for name in ("lease_id", "lease_duration", "renewable", "data")} == {
        "lease_id": "", "lease_duration": 0, "renewable": False, "data": {"k": "v"},
    }  # fmt: skip
    assert answer["request_id"]


EMPTY_LIST = {"status": 404, "errors": []}
ROUTE = 'no handler for route "kv/metadata/". route entry not found.'
ANSWERS = {
    "f10 an error": ({"status": 400, "errors": ["no"]}, 400, {"errors": ["no"]}),
    "f11 an empty list": (EMPTY_LIST, 404, {"errors": []}),
    "f12 a missing mount": ({"status": 404, "errors": [ROUTE]}, 404, {"errors": [ROUTE]}),
    "f13 a foreign body": ({"status": 404, "body": "<html>", "content_type": "text/html"}, 404, "<html>"),
    "f13 no errors": ({"status": 403, "errors": []}, 403, {"errors": []}),
}


@pytest.mark.parametrize("need", ANSWERS)
def test_f10_to_f13_bodies(kms: MockKMS, need: str) -> None:
    answer, status, body = ANSWERS[need]
    kms.faults.script([answer])
    got = call(kms, "LIST", "/v1/kv/metadata/")
    assert (got.status_code, got.text if isinstance(body, str) else got.json()) == (status, body)


def test_f12_a_missing_mount_names_the_path(kms: MockKMS) -> None:
    assert call(kms, "LIST", "/v1/kv/metadata/").json()["errors"] == [ROUTE]


def test_f13_data_that_is_null(kms: MockKMS) -> None:
    kms.faults.script([{"json": {"data": None}}])
    got = call(kms, "GET", KEY)
    assert (got.status_code, got.json()["data"]) == (200, None)


def test_f14_closed_without_an_answer_twice(kms: MockKMS) -> None:
    kms.faults.add("secret/*", close=True, times=2)
    for _ in range(2):
        with pytest.raises(requests.ConnectionError):
            call(kms, "GET", KEY)
    assert call(kms, "GET", KEY).status_code == 404
    assert [entry.cut for entry in kms.journal] == ["close", "close", ""]


def test_f15_a_hang_keeps_the_connection_open(kms: MockKMS) -> None:
    kms.clock.freeze()
    kms.faults.add("secret/*", hang=True)
    with pytest.raises(requests.ReadTimeout):
        call(kms, "GET", KEY, timeout=1)
    kms.journal.assert_called("secret/*", cut="hang", times=1)


def test_f16_accepted_and_never_read(kms: MockKMS) -> None:
    kms.faults.add("auth/*", deaf=4.0, times=1)
    with pytest.raises(requests.ReadTimeout):
        call(kms, "POST", "/v1/auth/approle/login", {}, timeout=1)
    with pytest.raises(requests.ReadTimeout):
        call(kms, "GET", "/v1/sys/health", timeout=1)
    assert kms.journal.total == 1
    with socket.create_connection(("127.0.0.1", int(kms.url.rpartition(":")[2])), timeout=60) as raw:
        raw.settimeout(0.2)
        with pytest.raises(TimeoutError):
            raw.sendall(b"x" * 64_000_000)  # Nobody takes the bytes, so that the buffers fill.
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            assert call(kms, "GET", "/v1/sys/health", timeout=1).status_code == 200
            return
        except requests.RequestException:
            continue
    pytest.fail("the server stayed deaf")


def test_f17_one_request_a_connection(kms: MockKMS) -> None:
    kms.faults.script([{"data": {}, "headers": {"Connection": "close"}}])
    answer = call(kms, "GET", KEY)
    assert answer.headers["Connection"] == "close"
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert "Transfer-Encoding" not in answer.headers


def test_f18_f19_a_key_with_history_and_check_and_set(kms: MockKMS) -> None:
    assert call(kms, "POST", KEY, {"data": {"n": 1}, "options": {"cas": 0}}).status_code == 200
    assert call(kms, "POST", KEY, {"data": {"n": 2}, "options": {"cas": 0}}).status_code == 400
    assert call(kms, "POST", KEY, {"data": {"n": 2}, "options": {"cas": 1}}).status_code == 200
    for version in (1, 2):
        body = {"data": {"v": version}, "options": {"cas": 0}}
        assert call(kms, "POST", f"{KEY}/versions/{version}", body).status_code == 200
        assert call(kms, "POST", f"{KEY}/versions/{version}", body).status_code == 400
    assert call(kms, "GET", KEY + "?version=1").json()["data"]["data"] == {"n": 1}
    assert call(kms, "GET", META).json()["data"]["current_version"] == 2
    assert call(kms, "LIST", META + "/versions").json()["data"]["keys"] == ["1", "2"]


def test_f20_concurrent_clients_and_one_winner(kms: MockKMS) -> None:
    def write(n: int) -> int:
        return int(call(kms, "POST", KEY, {"data": {"n": n}, "options": {"cas": 0}}).status_code)

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(write, range(8))) == [200] + [400] * 7


# -- what the scripts prove --------------------------------------------------------------------------------------------


def test_a_cas_loop_with_another_writer_in_between(kms: MockKMS) -> None:
    lost = {"expect": {"method": "POST", "path": KEY[4:]}, "answer": "cas-conflict", "times": 1}
    kms.faults.script([{"data": {"current_version": 1}}, lost, {"data": {"current_version": 2}}, {"data": {}}])
    steps = [("GET", META), ("POST", KEY, {}), ("GET", META), ("POST", KEY, {})]
    seen = [call(kms, *step).status_code for step in steps]
    assert seen == [200, 400, 200, 200]
    kms.journal.assert_order({"method": "GET"}, {"method": "POST", "status": 400}, {"method": "POST", "status": 200})


def test_a_wrong_order_fails_at_once(kms: MockKMS) -> None:
    kms.faults.script([{"expect": {"method": "GET", "path": META[4:]}, "answer": 200}])
    assert call(kms, "POST", KEY, {}).status_code == 599


def test_a_list_whose_second_read_fails(kms: MockKMS) -> None:
    kms.faults.add("secret/data/*", operation="read", skip=1, times=1, answer=503)
    assert [call(kms, "GET", KEY).status_code for _ in range(3)] == [404, 503, 404]


def test_an_undecodable_answer(kms: MockKMS) -> None:
    kms.faults.script([{"status": 200, "body": "{"}])
    with pytest.raises(json.JSONDecodeError):
        json.loads(call(kms, "GET", KEY).content)


def test_no_request_at_all(kms: MockKMS) -> None:
    kms.journal.assert_not_called()
    call(kms, "GET", KEY)
    with pytest.raises(AssertionError, match=KEY):
        kms.journal.assert_not_called()


# -- what was wanted besides -------------------------------------------------------------------------------------------


def test_lease_clock_renewal_and_its_refusal(kms: MockKMS) -> None:
    made = call(kms, "POST", "/v1/auth/token/create", {"ttl": "60s", "policies": ["default"]})
    token = made.json()["auth"]["client_token"]
    kms.clock.advance(30)
    renewed = call(kms, "POST", "/v1/auth/token/renew-self", {}, token=token)
    assert renewed.json()["auth"]["lease_duration"] == 60
    kms.clock.advance(61)
    assert call(kms, "POST", "/v1/auth/token/renew-self", {}, token=token).status_code == 403


def test_a_token_gone_in_the_middle_of_a_run(kms: MockKMS) -> None:
    token = call(kms, "POST", "/v1/auth/token/create", {"policies": ["default"]}).json()["auth"]["client_token"]
    kms.faults.add("auth/token/lookup-self", skip=2, times=1, revoke=True)
    seen = [call(kms, "GET", "/v1/auth/token/lookup-self", token=token).status_code for _ in range(4)]
    assert seen == [200, 200, 403, 403]


def test_an_approle_secret_that_is_revoked(kms: MockKMS) -> None:
    call(kms, "POST", "/v1/sys/auth/approle", {"type": "approle"})
    call(kms, "POST", "/v1/auth/approle/role/web", {"secret_id_ttl": "1h"})
    role = call(kms, "GET", "/v1/auth/approle/role/web/role-id").json()["data"]["role_id"]

    def secret() -> str:
        return str(call(kms, "POST", "/v1/auth/approle/role/web/secret-id", {}).json()["data"]["secret_id"])

    def login(id: str) -> Any:
        return call(kms, "POST", "/v1/auth/approle/login", {"role_id": role, "secret_id": id})

    first = secret()
    assert login(first).status_code == 200
    call(kms, "POST", "/v1/auth/approle/role/web/secret-id/destroy", {"secret_id": first})
    refused = login(first)
    assert (refused.status_code, refused.json()) == (400, {"errors": ["invalid role or secret ID"]})
    assert login(secret()).status_code == 200


@pytest.mark.parametrize(
    ("preset", "path", "status"),
    [
        ("sealed", KEY, 503),
        ("sealed", "/v1/sys/health", 503),
        ("uninitialized", "/v1/sys/health", 501),
        ("dr-secondary", "/v1/sys/health", 472),
        ("performance-standby", "/v1/sys/health", 473),
        ("lagging", KEY, 412),
        ("rate-limited", KEY, 429),
        ("internal-error", KEY, 500),
        ("bad-gateway", KEY, 502),
        ("gateway-timeout", KEY, 504),
    ],
)
def test_states_and_statuses(kms: MockKMS, preset: str, path: str, status: int) -> None:
    kms.faults.add("*", answer=preset)
    answer = call(kms, "GET", path)
    assert answer.status_code == status
    assert ("Retry-After" in answer.headers) == (preset == "rate-limited")


def test_a_standby_redirects_to_the_active_node(kms: MockKMS) -> None:
    kms.faults.add("secret/*", answer={"preset": "standby", "location": "http://127.0.0.1:1"})
    answer = requests.get(kms.url + KEY, allow_redirects=False, timeout=60)
    assert (answer.status_code, answer.headers["Location"]) == (307, "http://127.0.0.1:1" + KEY)


def test_a_leader_change_keeps_the_state(kms: MockKMS) -> None:
    call(kms, "POST", KEY, {"data": {"n": 1}})
    kms.faults.add("secret/*", refuse=0.1, times=1)
    with pytest.raises(requests.ConnectionError):
        call(kms, "GET", KEY)
    wait_for_port(kms.url)
    assert call(kms, "GET", KEY).json()["data"]["data"] == {"n": 1}


def test_a_truncated_answer_and_a_slow_one(kms: MockKMS) -> None:
    kms.faults.add("sys/health", sequence=[{"truncate": 10}, {"drip": {"bytes": 50, "every": "2ms"}}])
    with pytest.raises(requests.exceptions.RequestException):
        call(kms, "GET", "/v1/sys/health")
    assert call(kms, "GET", "/v1/sys/health").json()["initialized"] is True


def test_the_report_names_rules_that_never_fired_and_requests_that_fit_none(kms: MockKMS) -> None:
    kms.faults.add("transit/*", id="idle", answer=503)
    call(kms, "GET", KEY)
    assert [rule.id for rule in kms.faults.unfired] == ["idle"]
    assert kms.journal.lines(fault=False) == [f"GET {KEY}"]
