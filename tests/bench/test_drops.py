"""Clients that go away at every moment, in small; ``python -m bench.drops`` is the whole of it."""

from __future__ import annotations

from bench import drops


def test_nothing_is_left_of_clients_that_are_gone() -> None:
    result = drops.run(connections=len(drops.MOMENTS) * 40, processes=2)
    assert result.files[1] <= result.files[0]
    assert result.left >= result.killed == 2
    assert result.resident_mib[1] - result.resident_mib[0] < 20
    assert result.answers == [200, 200]
