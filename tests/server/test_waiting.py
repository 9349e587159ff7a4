"""Requests that wait for another server: the rest of the world goes on meanwhile."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

import pytest
import requests

from mockkms import Cluster, MockKMS, outside
from mockkms.outside import ldap
from mockkms.server.gateway.threads import MOST
from tests.waiting import PATIENCE, eventually


class Peer:
    """A server that takes connections and answers nothing until it is told to hang up."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.connected = threading.Semaphore(0)
        self._held: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                held, _ = self._listener.accept()
            except OSError:
                return
            self._held.append(held)
            self.connected.release()

    def hang_up(self) -> None:
        self._listener.close()
        for held in self._held:
            held.close()


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Peer]:
    # No login gives up before its test ends, on a busy machine either.
    monkeypatch.setattr(outside, "PATIENCE", PATIENCE)
    monkeypatch.setattr(ldap, "PATIENCE", PATIENCE)
    made = Peer()
    yield made
    made.hang_up()


def request_threads() -> list[threading.Thread]:
    """The threads of requests that wait for another server or for the world."""
    return [thread for thread in threading.enumerate() if thread.name == "mockkms request"]


def log_in(kms: MockKMS, answers: list[requests.Response]) -> threading.Thread:
    def post() -> None:
        body = {"password": "p"}
        answers.append(requests.post(f"{kms.url}/v1/auth/ldap/login/ann", json=body, timeout=60))

    thread = threading.Thread(target=post)
    thread.start()
    return thread


def prepare(kms: MockKMS, peer: Peer) -> dict[str, str]:
    headers = {"X-Vault-Token": kms.token}
    requests.post(f"{kms.url}/v1/sys/auth/ldap", json={"type": "ldap"}, headers=headers, timeout=60)
    config = {"url": f"ldap://127.0.0.1:{peer.port}", "userdn": "ou=p,dc=x"}
    done = requests.post(f"{kms.url}/v1/auth/ldap/config", json=config, headers=headers, timeout=60)
    assert done.status_code == 204
    return headers


def test_others_are_answered_while_ten_logins_wait(peer: Peer) -> None:
    with MockKMS() as kms:
        headers = prepare(kms, peer)
        answers: list[requests.Response] = []
        waiting = [log_in(kms, answers) for _ in range(10)]
        for _ in waiting:
            assert peer.connected.acquire(timeout=60)
        assert requests.get(f"{kms.url}/v1/sys/health", timeout=60).status_code == 200
        written = requests.post(f"{kms.url}/v1/secret/data/a", json={"data": {}}, headers=headers, timeout=60)
        assert written.status_code == 200
        assert not answers
        peer.hang_up()
        for thread in waiting:
            thread.join(60)
        assert [answer.status_code for answer in answers] == [400] * 10
        assert kms.journal.count("auth/ldap/login/ann") == 10


def test_a_server_stops_while_a_request_waits(peer: Peer) -> None:
    with MockKMS() as kms:
        prepare(kms, peer)
        with socket.create_connection(("127.0.0.1", int(kms.url.rpartition(":")[2]))) as client:
            body = b'{"password": "p"}'
            head = f"POST /v1/auth/ldap/login/ann HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n"
            client.sendall(head.encode() + body)
            assert peer.connected.acquire(timeout=60)
            kms.stop()
            client.settimeout(60)
            assert client.recv(100) == b""


def test_others_are_answered_while_every_thread_for_long_requests_waits(peer: Peer) -> None:
    with MockKMS() as kms:
        headers = prepare(kms, peer)
        answers: list[requests.Response] = []
        waiting = [log_in(kms, answers) for _ in range(MOST)]
        for _ in waiting:
            assert peer.connected.acquire(timeout=60)
        found: list[int] = []

        def look() -> None:
            url = f"{kms.url}/v1/auth/token/lookup-self"
            found.append(requests.get(url, headers=headers, timeout=60).status_code)

        with kms.world.lock:
            other = threading.Thread(target=look)
            other.start()
            eventually(lambda: len(request_threads()) > MOST)  # It has arrived, and found the world in use.
        other.join(60)
        assert found == [200]
        assert not answers
        peer.hang_up()
        for thread in waiting:
            thread.join(60)


BODIES = {"short": "x", "long": "x" * 100_000}
"""A request finds the world in use, or is answered on a thread in any case."""


@pytest.mark.parametrize("size", BODIES)
@pytest.mark.parametrize("server", [MockKMS, partial(Cluster, 3)], ids=["single", "cluster"])
def test_a_request_that_waits_for_the_world_does_not_change_it_after_a_reset(
    server: Callable[[], MockKMS], size: str
) -> None:
    def write() -> None:
        body, headers = {"data": {"a": BODIES[size]}}, {"X-Vault-Token": kms.token}
        with suppress(requests.ConnectionError):
            requests.post(f"{kms.url}/v1/secret/data/late", json=body, headers=headers, timeout=60)

    with server() as kms:
        client = threading.Thread(target=write)
        with kms.world.lock:
            client.start()
            eventually(request_threads)
            kms.reset()
        client.join()
        eventually(lambda: not request_threads())
        assert "late" not in kms.dump()
