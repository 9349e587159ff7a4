"""Every fault kind in front of a real server: what clients see of it, and whether the server is asked."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from pathlib import Path

import aiohttp
import pytest
import requests
import trustme

from mockkms import Cluster, MockKMS, RemoteKMS
from mockkms.faults.kinds import KINDS, stateless
from mockkms.remote import RemoteError
from mockkms.world.world import NoState
from tests.faults.asking import ClientRequest, by_aiohttp, by_requests
from tests.faults.test_kinds_by_client import CASES, PATH, agreed
from tests.ports import wait_for_port

SEES = {"requests": by_requests, "aiohttp": by_aiohttp}


ROWS = sorted(row for row in CASES if row.split()[0] in stateless())


@pytest.mark.parametrize("client", SEES)
@pytest.mark.parametrize("row", ROWS)
def test_kind(proxy: MockKMS, real: MockKMS, row: str, client: str) -> None:
    case = CASES[row]
    rule = proxy.faults.add(PATH, times=1, **case.words)
    noted = threading.Event()
    proxy.journal.subscribe(lambda entry: noted.set())
    seen = SEES[client](
        ClientRequest("POST", f"{proxy.url}/v1/{PATH}", proxy.token, '{"data": {"n": 1}}', "", case.timeout)
    )
    if case.errors is None:
        assert not seen.error
        assert case.check is not None
        assert case.check(seen), seen
    else:
        assert agreed(seen, case.errors[client]), seen
    assert rule.fired == 1
    wait_for_port(proxy.url)
    assert real.journal.count(PATH, operation="create") == int(case.applied)
    assert noted.wait(60), "a client that gives up is noticed a moment later"
    assert proxy.journal[0].rules == [rule.id]


def test_every_kind_works_or_is_refused() -> None:
    assert {row.split()[0] for row in ROWS} | {"tls"} == {*stateless()}
    for word in {*KINDS} - {*stateless()}:
        with MockKMS(upstream="http://127.0.0.1:9") as proxy, pytest.raises(ValueError, match="a real server answers"):
            proxy.faults.add("*", **{word: KINDS[word].example})


def test_a_handshake_that_fails(real: MockKMS) -> None:
    with MockKMS(upstream=real.url, tls=True) as proxy:
        proxy.faults.add(tls="expired", times=1)
        url = f"{proxy.url}/v1/sys/health"
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(url, verify=proxy.ca_file, timeout=60)
        assert requests.get(url, verify=proxy.ca_file, timeout=60).status_code == 200


def get(kms: MockKMS | RemoteKMS, path: str = "sys/health") -> requests.Response:
    return requests.get(f"{kms.url}/v1/{path}", headers={"X-Vault-Token": "root"}, timeout=60)


def test_a_script_lets_requests_pass(proxy: MockKMS, real: MockKMS) -> None:
    proxy.faults.script([{"expect": "sys/health", "answer": "pass"}, 503, {"expect": "sys/health", "status": 500}])
    statuses = [get(proxy).status_code for _ in range(4)]
    assert statuses == [200, 503, 500, 599]
    assert real.journal.total == 2
    with pytest.raises(AssertionError, match="script exhausted"):
        proxy.faults.assert_script_done()


def test_stale_answers_and_flipped_bits_are_made_of_real_ones(proxy: MockKMS, real: MockKMS) -> None:
    headers = {"X-Vault-Token": real.token}
    url = f"{proxy.url}/v1/{PATH}"
    requests.post(url, json={"data": {"n": "one"}}, headers=headers, timeout=60)
    proxy.faults.add(PATH, operation="read", stale=True)
    assert get(proxy, PATH).json()["data"]["data"] == {"n": "one"}
    requests.post(url, json={"data": {"n": "two"}}, headers=headers, timeout=60)
    assert get(proxy, PATH).json()["data"]["data"] == {"n": "one"}
    assert real.journal.count(PATH, method="GET") == 1
    proxy.faults.clear()
    proxy.faults.add(PATH, flip="data.data.n")
    assert get(proxy, PATH).json()["data"]["data"]["n"] not in ("one", "two")


def test_the_clock_moves_the_rules_and_not_the_server(proxy: MockKMS, real: MockKMS) -> None:
    proxy.clock.freeze("2026-01-01T00:00:00Z")
    proxy.faults.add("*", answer="sealed", lasts="1h")
    assert get(proxy).status_code == 503
    before = real.clock.now()
    proxy.clock.advance(3600)
    assert get(proxy).status_code == 200
    assert real.clock.now() == before


def test_many_at_once(proxy: MockKMS, real: MockKMS) -> None:
    async def ask() -> list[int]:
        async with aiohttp.ClientSession(headers={"X-Vault-Token": real.token}) as session:

            async def one(number: int) -> int:
                async with session.get(f"{proxy.url}/v1/sys/health?n={number}") as answer:
                    await answer.read()
                    return answer.status

            return await asyncio.gather(*(one(number) for number in range(200)))

    proxy.faults.add("sys/health", every=4, answer=503)
    statuses = asyncio.run(ask())
    assert (statuses.count(200), statuses.count(503)) == (150, 50)
    assert (real.journal.total, proxy.journal.total) == (150, 200)


@pytest.mark.parametrize("words", [None, {"applied": True, "answer": 503}, {"lose_answer": True}])
def test_a_disconnect_does_not_undo_a_write(proxy: MockKMS, real: MockKMS, words: dict[str, object] | None) -> None:
    left, written = threading.Event(), threading.Event()
    proxy.journal.subscribe(lambda entry: left.set())
    real.journal.subscribe(lambda entry: written.set())
    real.faults.add(PATH, delay=60)
    if words is not None:
        proxy.faults.add(PATH, **words)
    body, headers = {"data": {"n": 1}}, {"X-Vault-Token": real.token}
    with pytest.raises(requests.ReadTimeout):
        requests.post(f"{proxy.url}/v1/{PATH}", json=body, headers=headers, timeout=1)
    assert left.wait(60)
    entry = proxy.journal.assert_called(PATH, cut="left", status=0)[0]
    assert (entry.operation, entry.mount, entry.token) == ("update", "secret/", real.token)
    real.clock.advance(60)
    assert written.wait(60)
    real.journal.assert_called(PATH, status=200, cut=False)


# -- the server comes and goes ---------------------------------------------------------------------------------------


def test_a_server_that_is_down_at_the_start_and_later() -> None:
    with socket.create_server(("127.0.0.1", 0)) as place:
        port = place.getsockname()[1]
    with MockKMS(upstream=f"http://127.0.0.1:{port}") as proxy:

        def down() -> None:
            got = get(proxy)
            assert (got.status_code, got.headers["X-Mockkms-Upstream"]) == (502, "unreachable")
            assert got.json() == {"errors": [f"mockkms: no answer from http://127.0.0.1:{port}: Connection refused"]}

        down()
        for _ in range(2):
            with MockKMS(port=port) as real:
                assert get(proxy).status_code == 200
                real.faults.add("*", reset=True, times=1)
                assert (get(proxy).status_code, get(proxy).status_code) == (502, 200)
            down()
        proxy.faults.add("*", answer=204)
        assert get(proxy).status_code == 204, "rules answer without a server"


def test_an_address_of_ipv6() -> None:
    try:
        real = MockKMS(host="::1").start()
    except OSError:
        pytest.skip("no IPv6 here")
    with MockKMS(upstream=real.url) as proxy:
        assert get(proxy).status_code == 200
    real.stop()


def test_a_proxy_cannot_be_its_own_upstream() -> None:
    with socket.create_server(("127.0.0.1", 0)) as place:
        port = place.getsockname()[1]
    proxy = MockKMS(upstream=f"http://localhost:{port}", port=port)
    with pytest.raises(ValueError, match="is this server itself"):
        proxy.start()
    with socket.create_server(("127.0.0.1", port)):
        pass


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("127.0.0.1:8200", "is not a valid address"),
        ("http://", "is not a valid address"),
        ("http://a:b", "is not a valid address"),
        ("http://me:secret@a", "must not contain a query, fragment or user"),
        ("http://a/?b", "must not contain a query, fragment or user"),
    ],
)
def test_invalid_upstream_addresses(url: str, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        MockKMS(upstream=url)


def test_a_cluster_answers_itself() -> None:
    with pytest.raises(ValueError, match="cannot be used with a cluster"):
        Cluster(upstream="http://a")


def test_it_stops_and_starts_again(real: MockKMS) -> None:
    proxy = MockKMS(upstream=real.url)
    for _ in range(2):
        with proxy:
            assert get(proxy).status_code == 200


# -- TLS -------------------------------------------------------------------------------------------------------------


def test_a_server_is_trusted_by_its_certificate_or_not_at_all(secure: MockKMS) -> None:
    with MockKMS(upstream=secure.url, upstream_ca=secure.ca_file) as proxy:
        assert get(proxy).status_code == 200
    with MockKMS(upstream=secure.url, upstream_insecure=True) as proxy:
        assert get(proxy).status_code == 200
    with MockKMS(upstream=secure.url) as proxy:
        refused = get(proxy)
    assert (refused.status_code, refused.headers["X-Mockkms-Upstream"]) == (502, "tls")
    assert "unable to get local issuer certificate" in refused.json()["errors"][0]


@pytest.mark.parametrize(
    ("fault", "kind", "text"),
    [
        ("expired", "tls", "certificate has expired"),
        ("wrong-host", "tls", "IP address mismatch"),
        ("close", "unreachable|cut|tls", ""),
        ("reset", "unreachable|cut|tls", ""),
    ],
)
def test_a_handshake_with_the_server_that_fails(secure: MockKMS, fault: str, kind: str, text: str) -> None:
    secure.faults.add(tls=fault, times=1)
    with MockKMS(upstream=secure.url, upstream_ca=secure.ca_file) as proxy:
        refused = get(proxy)
        assert refused.status_code == 502
        assert refused.headers["X-Mockkms-Upstream"] in kind.split("|")
        assert text in refused.json()["errors"][0]
        assert get(proxy).status_code == 200


def test_a_server_that_asks_for_a_certificate_is_shown_ours(tmp_path: Path) -> None:
    authority = trustme.CA()
    demanding = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(demanding)
    authority.configure_trust(demanding)
    demanding.verify_mode = ssl.CERT_REQUIRED
    ours = authority.issue_cert("proxy.example")
    ca_file, cert, key = (str(tmp_path / name) for name in ("ca.pem", "cert.pem", "key.pem"))
    authority.cert_pem.write_to_path(ca_file)
    ours.cert_chain_pems[0].write_to_path(cert)
    ours.private_key_pem.write_to_path(key)
    with MockKMS(tls=demanding) as real:
        with MockKMS(upstream=real.url, upstream_ca=ca_file, upstream_cert=(cert, key)) as proxy:
            assert get(proxy).status_code == 200
        with MockKMS(upstream=real.url, upstream_ca=ca_file) as proxy:
            refused = get(proxy)
        assert (refused.status_code, refused.headers["X-Mockkms-Upstream"]) == (502, "cut")
    with pytest.raises(ValueError, match="No such file"):
        MockKMS(upstream="https://127.0.0.1:9", upstream_cert=(cert, tmp_path / "none.pem"))


# -- tenants, control ------------------------------------------------------------------------------------------------


def test_tenants_have_rules_and_journals_of_their_own(proxy: MockKMS, real: MockKMS) -> None:
    proxy.faults.add("sys/leader", answer=503)
    proxy.set_baseline()
    one, other = proxy.tenant("one"), proxy.tenant("other")
    one.faults.add("sys/health", answer="sealed")
    url = "/v1/sys/health"
    assert [requests.get(kms.url + url, timeout=60).status_code for kms in (one, other, proxy)] == [503, 200, 200]
    assert [kms.journal.total for kms in (one, other, proxy)] == [1, 1, 1]
    assert requests.get(f"{one.url}/v1/sys/leader", timeout=60).status_code == 503, "made from the baseline"
    assert real.journal.lines() == ["GET /v1/sys/health", "GET /v1/sys/health"]
    assert (one.token, one.state) == (real.token, "proxy")
    with pytest.raises(ValueError, match="a real server answers here"):
        one.faults.add("*", seal=True)
    told = requests.get(f"{one.url}/_mockkms/", timeout=60).json()
    assert (told["mode"], told["upstream"]) == ("proxy", real.url)


def test_operations_that_need_state_are_refused(proxy: MockKMS) -> None:
    for do in (proxy.seal, proxy.unseal, proxy.dump, proxy.snapshot, lambda: proxy.explain("root", "read", "a")):
        with pytest.raises(NoState, match=r"^\w+: a real server answers here \(http://"):
            do()
    with pytest.raises(NoState):
        proxy.load({"vault": {"root_token": "mine"}})
    proxy.load({"faults": [{"path": "sys/health", "answer": 503}]})
    assert get(proxy).status_code == 503
    proxy.load()
    assert get(proxy).status_code == 200
    assert proxy.unseal_keys == []


@pytest.mark.parametrize(
    ("method", "path", "data"),
    [
        ("GET", "state?format=yaml", None),
        ("POST", "state", {"seal": True}),
        ("POST", "state", {"advance": "1h"}),
        ("POST", "state", {"restart": "lose"}),
        ("POST", "snapshots/a", None),
        ("POST", "snapshots/a/restore", None),
        ("GET", "snapshots/a/diff", None),
        ("POST", "world", {"worlds": [{"vault": {"root_token": "mine"}}]}),
        ("POST", "explain", {"token": "root", "operation": "read", "path": "a"}),
    ],
)
def test_the_control_api_refuses_them_too(proxy: MockKMS, method: str, path: str, data: object) -> None:
    refused = requests.request(method, f"{proxy.url}/_mockkms/{path}", json=data, timeout=60)
    assert refused.status_code == 400
    assert "a real server answers here" in refused.json()["message"]


def test_the_control_api_without_the_state(proxy: MockKMS, real: MockKMS) -> None:
    state = requests.get(f"{proxy.url}/_mockkms/state", timeout=60).json()
    assert (state["mode"], state["upstream"], state["seal"]) == ("proxy", real.url, "proxy")
    assert requests.get(f"{real.url}/_mockkms/state", timeout=60).json()["mode"] == "emulator"
    words = {"set_state": "down", "fault_header": True}
    assert requests.post(f"{proxy.url}/_mockkms/state", json=words, timeout=60).json()["rules_state"] == "down"
    refusing = requests.post(f"{proxy.url}/_mockkms/state", json={"refuse": 0.01}, timeout=60)
    assert (refusing.status_code, refusing.headers["Connection"]) == (200, "close")
    wait_for_port(proxy.url)
    proxy.faults.add("sys/health", status=500)
    assert get(proxy).headers["X-Mockkms-Fault"] == "rule-1"


def test_held_from_elsewhere(proxy: MockKMS, real: MockKMS) -> None:
    with RemoteKMS(proxy.url) as remote:
        assert (remote.state, remote.token, remote.unseal_keys) == ("proxy", real.token, [])
        one = remote.tenant("one", now=True)
        one.load()
        one.faults.add("sys/*", answer="sealed", times=1)
        assert [get(one).status_code for _ in range(2)] == [503, 200]
        one.journal.assert_called("sys/health", times=2)
        assert (one.lint(), str(one.privileges())) == ([], "")
        for do in (one.seal, one.snapshot, one.dump):
            with pytest.raises((RemoteError, ValueError), match="a real server answers here"):
                do()
        one.reset()
        assert len(one.journal) == 0
