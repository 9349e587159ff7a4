"""Requests that come in one piece are answered without aiohttp: exactly as those that pass through it."""

from __future__ import annotations

import re

import pytest
from aiohttp.web_protocol import RequestHandler

from mockkms import MockKMS
from mockkms.server.wire.framing import Framing
from mockkms.world.journal.entry import Entry
from tests.server.raw_client import Wire

HEAD = "{} {} HTTP/1.1\r\nHost: x\r\nX-Vault-Token: root\r\n"
SENT = [
    HEAD.format("GET", "/v1/sys/health") + "\r\n",
    HEAD.format("HEAD", "/v1/sys/health") + "\r\n",
    HEAD.format("GET", "/v1/auth/token/lookup-self?x=%20y") + "\r\n",
    HEAD.format("LIST", "/v1/auth/token/accessors") + "\r\n",
    HEAD.format("GET", "/v1/auth/token/accessors?list=true") + "\r\n",
    HEAD.format("OPTIONS", "/v1/sys/health") + "\r\n",
    HEAD.format("DELETE", "/v1/secret/data/none") + "\r\n",
    HEAD.format("POST", "/v1/sys/tools/hash") + 'Content-Length: 17\r\n\r\n{"input": "YWE="}',
    HEAD.format("PUT", "/v1/secret/data/a") + 'Content-Length: 6\r\n\r\n{"bad"',
    HEAD.format("PATCH", "/v1/secret/data/a") + "Content-Length: 2\r\n\r\n{}",
    HEAD.format("GET", "/v1/no/such/mount") + "\r\n",
    HEAD.format("GET", "/v1/sys//health") + "\r\n",
    HEAD.format("GET", "/v1") + "\r\n",
    HEAD.format("GET", "/ui/") + "\r\n",
    HEAD.format("GET", "/t/other/v1/sys/health") + "\r\n",
    HEAD.format("GET", "/_mockkms/health") + "\r\n",
    HEAD.format("GET", "/v1/sys/health") + "Origin: http://evil.example\r\n\r\n",
    HEAD.format("GET", "/v1/sys/health") + "X-Odd:  \xc3\xa4 b\r\nx-vault-namespace: n\r\n\r\n",
]
_LENGTH = re.compile(rb"Content-Length: (\d+)")


def whole_answer(wire: Wire, *, bodiless: bool) -> bytes:
    """The next answer, head and body, without its date."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += wire.socket.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    while length is not None and not bodiless and len(body) < int(length[1]):
        body += wire.socket.recv(65536)
    return re.sub(rb"Date: [^\r]*", b"", head) + body


def facts(entry: Entry) -> list[object]:
    """What the journal keeps of a request."""
    names = ("time", "service", "method", "target", "body", "asked", "status", "answer", "seconds", "trace")
    return [list(entry.headers.items()), *(getattr(entry, name) for name in names)]


@pytest.mark.parametrize("sent", SENT)
def test_the_answer_is_the_same_as_through_aiohttp(sent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data, bodiless = sent.encode("latin-1"), sent.startswith("HEAD")
    given: list[bytes] = []
    take = RequestHandler.data_received

    def noted(self: RequestHandler, data: bytes) -> None:
        given.append(data)
        take(self, data)

    monkeypatch.setattr(RequestHandler, "data_received", noted)
    with MockKMS(rng=1) as kms:
        kms.clock.freeze()
        before = kms.snapshot()
        with Wire(kms) as wire:
            wire.send(data)
            answers = [whole_answer(wire, bodiless=bodiless)]
        first = [facts(entry) for entry in kms.journal]
        kms.restore(before)
        assert bool(given) == bool(re.search("/t/|/_mockkms/", sent))
        monkeypatch.setattr(Framing, "whole", lambda *_: None)
        with Wire(kms) as wire:
            wire.send(data)
            answers.append(whole_answer(wire, bodiless=bodiless))
        assert given
        assert answers[0] == answers[1]
        assert first == [facts(entry) for entry in kms.journal]


def test_an_error_of_the_server_is_answered_and_logged(
    kms: MockKMS, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(kms.world.core, "handle", fail)
    with Wire(kms) as wire:
        wire.send((HEAD.format("GET", "/v1/sys/mounts") + "\r\n").encode())
        assert wire.answer()[0] == 500
    assert "a defect" in caplog.text


def test_a_client_that_does_not_read_is_not_answered_without_end(kms: MockKMS) -> None:
    """Requests in one piece each, whose answers nobody reads: the server stops reading."""
    request = (HEAD.format("GET", "/v1/sys/mounts") + "\r\n").encode()
    with Wire(kms) as wire:
        wire.socket.setblocking(False)
        sent = 0
        try:
            for _ in range(20_000):
                sent += wire.socket.send(request)
        except BlockingIOError:
            pass
        wire.socket.settimeout(60)
        assert len(kms.journal) < 20_000
