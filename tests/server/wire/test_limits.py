"""Time limits, and clients that speak the wrong protocol."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import ssl
import time
from collections.abc import Iterator

import pytest

from mockkms import MockKMS
from mockkms.server.wire import protocol
from tests.server.raw_client import Wire

HEAD = b"POST /v1/secret/data/a HTTP/1.1\r\nHost: x\r\nX-Vault-Token: root\r\n"
HEALTH = b"GET /v1/sys/health HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> Iterator[MockKMS]:
    """A server with short limits."""
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.2)
    monkeypatch.setattr(protocol, "REQUEST_SECONDS", 1.0)
    with MockKMS(flavor="openbao") as kms:
        yield kms


def test_the_limits_are_those_of_vault() -> None:
    assert (protocol.HEAD_SECONDS, protocol.REQUEST_SECONDS, protocol.IDLE_SECONDS) == (10, 30, 300)


@pytest.mark.parametrize("sent", [HEALTH, HEALTH[:20], HEALTH.replace(b"health", b"seal-status") * 2])
def test_an_idle_connection_is_closed(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    """In one piece, in two, and two requests at once: answered with and without aiohttp."""
    monkeypatch.setattr(protocol, "IDLE_SECONDS", 0.2)
    with MockKMS() as kms, Wire(kms) as wire:
        started = time.monotonic()
        wire.send(sent)
        if len(sent) == 20:
            wire.send(HEALTH[20:])
        while not wire.closed():
            pass
        assert time.monotonic() - started >= 0.2


@pytest.mark.parametrize("sent", [b"", b"GET /v1/sys", HEAD])
def test_a_head_that_does_not_come_ends_the_connection_without_an_answer(hasty: MockKMS, sent: bytes) -> None:
    started = time.monotonic()
    with Wire(hasty) as wire:
        wire.send(sent)
        assert wire.closed()
    assert time.monotonic() - started > 0.1


def test_a_second_head_has_the_same_time(hasty: MockKMS) -> None:
    with Wire(hasty) as wire:
        wire.send(HEALTH)
        assert wire.answer()[0] == 200
        time.sleep(0.4)
        wire.send(HEALTH + b"GET")
        assert wire.answer()[0] == 200
        assert wire.closed()


@pytest.mark.parametrize("body", [b"Content-Length: 9\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"])
def test_a_body_that_does_not_come_is_answered(hasty: MockKMS, body: bytes, caplog: pytest.LogCaptureFixture) -> None:
    with Wire(hasty) as wire:
        here, there = wire.socket.getsockname(), wire.socket.getpeername()
        wire.send(HEAD + body)
        status, answer = wire.answer()
        assert status == 500
        fault = f"read tcp 127.0.0.1:{there[1]}->127.0.0.1:{here[1]}: i/o timeout"
        assert json.loads(answer)["errors"] == [fault]
        assert wire.closed()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_request_after_a_slow_one_does_not_time_out(hasty: MockKMS) -> None:
    hasty.faults.add("sys/health", delay="1200ms", times=1)
    body = b'{"data": {"a": 1}}'
    with Wire(hasty) as wire:
        wire.send(HEALTH + HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body[:5])
        assert wire.answer()[0] == 200
        wire.send(body[5:])
        assert wire.answer()[0] == 200


@pytest.mark.parametrize("line", [b"GET /v1/sys/health HTTP/1.1", b"HEAD / HTTP/1.1", b"POST / HTTP/1.1"])
def test_plain_http_on_a_port_with_tls(line: bytes) -> None:
    with MockKMS(tls=True) as kms, socket.create_connection(("127.0.0.1", int(kms.url.rpartition(":")[2]))) as made:
        made.settimeout(60)
        made.sendall(line + b"\r\nHost: x\r\n\r\n")
        got = b""
        while piece := made.recv(1000):
            got += piece
        assert got == b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"


def test_a_tls_handshake_in_small_pieces_is_recognized() -> None:
    with MockKMS(tls=True) as kms:
        context = ssl.create_default_context(cafile=kms.ca_file)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
        with socket.create_connection(("127.0.0.1", int(kms.url.rpartition(":")[2]))) as made:
            made.settimeout(60)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with pytest.raises(ssl.SSLWantReadError):
                client.do_handshake()
            for byte in outgoing.read():
                made.sendall(bytes([byte]))
            incoming.write(made.recv(65536))
            assert incoming.pending


def test_connections_that_are_neither_http_nor_tls_are_closed() -> None:
    with MockKMS(tls=True) as kms, socket.create_connection(("127.0.0.1", int(kms.url.rpartition(":")[2]))) as made:
        made.settimeout(60)
        made.sendall(b"nonsense of some length\r\n\r\n")
        got = b""
        with contextlib.suppress(ConnectionResetError):
            got = made.recv(1000)
        assert not got.startswith(b"HTTP")
