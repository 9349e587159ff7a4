"""Bodies in chunks, however they are cut."""

from __future__ import annotations

import random
import time

import pytest

from mockkms.server.wire.chunks import ChunkedBody


def plain(shown: bytes) -> bytes:
    """The data of plain chunks."""
    out = b""
    while shown:
        size, _, rest = shown.partition(b"\r\n")
        out, shown = out + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return out


@pytest.mark.parametrize("seed", range(30))
def test_a_body_is_the_same_however_it_is_cut(seed: int) -> None:
    dice = random.Random(seed)
    content = dice.randbytes(dice.randrange(300))
    sent, place = b"", 0
    while place < len(content):
        size = dice.choice((1, 2, 5, 60))
        piece = content[place : place + size]
        sent += b"%x%b\r\n%b\r\n" % (len(piece), dice.choice((b"", b" ", b";a=b")), piece)
        place += size
    sent += b"0\r\n" + dice.choice((b"\r\n", b"A: b\r\n\r\n")) + b"GET /next"
    body, shown, rest = ChunkedBody(), b"", b""
    while sent:
        cut = dice.choice((1, 2, 3, 17, 1000))
        more, rest = body.feed(sent[:cut])
        shown, sent = shown + more, sent[cut:]
        if body.done:
            rest += sent
            break
    assert (plain(shown), body.fault, rest) == (content, "", b"GET /next")
    assert shown.endswith(b"0\r\n\r\n")


def test_many_small_chunks_are_read_in_linear_time() -> None:
    body, started = ChunkedBody(), time.process_time()
    shown, _ = body.feed(b"1\r\na\r\n" * 200_000)
    assert shown.endswith(b"a\r\n")
    assert time.process_time() - started < 3
