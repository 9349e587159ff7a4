"""The server's own behaviour on real sockets: ports, limits, clients that hang, leave, or send too much."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from pathlib import Path

import pytest
import requests

from mockkms import MockKMS
from mockkms.server.gateway.gateway import Gateway
from mockkms.server.wire.server import Server
from mockkms.world.world import World
from tests.waiting import eventually

ROOT = {"X-Vault-Token": "root"}
LIMIT = 32 * 1024 * 1024
OVER_THE_LIMIT = {
    "vault": (500, ["JSON string value exceeds allowed length"]),
    "vault-1.21": (413, ["error reading JSON token: http: request body too large"]),
    "openbao": (413, ["http: request body too large"]),
}


pytestmark = pytest.mark.server(rustfs_port=0)


def connect(kms: MockKMS) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(kms.url.rpartition(":")[2])), timeout=60)


def healthy(kms: MockKMS) -> bool:
    return requests.get(kms.url + "/v1/sys/health", timeout=60).status_code == 200


def test_both_apis_on_every_port(kms: MockKMS) -> None:
    assert kms.url != kms.rustfs_url
    for url in (kms.url, kms.rustfs_url):
        assert requests.get(url + "/v1/sys/health", timeout=60).json()["initialized"] is True
        assert requests.get(url + "/rustfs/admin/v3/kms/status", timeout=60).status_code in (200, 503)
        elsewhere = requests.get(url + "/elsewhere", timeout=60, allow_redirects=False)
        assert (elsewhere.status_code, elsewhere.headers["Location"]) == (307, "/ui/")


def test_a_taken_port(kms: MockKMS) -> None:
    taken = int(kms.url.rpartition(":")[2])
    for ports in ({"port": taken}, {"port": 0, "rustfs_port": taken}):
        other = MockKMS(**ports)
        with pytest.raises(OSError, match="already in use"):
            other.start()
        other.stop()
    assert healthy(kms)


def test_a_server_that_could_not_start_has_no_address(kms: MockKMS, tmp_path: Path) -> None:
    taken = int(kms.url.rpartition(":")[2])
    kept = MockKMS(port=taken, state_file=tmp_path / "kept")
    with pytest.raises(OSError, match="already in use"):
        kept.start()
    with pytest.raises(RuntimeError, match="not running"):
        _ = kept.url
    # Its lock on the file has ended too.
    with MockKMS(state_file=tmp_path / "kept") as other:
        assert healthy(other)


def listens(kms: MockKMS) -> bool:
    with contextlib.suppress(OSError):
        connect(kms).close()
        return True
    return False


def taken_while_refused(kms: MockKMS, seconds: float) -> socket.socket | None:
    """Return a socket that has taken the server's port while it refuses connections; None if the server was faster."""
    kms.faults.add("sys/health", refuse=seconds, times=1)
    with pytest.raises(requests.ConnectionError):
        healthy(kms)
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind(("127.0.0.1", int(kms.url.rpartition(":")[2])))
        found.listen()
    except OSError:
        found.close()
        return None
    return found


def test_a_port_that_was_taken_while_the_server_refused_it_is_opened_as_soon_as_it_is_free(
    kms: MockKMS, caplog: pytest.LogCaptureFixture
) -> None:
    port, held = int(kms.url.rpartition(":")[2]), None
    while held is None:
        held = taken_while_refused(kms, 0.2)
    with held:
        eventually(lambda: bool(caplog.messages))
    eventually(lambda: listens(kms))
    assert healthy(kms)
    assert caplog.messages == [
        f"127.0.0.1:{port} cannot be opened again after the fault `refuse`: Address already in use; trying again until "
        "it can"
    ]


def test_a_reset_says_that_a_port_is_taken(kms: MockKMS) -> None:
    held = taken_while_refused(kms, 60)
    assert held is not None
    with held, pytest.raises(OSError, match="already in use"):
        kms.reset()
    kms.reset()
    assert healthy(kms)


def test_stops_while_a_client_hangs() -> None:
    """Every stage at which a connection can be: idle, half a head, half a body, waiting for its answer."""
    kms = MockKMS().start()
    port = int(kms.url.rpartition(":")[2])
    kms.faults.add("sys/health", hang=True)
    thread = next(thread for thread in threading.enumerate() if thread.name == "mockkms" and thread.is_alive())
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect(kms)) for _ in range(4)]
        clients[1].sendall(b"LIST /v1/secret HT")
        clients[2].sendall(b"POST /v1/secret/data/a HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{")
        clients[3].sendall(b"GET /v1/sys/health HTTP/1.1\r\nHost: x\r\n\r\n")
        while not kms.faults.list()[0].fired:
            thread.join(0.001)
        kms.stop()
        for client in clients:
            with contextlib.suppress(ConnectionResetError):
                assert client.recv(100) == b""
    kms.stop()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=60)


