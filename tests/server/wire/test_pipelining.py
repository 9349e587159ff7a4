"""Hundreds of requests on one connection before the first answer is read: all are answered, in their order."""

from __future__ import annotations

import json
import threading

import pytest

from mockkms import MockKMS
from tests.server.raw_client import Wire

COUNT = 400
"""Far more than aiohttp takes in before it stops reading a connection."""
HEAD = "HTTP/1.1\r\nHost: x\r\nX-Vault-Token: root\r\n"


def message(number: int) -> bytes:
    """One of three: a write with a body that looks like a request, a list, a read of what was written."""
    folder = number // 3
    if number % 3 == 0:
        body = json.dumps({"data": {"LIST /v1/secret HTTP/1.1\r\n\r\n": str(number)}}).encode()
        return f"POST /v1/secret/data/{folder}/leaf{number} {HEAD}Content-Length: {len(body)}\r\n\r\n".encode() + body
    if number % 3 == 1:
        return f"LIST /v1/secret/metadata/{folder} {HEAD}\r\n".encode()
    return f"GET /v1/secret/data/{folder}/leaf{number - 2} {HEAD}\r\n".encode()


STREAM = b"".join(message(number) for number in range(COUNT))


def check(wire: Wire) -> None:
    """Each answer belongs to its request."""
    for number in range(COUNT):
        status, body = wire.answer()
        assert (number, status) == (number, 200), body
        data = json.loads(body)["data"]
        if number % 3 == 0:
            assert data["version"] == 1
        elif number % 3 == 1:
            assert data["keys"] == [f"leaf{number - 1}"]
        else:
            assert list(data["data"].values()) == [str(number - 2)]


def sent_beside(wire: Wire, pieces: list[bytes]) -> threading.Thread:
    """Send from a thread of its own, so that a full socket holds up no reading."""

    def send() -> None:
        for piece in pieces:
            wire.send(piece)

    thread = threading.Thread(target=send)
    thread.start()
    return thread


@pytest.mark.parametrize("size", [len(STREAM), 4099, 61])
def test_all_are_answered_in_order_whatever_the_packets(kms: MockKMS, size: int) -> None:
    with Wire(kms) as wire:
        thread = sent_beside(wire, [STREAM[start : start + size] for start in range(0, len(STREAM), size)])
        check(wire)
        thread.join()
    assert kms.journal.lines() == [
        " ".join(message(number).split(b"\r\n")[0].decode().split()[:2]) for number in range(COUNT)
    ]


def test_the_connection_goes_on_after_them(kms: MockKMS) -> None:
    with Wire(kms) as wire:
        for _ in range(2):
            kms.reset()
            thread = sent_beside(wire, [STREAM])
            check(wire)
            thread.join()


def test_a_delayed_first_answer_loses_none(kms: MockKMS) -> None:
    """What comes while the first request still waits is set aside, and taken up again later."""
    kms.faults.add("secret/data/0/leaf0", delay="100ms", times=1)
    with Wire(kms) as wire:
        thread = sent_beside(wire, [STREAM])
        check(wire)
        thread.join()
