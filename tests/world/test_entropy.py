"""The source of randomness: pieces of the system's randomness are returned once, and seeded streams repeat."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from mockkms.world.entropy import Entropy

DRAWS = 2_000


@pytest.mark.parametrize("size", [1, 12, 16, 32, 33, 64])
def test_draws_have_the_requested_size_and_never_repeat(size: int) -> None:
    entropy = Entropy()
    drawn = [entropy.bytes(size) for _ in range(DRAWS)]
    assert {len(one) for one in drawn} == {size}
    assert size < 12 or len(set(drawn)) == DRAWS


def test_two_threads_never_draw_the_same_bytes() -> None:
    sources = [Entropy() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        drawn = [*pool.map(lambda source: [source.bytes(16) for _ in range(DRAWS)], sources)]
    assert len({one for some in drawn for one in some}) == 4 * DRAWS


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_draws_other_bytes_than_its_parent() -> None:
    entropy = Entropy()
    entropy.bytes(16)  # From here on, pieces are in store.
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, b"".join(entropy.bytes(16) for _ in range(8)))
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading, "rb") as given:
        theirs = given.read()
    assert len(theirs) == 128
    ours = [entropy.bytes(16) for _ in range(8)]
    assert not {theirs[at : at + 16] for at in range(0, 128, 16)} & {*ours}


def test_a_seeded_source_repeats() -> None:
    first, second = Entropy("x"), Entropy("x")
    assert [first.bytes(12) for _ in range(300)] == [second.bytes(12) for _ in range(300)]
