"""Long paths and headers keep no memory, in small; ``python -m bench.heads`` is the whole of it."""

from __future__ import annotations

from bench import heads


def test_the_memory_is_bounded_and_falls_back() -> None:
    memory = heads.measure(120)  # More than 100 MiB are sent.
    assert memory.is_bounded
    assert memory.highest - memory.start < 100


def test_growth_is_told_from_what_stays() -> None:
    assert heads.Memory(50, 600, 600, 60).is_bounded
    assert not heads.Memory(50, 700, 60, 60).is_bounded
    assert not heads.Memory(50, 100, 100, 200).is_bounded