def test_starts_again_after_a_stop() -> None:
    kms = MockKMS()
    for _ in range(2):
        with kms:
            assert healthy(kms)


def test_a_second_start_does_nothing() -> None:
    kms = MockKMS().start()
    url = kms.url
    with kms as same:
        assert (same.url, healthy(kms)) == (url, True)
    kms.stop()
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=60)


def test_threads_that_start_and_stop_one_server() -> None:
    kms, faults = MockKMS(), []

    def start_and_stop() -> None:
        try:
            for _ in range(5):
                kms.start()
                kms.stop()
        except Exception as error:  # noqa: BLE001 - shown by the assertion
            faults.append(error)

    threads = [threading.Thread(target=start_and_stop, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (faults, [thread for thread in threads if thread.is_alive()]) == ([], [])
    with kms:
        assert healthy(kms)


def test_a_listener_of_the_journal_that_fails(kms: MockKMS, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: object) -> None:
        raise LookupError("of the listener")

    kms.journal.subscribe(fail)
    assert healthy(kms)
    kms.journal.unsubscribe(fail)
    assert "LookupError: of the listener" in caplog.text
    caplog.clear()


def test_a_listener_of_the_journal_that_stops_the_server() -> None:
    kms = MockKMS().start()
    url = kms.url
    kms.journal.subscribe(lambda _: kms.stop())
    with contextlib.suppress(requests.ConnectionError):
        requests.get(f"{url}/v1/sys/health", timeout=60)
    with pytest.raises(RuntimeError, match="no address while it is not running"):
        assert kms.url


def test_a_client_killed_mid_request(kms: MockKMS) -> None:
    for part in (b"POST /v1/secr", b"POST /v1/secret/data/a HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{"):
        with connect(kms) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            client.sendall(part)
    assert healthy(kms)
    assert kms.journal.lines() == ["GET /v1/sys/health"]


def test_a_reset_cuts_an_upload(kms: MockKMS) -> None:
    """What was begun before a reset changes nothing after it."""
    with connect(kms) as client:
        head = b"POST /v1/secret/data/a HTTP/1.1\r\nHost: x\r\nX-Vault-Token: root\r\n"
        client.sendall(head + b"Content-Length: 16\r\n\r\n")
        assert healthy(kms)
        kms.reset()
        with contextlib.suppress(OSError):
            client.sendall(b'{"data":{"a":1}}')
            assert client.recv(100) == b""
    assert requests.get(kms.url + "/v1/secret/data/a", headers=ROOT, timeout=60).status_code == 404


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("flavor", OVER_THE_LIMIT)
def test_bodies_up_to_the_limit(flavor: str, chunked: bool) -> None:
    with MockKMS(flavor=flavor, root_token="root") as kms:
        _send_up_to_the_limit(kms, chunked)


def _send_up_to_the_limit(kms: MockKMS, chunked: bool) -> None:
    def send(size: int) -> requests.Response:
        body = b'{"input": "' + b"A" * (size - 13) + b'"}'
        data = iter([body[: size // 2], body[size // 2 :]]) if chunked else body
        return requests.post(kms.url + "/v1/sys/tools/hash", data=data, headers=ROOT, timeout=60)

    over = send(LIMIT + 1)
    assert (over.status_code, over.json()["errors"]) == OVER_THE_LIMIT[kms.flavor]
    assert send(1024 + 1).status_code == 200
    assert healthy(kms)


def test_expect_100_continue(kms: MockKMS) -> None:
    body = b'{"data": {"a": "b"}}'
    head = f"POST /v1/secret/data/a HTTP/1.1\r\nHost: x\r\nX-Vault-Token: root\r\nContent-Length: {len(body)}\r\n"
    with connect(kms) as client:
        client.sendall(head.encode() + b"Expect: 100-continue\r\n\r\n")
        assert client.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(body)
        answer = client.recv(10000)
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        client.sendall(b"LIST /v1/secret/metadata HTTP/1.1\r\nHost: x\r\nX-Vault-Token: root\r\n\r\n")
        assert b'"keys":["a"]' in client.recv(10000)


def test_a_server_that_cannot_open_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(Gateway(World()))

    async def fail(sockets: list[socket.socket]) -> None:
        raise ssl.SSLError("no such luck")

    monkeypatch.setattr(server, "_open", fail)
    with pytest.raises(ssl.SSLError, match="no such luck"):
        server.start()
    server.stop()


def test_ipv6(tmp_path: Path) -> None:
    try:
        kms = MockKMS(host="::1").start()
    except OSError:
        pytest.skip("no IPv6 on this machine")
    with kms:
        assert kms.url.startswith("http://[::1]:")
        assert json.loads(requests.get(kms.url + "/v1/sys/health", timeout=60).content)["sealed"] is False


def test_the_verb_help_asks_for_help(kms: MockKMS) -> None:
    answer = requests.request("HELP", f"{kms.url}/v1/sys/mounts", headers=ROOT, timeout=60)
    assert (
        answer.json()["help"]
        == requests.get(f"{kms.url}/v1/sys/mounts?help=1", headers=ROOT, timeout=60).json()["help"]
    )


def test_a_parameter_repeated_in_a_query_is_a_list_of_texts(kms: MockKMS) -> None:
    answer = requests.get(f"{kms.url}/v1/secret/data/x?version=1&version=2", headers=ROOT, timeout=60)
    assert answer.json()["errors"] == [
        "Field validation failed: error converting input for field \"version\": '' expected type 'int', got "
        "unconvertible type '[]string', value: '[1 2]'"
    ]


def test_a_refused_body_echoes_the_namespace_too(kms: MockKMS) -> None:
    headers = {**ROOT, "X-Vault-Namespace": "a"}
    answer = requests.post(f"{kms.url}/v1/secret/data/x", data="{", headers=headers, timeout=60)
    assert (answer.status_code, answer.headers.get("X-Vault-Namespace")) == (500, "a")


@pytest.mark.parametrize(
    "url", ["http://vault.invalid:8200/v1/sys/health", "http://vault.invalid/v1/sys/health?a=http://b/c"]
)
def test_a_client_may_take_it_for_its_proxy(kms: MockKMS, url: str) -> None:
    answer = requests.get(url, proxies={"http": kms.url}, timeout=60)
    assert answer.json()["initialized"] is True
    assert kms.journal.lines() == ["GET /v1/sys/health" + ("?a=http://b/c" if "?" in url else "")]
    redirect = requests.get("http://vault.invalid", proxies={"http": kms.url}, allow_redirects=False, timeout=60)
    assert redirect.headers["Location"] == "/ui/"


def test_clients_that_leave_within_a_head(kms: MockKMS, caplog: pytest.LogCaptureFixture) -> None:
    port = int(kms.url.rpartition(":")[2])
    for linger in (b"\0" * 8, b"\1\0\0\0\0\0\0\0"):
        left = [socket.create_connection(("127.0.0.1", port)) for _ in range(40)]
        for client in left:
            client.sendall(b"GET /v1/sys/health HTTP/1.1\r\nHo")
        requests.get(f"{kms.url}/v1/sys/health", timeout=60)
        for client in left:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)  # The second kind resets the connection.
            client.close()
        requests.get(f"{kms.url}/v1/sys/health", timeout=60)
    kms.stop()
    kms.start()  # The next tests use it too.
    assert [record for record in caplog.records if record.exc_info] == []


@pytest.mark.parametrize("flavor", ["vault", "openbao"])
def test_pages_have_the_headers_that_are_set(flavor: str) -> None:
    # The documentation of sys/config/ui, and vault/ui.go.
    with MockKMS(flavor=flavor, root_token="root") as kms:
        usual = requests.get(f"{kms.url}/ui/", timeout=60).headers
        assert usual["Content-Security-Policy"].startswith("default-src 'none'; connect-src 'self';")
        assert (usual["X-Content-Type-Options"], usual["Service-Worker-Allowed"]) == ("nosniff", "/")
        for name, values in (("X-Custom", ["a", "b"]), ("Content-Security-Policy", ["none"])):
            requests.put(
                f"{kms.url}/v1/sys/config/ui/headers/{name}",
                json={"values": values}, headers={"X-Vault-Token": "root"}, timeout=60,
            )  # fmt: skip
        changed = requests.get(f"{kms.url}/ui/", timeout=60).headers
        assert (changed["X-Custom"], changed["Content-Security-Policy"]) == ("a", "none")
        assert "X-Custom" not in requests.get(f"{kms.url}/v1/sys/health", timeout=60).headers
