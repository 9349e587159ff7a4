"""The marker ``@pytest.mark.mockkms(…)``: what a test says of its world."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from .settings import LINT, located

MARKER = (
    "mockkms(seed=None, state=None, faults=[], clock=None, strict=None, lint=None, tls=None, flavor=None): "
    "the world of this test: seed, a file (beside the test, or from the root), a ready-made world's name or a dict, "
    "laid over the suite's; state, 'sealed' or 'unsealed'; faults, rules as in a world; clock, the moment (RFC 3339, "
    "datetime, seconds) at which time stands still; strict, whether a request that nothing emulates fails the test; "
    "lint, 'off', 'warn' or 'error' for bad habits of the client; tls, a server of its own kind: True, False, a "
    "trustme.CA, an SSLContext or the paths of a certificate and a key; flavor, the product to be, or a list of "
    "products for a test of each"
)
_KEYWORDS = ("seed", "state", "faults", "clock", "strict", "lint", "tls", "flavor")
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
    """Rules as mappings, outermost first."""
    clock: Any = None
    strict: bool | None = None
    lint: str | None = None
    tls: Any = None
    flavor: str | None = None
    """The product to be; None: that of the suite."""


def read_marker(mark: pytest.Mark) -> dict[str, Any]:
    """The keywords of one marker that are not None. Raises MarkerError."""
    if mark.args:
        raise MarkerError(f"mockkms() takes keywords only: {', '.join(_KEYWORDS)}")
    for word, value in mark.kwargs.items():
        if word not in _KEYWORDS:
            close = difflib.get_close_matches(word, _KEYWORDS, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(_KEYWORDS)}"
            raise MarkerError(f"mockkms() has no keyword {word!r}; {hint}")
        wrong = None if value is None else _wrong(word, value)
        if wrong:
            raise MarkerError(f"mockkms({word}={value!r}): {wrong}")
    return {word: value for word, value in mark.kwargs.items() if value is not None}


def _wrong(word: str, value: Any) -> str | None:
    """What is wrong with the value of a keyword, so far as it can be told without a server."""
    if word == "state" and value not in _STATES:
        return f"one of {', '.join(map(repr, _STATES))}"
    if word == "lint" and value not in LINT:
        return f"one of {', '.join(map(repr, LINT))}"
    if word == "faults" and not (isinstance(value, (list, tuple)) and all(isinstance(rule, dict) for rule in value)):
        return "a list of rules, each a dict"
    if word == "strict" and not isinstance(value, bool):
        return "True or False"
    if word == "tls" and not _is_tls(value):
        return "True, False, a trustme.CA, an SSLContext, or the paths of a certificate and a key"
    if word == "flavor":
        return _wrong_flavors([value] if isinstance(value, str) else value)
    if word == "clock":
        from mockkms.world.clock import seconds_of

        try:
            seconds_of(value)
        except ValueError as error:
            return str(error)
    return None


def _wrong_flavors(value: Any) -> str | None:
    if not isinstance(value, (list, tuple)) or not value:
        return "a flavor, or a list of flavors"
    from mockkms.flavors import wrong_flavor

    wrong = [text for text in map(wrong_flavor, value) if text]
    return wrong[0] if wrong else "each flavor once" if len(set(value)) < len(value) else None


def _is_tls(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return len(value) == 2 and all(isinstance(path, (str, Path)) for path in value)
    return isinstance(value, bool) or hasattr(value, "issue_cert") or hasattr(value, "wrap_socket")


def world_of(node: pytest.Item) -> TestWorld:
    """The markers of a test united: the nearest wins, faults add up, seeds are laid over one another."""
    world = TestWorld()
    here: Path | None = node.path.parent if node.path else None
    for mark in reversed(list(node.iter_markers("mockkms"))):
        words = read_marker(mark)
        if "seed" in words:
            seed = located(words["seed"], here, node.config.rootpath)
            world.seeds.extend(seed if isinstance(seed, list) else [seed])
        world.faults.extend(words.get("faults", ()))
        world.state = words.get("state", world.state)
        world.clock = words.get("clock", world.clock)
        world.strict = words.get("strict", world.strict)
        world.lint = words.get("lint", world.lint)
        world.tls = words.get("tls", world.tls)
    return world
