"""The marker ``@pytest.mark.mockkms(…)``: what a test says of its world."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import Any

import pytest

MARKER = (
    "mockkms(seed=None, state=None, faults=[], clock=None, strict=None): the world of this test: seed, a file or dict "
    "laid over the suite's; state, 'sealed' or 'unsealed'; faults, rules as in faults.add; clock, the moment at which "
    "time stands still; strict, whether a request that nothing emulates fails the test"
)
_KEYWORDS = ("seed", "state", "faults", "clock", "strict")
_STATES = ("sealed", "unsealed")


class MarkerError(ValueError):
    """The marker is used in a way it does not know."""


@dataclass
class TestWorld:
    """What the markers of one test ask for."""

    __test__ = False

    seeds: list[Any] = field(default_factory=list)
    """Worlds laid over the suite's, outermost (module, class) first."""
    state: str | None = None
    faults: list[Any] = field(default_factory=list)
    clock: Any = None
    strict: bool | None = None


def read_marker(mark: pytest.Mark) -> dict[str, Any]:
    """The keywords of one marker. Raises MarkerError."""
    if mark.args:
        raise MarkerError(f"mockkms() takes keywords only: {', '.join(_KEYWORDS)}")
    for word, value in mark.kwargs.items():
        if word not in _KEYWORDS:
            close = difflib.get_close_matches(word, _KEYWORDS, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(_KEYWORDS)}"
            raise MarkerError(f"mockkms() has no keyword {word!r}; {hint}")
        if word == "state" and value not in _STATES:
            raise MarkerError(f"mockkms(state={value!r}): one of {', '.join(map(repr, _STATES))}")
        if word == "faults" and not isinstance(value, (list, tuple)):
            raise MarkerError("mockkms(faults=…) takes a list of rules")
    return dict(mark.kwargs)


def world_of(node: pytest.Item) -> TestWorld:
    """The markers of a test united: the nearest wins, faults add up, seeds are laid over one another."""
    world = TestWorld()
    for mark in reversed(list(node.iter_markers("mockkms"))):
        words = read_marker(mark)
        if words.get("seed") is not None:
            world.seeds.append(words["seed"])
        world.faults.extend(words.get("faults") or [])
        world.state = words.get("state", world.state)
        world.clock = words.get("clock", world.clock)
        world.strict = words.get("strict", world.strict)
    return world
