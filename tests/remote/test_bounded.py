"""Servers that never end their response, or send something else: every client of one ends with a message."""

from __future__ import annotations

import os
import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Event

import pytest

from mockkms import MockKMS
from mockkms.cli import main
from mockkms.remote import bounded
from mockkms.remote.document import RemoteError
from mockkms.remote.wire import Wire
from tests.server.raw_server import RawServer

DEEP = b"[" * 100_000
GARBAGE = b"\x1b]0;title\x07 and more\r\n\r\n"
CUT = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\nConnection: close\r\n\r\n{"a"'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
ENDLESS = {
    "body": (HEAD + b"Content-Length: 100000\r\n\r\n", b" "),
    "chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "head": (b"HTTP/1.1 200 OK\r\nX-A: ", b"y"),
    "continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}


@pytest.fixture
def raw() -> Iterator[RawServer]:
    server = RawServer()
    yield server
    server.close()


def dripping(kind: str, ended: Event) -> Callable[[socket.socket], object]:
    """An answer that sends a little now and then."""
    beginning, more = ENDLESS[kind]

    def answer(made: socket.socket) -> None:
        with suppress(OSError):
            made.sendall(beginning)
            while not ended.wait(0.05):
                made.sendall(more)

    return answer


@pytest.mark.parametrize("kind", ENDLESS)
def test_a_response_that_never_ends(raw: RawServer, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    ended = Event()
    raw.will(dripping(kind, ended), dripping(kind, ended))
    with pytest.raises(RemoteError, match="timed out"):
        Wire(raw.url, timeout=0.2).get("state")
    assert main(["capture", "--upstream", raw.url, "--max-seconds", "0.5"]) == 2
    assert "its response did not end within" in capsys.readouterr().err
    ended.set()


def test_a_response_that_is_too_large(raw: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "LARGEST", 1024 * 1024)
    raw.will(HEAD + b"Content-Length: 1048577\r\n\r\n" + b" " * 1048577)
    with pytest.raises(RemoteError, match="its response has more than 1 MiB"):
        Wire(raw.url).get("state")


@pytest.mark.parametrize(("sent", "named"), [(GARBAGE, "BadStatusLine"), (CUT, "IncompleteRead")])
def test_a_response_that_is_not_http(
    raw: RawServer, sent: bytes, named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(made: socket.socket) -> None:
        made.sendall(sent)

    raw.will(answer, answer)
    with pytest.raises(RemoteError) as caught:
        Wire(raw.url).get("state")
    assert str(caught.value).endswith(f"its response is not HTTP, or incomplete ({named})")
    assert main(["status", "-address", raw.url]) == 1
    said = capsys.readouterr().err
    assert "the response is not HTTP, or not JSON" in said
    assert "\x1b" not in said


def test_a_response_of_many_levels(raw: RawServer, capsys: pytest.CaptureFixture[str]) -> None:
    deep = HEAD + f"Content-Length: {len(DEEP)}\r\n\r\n".encode() + DEEP
    raw.will(deep, deep)
    with pytest.raises(RemoteError, match="is not a mockkms server"):
        Wire(raw.url).get("state")
    assert main(["status", "-address", raw.url]) == 1
    assert "the response is not HTTP, or not JSON (JSONDecodeError)" in capsys.readouterr().err


def test_a_client_with_thousands_of_open_files(kms: MockKMS) -> None:
    """``select`` refuses descriptors from 1,024 on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2048:
        pytest.skip("this system allows no 2,048 open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (2048, hard))
    held = [os.dup(0) for _ in range(1100)]
    try:
        wire = Wire(kms.url)
        assert [wire.get("clock").data["frozen"] for _ in range(3)] == [False] * 3
        wire.close()
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
