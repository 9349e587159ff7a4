"""The recorded scenarios: what was sent to the real server and, normalised, what it answered.

``data/<area>.jsonl`` holds one scenario a line. A step is what is sent (``request``, ``capture``, ``wait``,
``compute``), how the answer is read (``volatile``, ``about``, ``typeonly``, ``sorted``, ``x509``) and the recorded
answer (``want``). ``given`` is what the recorded server had from scenarios before.
Two things are written shorter than they are: a ``want`` without ``headers`` has the usual ones, and a long run of one
text is ``{"~run": [head, unit, count, tail]}``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
USUAL_HEADERS = {
    "cache-control": "no-store",
    "content-type": "application/json",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
}


@dataclass(frozen=True)
class Scenario:
    """A sequence of requests; ``cleanup`` is sent before and after and never compared."""

    area: str
    name: str
    steps: list[dict[str, Any]]
    cleanup: list[dict[str, Any]] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    given: list[dict[str, Any]] = field(default_factory=list)

    @property
    def id(self) -> str:
        """``area/name``."""
        return f"{self.area}/{self.name}"


def areas() -> list[str]:
    """The areas there are recordings of."""
    return sorted(path.stem for path in DATA.glob("*.jsonl"))


def names() -> list[str]:
    """Every scenario as ``area/name``, without reading more than its name."""
    found = []
    for area in areas():
        for line in _lines(area):
            name, _, _ = line.removeprefix('{"name":"').partition('"')
            found.append(f"{area}/{name}")
    return found


def load(name: str) -> Scenario:
    """The scenario ``area/name``."""
    area, _, wanted = name.partition("/")
    head = f'{{"name":"{wanted}",'
    for line in _lines(area):
        if line.startswith(head):
            return _scenario(area, json.loads(line, object_hook=_expanded))
    raise KeyError(name)


def in_order() -> Iterator[Scenario]:
    """Every scenario, those that seal the server after the others, those that change its keys at the very end."""
    found = [load(name) for name in names()]
    return iter(sorted(found, key=lambda scenario: ("sealable" in scenario.needs, "rekeyable" in scenario.needs)))


@cache
def _lines(area: str) -> list[str]:
    return (DATA / f"{area}.jsonl").read_text(encoding="utf-8").rstrip("\n").split("\n")


def _scenario(area: str, read: dict[str, Any]) -> Scenario:
    for step in read["steps"]:
        step["want"].setdefault("headers", USUAL_HEADERS)
    return Scenario(
        area,
        read["name"],
        read["steps"],
        cleanup=read.get("cleanup", []),
        variables=read.get("vars", {}),
        needs=tuple(read.get("needs", ())),
        given=read.get("given", []),
    )


def _expanded(read: dict[str, Any]) -> Any:
    if "~run" not in read:
        return read
    head, unit, count, tail = read["~run"]
    return head + unit * count + tail
