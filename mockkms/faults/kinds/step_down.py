"""``step_down``: the active node of a cluster gives up, and another one is elected."""

from __future__ import annotations

from typing import Any

from mockkms.faults.kinds import ServerKind
from mockkms.faults.parsing import given


class StepDown(ServerKind):
    """As by ``sys/step-down``; until the election is over there is no active node."""

    word = "step_down"
    help = "true (a cluster only)"
    example = True
    needs_state = True

    def __init__(self, value: Any) -> None:
        given(value)
