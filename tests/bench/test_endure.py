"""Load with a fifth of the requests failing, in small; ``python -m bench.endure`` is the whole of it."""

from __future__ import annotations

import pytest

from bench import endure


def test_clients_and_journal_agree_and_nothing_is_left_behind() -> None:
    result = endure.run(requests=150)
    assert result.seen == result.kept
    assert result.seen.total() == 4800
    assert result.seen["200"] == pytest.approx(4800 * (1 - endure.SHARE), rel=0.05)
    assert result.seen.keys() == {"200", "202", "203", "429", "500", "503", endure.CUT}
    assert result.files[1] <= result.files[0]
    assert result.resident_mib[1] - result.resident_mib[0] < 60
    assert result.answers == [200, 200]
