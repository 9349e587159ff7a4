"""The marker ``@pytest.mark.mockkms(…)``: the world of a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from . import LINT
from .settings import located, wrong_globs

if TYPE_CHECKING:
    from mockkms.world.clock import Moment

_KEYWORDS = (
    "seed", "state", "faults", "clock", "strict", "allow_unhandled", "lint", "tls", "flavor", "chaos", "explore",
)  # fmt: skip
_SHOWN = 60
"""Characters of a value in an error."""
_STATES = ("sealed", "unsealed")


class MarkerError(ValueError):
    """The marker has an unknown keyword or an invalid value."""


@dataclass
class TestWorld:
    """The settings of the markers of one test."""

    __test__ = False

    test: str = ""
    """Id of the test."""
    seeds: list[object] = field(default_factory=list)
    """Worlds merged over the session's, outermost (module, class) first."""
    state: str | None = None
    faults: list[object] = field(default_factory=list)
    """Rules as mappings, outermost first."""
    clock: Moment | None = None
    strict: bool | None = None
    allow_unhandled: list[str] = field(default_factory=list)
    """Globs of paths that may be unhandled, of all markers."""
    lint: str | None = None
    tls: object = None
    flavor: str | None = None
    """The emulated product; None: that of the session."""
    chaos: object = None
    """The plan of chaos that runs during the test."""

    def asked(self) -> list[str]:
        """Return the keywords that ask for something that a server other than mockkms does not have."""
        asked = {
            "seed": bool(self.seeds),
            "state": self.state == "sealed",
            "faults": bool(self.faults),
            "clock": self.clock is not None,
            "tls": self.tls is not None,
            "flavor": self.flavor is not None,
            "chaos": self.chaos is not None,
        }
        return [word for word, wanted in asked.items() if wanted]


def read_marker(mark: pytest.Mark) -> dict[str, Any]:
    """Return the keywords of one marker that are not None. Raises MarkerError for the first error."""
    for error in errors_of(mark):
        raise MarkerError(error)
    return {word: value for word, value in mark.kwargs.items() if value is not None}


def errors_of(mark: pytest.Mark, *folders: Path) -> Iterator[str]:
    """Yield all errors of one marker; those of a ``seed`` if there are folders, in which it is looked for."""
    if mark.args:
        yield f"mockkms() accepts keyword arguments only: {', '.join(_KEYWORDS)}"
    for word, value in mark.kwargs.items():
        if word not in _KEYWORDS:
            import difflib

            close = difflib.get_close_matches(word, _KEYWORDS, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(_KEYWORDS)}"
            yield f"mockkms() has no keyword {word!r}; {hint}"
            continue
        check = _CHECKS.get(word)
        wrong = check(value) if check is not None and value is not None else None
        if word == "seed" and value is not None and folders:
            wrong = _wrong_seed(located(value, *folders))
        if wrong:
            shown = repr(value)
            yield f"mockkms({word}={shown if len(shown) <= _SHOWN else '…'}): {wrong}"


def _one_of(words: tuple[str, ...], value: object) -> str | None:
    return None if value in words else f"expected one of {', '.join(map(repr, words))}"


def _wrong_flag(value: object) -> str | None:
    return None if isinstance(value, bool) else "expected True or False"


def _wrong_clock(value: Any) -> str | None:
    from mockkms.world.clock import seconds_of

    try:
        seconds_of(value)
    except ValueError as error:
        return str(error)
    return None


def _wrong_faults(value: object) -> str | None:
    if not isinstance(value, (list, tuple)) or not all(isinstance(rule, dict) for rule in value):
        return "expected a list of dicts"
    from mockkms.marker_checks import wrong_rules

    return "; ".join(wrong_rules(value)) or None


def _wrong_seed(value: object) -> str | None:
    from mockkms.marker_checks import wrong_seed

    return "; ".join(wrong_seed(value)) or None


def _wrong_chaos(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (str, float, dict)):
        return "expected a percentage such as '2%', the name of an incident, or a dict"
    from mockkms.marker_checks import wrong_chaos

    return "; ".join(wrong_chaos(value)) or None


def _wrong_exploration(value: object) -> str | None:
    if isinstance(value, bool):
        return None
    if not isinstance(value, (str, dict)):
        return "expected True, False, a set of failures, or a dict of failures and accepted outcomes"
    from mockkms.explore.options import chosen_failures, marker_acceptances

    try:
        if isinstance(value, str):
            chosen_failures([value])
        else:
            marker_acceptances(value)
    except ValueError as error:
        return str(error)
    return None


def wrong_flavors(value: object) -> str | None:
    """Return what is wrong with the value of ``flavor``; None if nothing is."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, (list, tuple)) or not value:
        return "expected a flavor, or a list of flavors"
    from mockkms.flavors import wrong_flavor

    wrong = [text for text in map(wrong_flavor, value) if text]
    return wrong[0] if wrong else "a flavor is listed twice" if len(set(value)) < len(value) else None


def _wrong_tls(value: object) -> str | None:
    if isinstance(value, (tuple, list)):
        fits = len(value) == 2 and all(isinstance(path, (str, Path)) for path in value)
    else:
        fits = isinstance(value, bool) or hasattr(value, "issue_cert") or hasattr(value, "wrap_socket")
    wanted = "expected True, False, a trustme.CA, an SSLContext, or the paths of a certificate and a key"
    return None if fits else wanted


_CHECKS: Mapping[str, Callable[[Any], str | None]] = {
    "allow_unhandled": wrong_globs,
    "chaos": _wrong_chaos,
    "clock": _wrong_clock,
    "explore": _wrong_exploration,
    "faults": _wrong_faults,
    "flavor": wrong_flavors,
    "lint": partial(_one_of, LINT),
    "state": partial(_one_of, _STATES),
    "strict": _wrong_flag,
    "tls": _wrong_tls,
}
"""Functions that return the error of a keyword's value, as far as it can be checked without a server, or None."""


def world_of(node: pytest.Item) -> TestWorld:
    """Combine the markers of a test: the nearest takes precedence, faults are concatenated, seeds merged in order."""
    world = TestWorld(node.nodeid)
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
        world.allow_unhandled.extend(words.get("allow_unhandled", ()))
        world.lint = words.get("lint", world.lint)
        world.tls = words.get("tls", world.tls)
        world.chaos = words.get("chaos", world.chaos)
    return world
