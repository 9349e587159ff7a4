"""Verbs that aiohttp's parser refuses, wherever on a connection they come, and bytes that only look like them."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockkms import MockKMS
from mockkms.server.wire.framing import Framing, method_of
from tests.server.raw_client import Wire

TOKEN = "X-Vault-Token: root\r\n"
LIST = f"LIST /v1/secret/metadata HTTP/1.1\r\nHost: x\r\n{TOKEN}\r\n".encode()
BODY = b'{"data": {"a": "LIST /v1/secret HTTP/1.1\\r\\n\\r\\nSCAN "}}'
WRITE = f"POST /v1/secret/data/LIST HTTP/1.1\r\nHost: x\r\n{TOKEN}content-LENGTH: {len(BODY)}\r\n\r\n".encode() + BODY
TRICKY = f"POST /v1/secret/data/LIST HTTP/1.1\r\nHost: x\r\n{TOKEN}Content-Length: 31\r\n\r\n".encode()
TRICKY += b'{"data":{"LIST / HTTP/1.1":1}} '
PLAIN = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = f"PUT /v1/secret/data/LIST HTTP/1.1\r\nHost: x\r\n{TOKEN}Transfer-Encoding: chunked\r\n\r\n".encode()
CHUNKED += b"8\r\n" + BODY[:8] + b"\r\n" + f"{len(BODY) - 8:x}\r\n".encode() + BODY[8:] + b"\r\n0\r\n\r\n"


pytestmark = pytest.mark.flavors("openbao")


def listed(answer: tuple[int, bytes]) -> list[str]:
    assert answer[0] == 200, answer
    return list(json.loads(answer[1])["data"]["keys"])


def test_keep_alive(kms: MockKMS) -> None:
    with Wire(kms) as wire:
        for message, status in ((LIST, 404), (WRITE, 200), (LIST, 200), (CHUNKED, 200), (LIST, 200), (TRICKY, 200)):
            wire.send(message)
            assert wire.answer()[0] == status
        wire.send(LIST)
        assert listed(wire.answer()) == ["LIST"]
    assert kms.journal.lines(operation="list") == ["LIST /v1/secret/metadata"] * 4


def test_pipelined(kms: MockKMS) -> None:
    with Wire(kms) as wire:
        wire.send(WRITE + LIST + LIST + TRICKY + LIST)
        assert [wire.answer()[0] for _ in range(5)] == [200] * 5


def test_split_at_every_byte(kms: MockKMS) -> None:
    stream = WRITE + LIST
    with Wire(kms) as wire:
        for place in range(1, len(stream)):
            wire.send(stream[:place])
            wire.send(stream[place:])
            assert (wire.answer()[0], listed(wire.answer())) == (200, ["LIST"])
        for place in range(len(stream)):
            wire.send(stream[place : place + 1])
        assert (wire.answer()[0], listed(wire.answer())) == (200, ["LIST"])


def test_a_chunked_body_and_then_list(kms: MockKMS) -> None:
    with Wire(kms) as wire:
        for place in range(1, len(CHUNKED), 7):
            wire.send(CHUNKED[:place])
            wire.send(CHUNKED[place:])
            assert wire.answer()[0] == 200
            wire.send(LIST)
            assert listed(wire.answer()) == ["LIST"]
    stored = kms.journal.entries(operation="update")[-1]
    assert stored.body == BODY


def test_other_verbs(kms: MockKMS) -> None:
    with Wire(kms) as wire:
        wire.send(WRITE)
        assert wire.answer()[0] == 200
        wire.send(LIST.replace(b"LIST", b"SCAN", 1))
        assert listed(wire.answer()) == ["LIST"]
        for verb in (b"PURGE", b"LOCK", b"LINK", b"BIND", b"PROPFIND", b"MKCOL", b"BREW", b"LISTEN", b"L"):
            wire.send(LIST.replace(b"LIST", verb, 1))
            assert (verb, wire.answer()[0]) == (verb, 405)
        wire.send(b"HEAD /v1/sys/health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert wire.answer(head_only=True)[0] == 200
        wire.send(b"OPTIONS /v1/sys/health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert wire.answer()[0] in (204, 405)
        wire.send(LIST)
        assert wire.answer()[0] == 200


def test_other_protocols_are_refused_and_closed(kms: MockKMS) -> None:
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40
    for bytes_sent in (hello, b"LIST\r\n\r\n" + b"x" * 40, b"x" * 99 + b"\n"):
        with Wire(kms) as wire:
            wire.send(bytes_sent)
            assert wire.answer()[0] == 400
    with Wire(kms) as wire:
        wire.send(LIST)
        assert wire.answer()[0] == 404


@given(
    messages=st.lists(st.sampled_from([LIST, WRITE, TRICKY, PLAIN]), min_size=1, max_size=5),
    cuts=st.lists(st.integers(0, 1500), max_size=12),
)
@settings(max_examples=150)
def test_any_division_into_packets(messages: list[bytes], cuts: list[int]) -> None:
    """Only the verbs at the beginnings change, and no byte is lost, whatever the packets."""
    stream = b"".join(messages)
    wanted = b"".join(b"LINK" + message[4:] if message is LIST else message for message in messages)
    framing = Framing()
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    passed = [framing.feed(stream[start:end]) for start, end in pairwise(places)]
    assert b"".join(passed) == wanted


def test_stand_ins_are_read_back() -> None:
    assert [method_of(verb) for verb in ("LINK", "BIND", "GET")] == ["LIST", "SCAN", "GET"]
