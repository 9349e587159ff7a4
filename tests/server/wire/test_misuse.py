"""Misuse of a server in Python: in child processes, by copies, from its own thread, on a port that is taken."""

from __future__ import annotations

import copy
import os
import pickle
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import requests

from mockkms import Cluster, MockKMS, RemoteKMS
from tests.server.raw_client import Wire

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
    pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning"),
]


@contextmanager
def forked(work: Callable[[], object], *, wait: bool = True) -> Iterator[Callable[[], int]]:
    """A child that does some work and then waits for the end of the block; the function returns its exit status.

    The block begins when the work is done, or with ``wait=False`` with it.
    """
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            ours.close()
            work()
            theirs.sendall(b"done")
            theirs.recv(1)
            status = 0
        finally:
            os._exit(status)
    theirs.close()
    ended: list[int] = []

    def end() -> int:
        if not ended:
            if not wait:
                ours.recv(4)
            ours.close()
            ended.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        return ended[0]

    try:
        ours.settimeout(60)
        if wait:
            ours.recv(4)
        yield end
    finally:
        end()


def health(kms: MockKMS) -> int:
    return requests.get(f"{kms.url}/v1/sys/health", verify=kms.ca_file or False, timeout=60).status_code


@pytest.mark.parametrize("tls", [None, True])
def test_a_child_uses_its_parents_server_and_stops_nothing(tmp_path: Path, tls: bool | None) -> None:
    path = tmp_path / "state"
    with MockKMS(tls=tls, state_file=path) as kms:

        def work() -> None:
            assert health(kms) == 200
            with pytest.raises(RuntimeError, match=f"the server runs in process {os.getppid()}; use RemoteKMS"):
                kms.reset()
            kms.stop()
            kms.stop()

        with forked(work) as end:
            assert end() == 0
        assert health(kms) == 200
        assert not kms.ca_file or Path(kms.ca_file).exists()


def test_a_child_has_servers_of_its_own() -> None:
    with MockKMS() as kms:
        url = kms.url

        def work() -> None:
            with MockKMS() as other:
                assert health(other) == 200
            with kms:
                assert kms.url != url
                assert health(kms) == 200

        with forked(work) as end:
            assert end() == 0
        assert kms.url == url
        assert health(kms) == 200


@pytest.mark.parametrize("make", [MockKMS, lambda: Cluster(nodes=2), lambda: MockKMS(control_port=0)])
def test_what_the_server_closes_is_closed_while_a_child_lives(make: Callable[[], MockKMS]) -> None:
    kms = make().start()
    port = int(kms.url.rpartition(":")[2])
    with Wire(kms) as wire:
        wire.send(b"GET /v1/sys/health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert wire.socket.recv(1000)
        with forked(lambda: None):
            kms.stop()
            assert wire.closed()
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port), timeout=60)


def test_a_child_that_exits_leaves_the_certificate(tmp_path: Path) -> None:
    code = """
import os, sys
from mockkms import MockKMS

with MockKMS(tls=True) as kms:
    child = os.fork()
    if child == 0:
        sys.exit(0)  # Runs what a process runs at its end.
    os.waitpid(child, 0)
    assert os.path.exists(kms.ca_file)
print(os.path.exists(kms.ca_file))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert (done.stdout, done.returncode) == ("False\n", 0), done.stderr


def test_a_child_has_connections_of_its_own_to_a_remote_server() -> None:
    with MockKMS(control_token="c") as kms, RemoteKMS(kms.url, control_token="c") as remote:
        kms.faults.add("sys/mounts", status=500)
        assert len(remote.faults.list()) == 1

        def work() -> None:
            for _ in range(300):
                assert remote.state == "unsealed"

        with forked(work, wait=False) as end:
            for _ in range(300):
                assert len(remote.faults.list()) == 1
            assert end() == 0


def test_a_remote_server_is_copied() -> None:
    with MockKMS(control_token="c") as kms, RemoteKMS(kms.url, control_token="c", timeout=7) as remote:
        for copied in (copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))):
            with copied(remote) as other:
                assert (other.url, other.state) == (remote.url, "unsealed")


def test_a_server_is_not_copied() -> None:
    with MockKMS() as kms:
        for copied in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="cannot be pickled or copied; give another process its url and token"):
                copied(kms)  # type: ignore[operator]


def test_a_listener_of_the_journal_may_reset() -> None:
    done = threading.Event()
    with MockKMS() as kms:
        kms.faults.add("sys/mounts", status=500)

        def reset(_: object) -> None:
            if not done.is_set():
                kms.reset()
                done.set()

        kms.journal.subscribe(reset)
        with suppress(requests.ConnectionError):  # Its own request may be cut, as by any reset.
            requests.get(f"{kms.url}/v1/sys/mounts", timeout=60)
        assert done.is_set()
        assert kms.faults.list() == []
        assert health(kms) == 200


def test_an_address_that_is_taken_is_named() -> None:
    with MockKMS() as kms:
        port = int(kms.url.rpartition(":")[2])
        with pytest.raises(OSError) as caught:  # noqa: PT011 - its text is the system's
            MockKMS(port=port).start()
    assert str(caught.value).endswith(f": '127.0.0.1:{port}'")
