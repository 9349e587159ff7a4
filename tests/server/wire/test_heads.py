"""Heads: what is kept of them, and that the short way and the long way read alike."""

from __future__ import annotations

import time

import pytest

from mockkms.server.wire.framing import Framing
from mockkms.server.wire.heads import MAX_HEAD, read_fields, read_head, usual_fields, usual_method

USUAL = [
    b"GET /v1/a HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /v1/a?b=c&d=%20 HTTP/1.1\r\nHost: [::1]:8200\r\nContent-Length:  7\r\nX-Vault-Token: a b\r\n\r\n",
    b"LIST /v1/a/ HTTP/1.1\r\nhost:x\r\nConnection: keep-alive\r\nAccept: */*\r\n\r\n",
]
UNUSUAL = [
    b"GET /v1/a HTTP/1.1\r\n\r\n",
    b"GET /v1/a HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
    b"GET /v1/a HTTP/1.1\r\nHost: a/b\r\n\r\n",
    b"GET /v1/a HTTP/1.1\r\nHost: x\r\nContent-Length: +7\r\n\r\n",
    b"GET /v1/a HTTP/1.1\r\nHost: x\r\nContent-Length: 7 8\r\n\r\n",
    b"GET /v1/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"GET /v1/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"GET /v1/a HTTP/1.1\r\nHost: x\r\nX-A: b \r\n\r\n",
    b"GET /v1/a HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n",
    b"GET /v1/%zz HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /v1/a#b HTTP/1.1\r\nHost: x\r\n\r\n",
]


def _short(head: bytes) -> int:
    """Return the body's length as the short way reads it; -1 where it does not."""
    line_end = head.find(b"\r\n")
    return usual_fields(head[line_end:]).length if usual_method(head, line_end) else -1


@pytest.mark.parametrize("head", USUAL)
def test_a_usual_head_is_read_equally_by_both_readers(head: bytes) -> None:
    found = read_head(head)
    assert found is not None
    assert (found[0].length, found[1], found[0].closes) == (_short(head), len(head), False)
    assert found[0].target.encode() == head.split(b" ")[1]


@pytest.mark.parametrize("head", UNUSUAL)
def test_an_unusual_head_is_read_by_the_full_reader(head: bytes) -> None:
    assert _short(head) == -1


@pytest.mark.parametrize("piece", [b"a" * 65536, b"X-A: b\r\n" * 8192])
def test_the_part_of_a_head_that_is_kept_is_bounded(piece: bytes) -> None:
    framing = Framing()
    framing.feed(b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: ")
    passed, sent = b"", 0
    while not passed:
        passed = framing.feed(piece)
        sent += len(piece)
        assert sent <= MAX_HEAD + 2 * len(piece)
    assert framing.notes[1].refusal.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    assert (framing.closed, framing.between, framing.feed(b"GET /")) == (True, True, b"")


def test_a_head_in_small_pieces_is_read_in_linear_time() -> None:
    def seconds(lines: int) -> float:
        framing, started = Framing(), time.process_time()
        framing.feed(b"GET /v1/a HTTP/1.1\r\nHost: x\r\n")
        for number in range(lines):
            framing.feed(b"X-%d: b\r\n" % number)
        assert framing.feed(b"\r\n").startswith(b"GET /")
        return time.process_time() - started

    assert seconds(20_000) < 25 * max(seconds(2_000), 0.02)


@pytest.mark.parametrize("end", [b"\r\n\r\n", b"\n\n", b"\n\r\n"])
def test_the_end_of_a_long_head_is_seen_wherever_it_is_cut(end: bytes) -> None:
    head = b"GET /v1/a HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 20_000 + end
    for cut in range(len(head) - 6, len(head)):
        framing = Framing()
        framing.feed(head[:cut])
        assert framing.feed(head[cut:]).startswith(b"GET /"), cut
        assert framing.between


def test_a_wrong_line_is_refused_before_the_head_ends() -> None:
    framing = Framing()
    framing.feed(b"GET /v1/a HTTP/1.1\r\nHost: x\r\n")
    framing.feed(b"no field\r\n")
    assert framing.notes[1].refusal.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "fields",
    [
        b"X-A: a" + b" " * 900_000 + b"b\r\n",
        b"X-A: " + b" \t" * 450_000 + b"\r\n",
        b"X-A: b\r\n" + b" c\r\n" * 200_000,
        b"A: b\r\n" * 170_000,
        b"A:\r\n" * 200_000 + b"B: c\r\n d\r\n",
        b"A" * 900_000 + b": b\r\n",
    ],
)
def test_long_fields_are_read_in_linear_time(fields: bytes) -> None:
    started = time.process_time()
    found = read_head(b"GET / HTTP/1.1\r\nHost: x\r\n" + fields + b"\r\n")
    assert found is not None
    assert time.process_time() - started < 2


def test_the_fast_reader_of_fields_agrees_with_the_full_one() -> None:
    lines = [b"A: b", b"A:b \t", b"A:", b"A: \t ", b"a:b:c", b"A: \xff\x80", b"A: b  c"]
    quick = read_fields(b"\r\n".join([*lines, b"", b""]), 0)
    slow = read_fields(b"\n".join([*lines, b"", b""]), 0)
    assert quick is not None
    assert slow is not None
    assert quick[0] == slow[0]
    assert quick[0][1:4] == [("A", "b"), ("A", ""), ("A", "")]


@pytest.mark.parametrize("line", [b"A : b", b" A: b", b"A\x00: b", b"A: \x00", b"A: b\rc", b"A", b": b"])
def test_the_fast_reader_refuses_other_fields(line: bytes) -> None:
    results = []
    for end in (b"\r\n", b"\n"):
        try:
            results.append(read_fields(b"Host: x" + end + line + end + end, 0) is None)
        except ValueError as error:
            results.append(str(error))
    assert results[0] == results[1]
