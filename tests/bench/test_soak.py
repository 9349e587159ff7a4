"""Mixed load with faults, snapshots, tenants and clock jumps, in small; ``python -m bench.soak`` is the whole of it."""

from __future__ import annotations

import sys

import pytest

from bench import soak


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory and files are read from /proc")
def test_nothing_grows_and_nothing_is_written() -> None:
    result = soak.run(5)
    assert result.outcomes["200"] > 100
    assert result.outcomes["cut"] > 0
    assert set(result.control) == {"snapshot", "tenant", "clock", "reset", "rules"}
    # Five seconds are all warm-up: memory is judged by the long run.
    assert [one for one in result.faults() if not one.startswith("memory")] == []
