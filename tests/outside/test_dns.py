"""Queries to a name server that answers well, badly, or not at all."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator

import pytest

from mockkms import outside
from mockkms.outside import dns

Answers = Callable[[bytes], list[bytes]]
Serve = Callable[[Answers], tuple[str, int]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts name servers that send back, for each query, what a function returns."""
    opened: list[socket.socket] = []

    def start(answers: Answers) -> tuple[str, int]:
        channel = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        channel.bind(("127.0.0.1", 0))
        opened.append(channel)

        def run() -> None:
            while True:
                try:
                    query, client = channel.recvfrom(4096)
                    for answer in answers(query):
                        channel.sendto(answer, client)
                except OSError:
                    return

        threading.Thread(target=run, daemon=True).start()
        return "127.0.0.1", int(channel.getsockname()[1])

    yield start
    for channel in opened:
        channel.close()


def response(query: bytes, records: bytes, count: int, flags: int = 0x8180) -> bytes:
    return query[:2] + struct.pack("!5H", flags, 1, count, 0, 0) + query[12:] + records


def record(kind: int, data: bytes, owner: bytes = b"\xc0\x0c") -> bytes:
    return owner + struct.pack("!HHIH", kind, 1, 60, len(data)) + data


def test_texts_of_several_parts(serve: Serve) -> None:
    server = serve(lambda query: [response(query, record(dns.TXT, b"\x05first\x06second"), 1)])
    assert dns.texts(server, "a.test.", 5) == ["firstsecond"]


def test_addresses_of_both_families(serve: Serve) -> None:
    def answers(query: bytes) -> list[bytes]:
        kind = int.from_bytes(query[-4:-2], "big")
        data = socket.inet_aton("127.0.0.1") if kind == dns.A else socket.inet_pton(socket.AF_INET6, "::1")
        return [response(query, record(kind, data), 1)]

    assert dns.addresses(serve(answers), "a.test", 5) == ["127.0.0.1", "::1"]


def test_packets_that_are_no_answer_are_ignored(serve: Serve) -> None:
    def answers(query: bytes) -> list[bytes]:
        other = bytes((query[0] ^ 1,)) + query[1:]
        good = response(query, record(dns.TXT, b"\x02ok"), 1)
        endless = response(query, record(dns.TXT, b"\x01x", b"\xc0" + bytes((len(query),))), 1)
        return [b"", b"x", query, response(other, record(dns.TXT, b"\x03bad"), 1), good[:-1], endless, good]

    assert dns.texts(serve(answers), "a.test", 5) == ["ok"]


@pytest.mark.parametrize(("code", "text"), [(3, "no such host"), (2, "server misbehaving"), (0, "no such host")])
def test_refusals(serve: Serve, code: int, text: str) -> None:
    server = serve(lambda query: [response(query, b"", 0, 0x8180 | code)])
    with pytest.raises(OSError, match=text):
        dns.texts(server, "a.test", 5)


def test_aliases_in_a_circle(serve: Serve) -> None:
    server = serve(lambda query: [response(query, record(dns.CNAME, b"\xc0\x0c"), 1)])
    with pytest.raises(OSError, match="no such host"):
        dns.texts(server, "a.test", 5)


def test_silence_ends(serve: Serve) -> None:
    asked: list[bytes] = []
    server = serve(lambda query: asked.append(query) or [])
    with pytest.raises(OSError, match="i/o timeout"):
        dns.texts(server, "a.test", 0.2)
    assert len(asked) == 2, "a lost packet is sent again"


@pytest.mark.parametrize("name", ["", "a..test", "x" * 64 + ".test", ".".join(["x" * 60] * 5)])
def test_names_that_cannot_be_asked(serve: Serve, name: str) -> None:
    with pytest.raises(OSError, match="no such host"):
        dns.texts(serve(lambda _query: []), name, 0.2)


def test_pages_of_other_machines_are_not_fetched() -> None:
    with pytest.raises(OSError, match=r"192\.0\.2\.1 is not on this machine"):
        outside.fetch("192.0.2.1", 80, "http://a.test/", 10)
