"""Waiting for what another thread or process is about to do."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 60.0
"""Seconds after which what has not come true counts as broken: never reached by a machine that is only slow."""
_PAUSE = 0.02


def eventually(condition: Callable[[], object], otherwise: Callable[[], object] = str) -> None:
    """Return once a condition is true. ``otherwise`` returns what the failure says of a condition that stays false."""
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, otherwise() or "the condition stayed false"
        time.sleep(_PAUSE)
