"""The cost of one more does not grow with how many there are: counted in steps of the interpreter, never in time."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from bench import growth
from mockkms.vault.secrets.transit.keys import reading

MORE = 600


def steps(act: Callable[[], object]) -> int:
    """Return the bytecode instructions that an act executes."""
    found = 0

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal found
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        found += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        act()
    finally:
        sys.settrace(before)
    return found


def test_one_more_costs_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_MANY", 20)
    grown = {}
    for name, _, _, more, step in growth.every_case():
        for _ in range(30):
            more()
        few = min(steps(step) for _ in range(10))
        for _ in range(MORE):
            more()
        many = min(steps(step) for _ in range(10))
        # A scan of all would be some steps for each of them.
        if many > few + MORE:
            grown[name] = (few, many)
    assert grown == {}
