"""The recorded scenarios: what was sent to the real servers and, normalised, what each product answered.

``data/<area>.jsonl`` holds one scenario a line. A step is what is sent (``request``, ``capture``, ``wait``,
``compute``), how the answer is read (``volatile``, ``about``, ``typeonly``, ``sorted``, ``x509``, ``ssh``) and the
recorded answers (``want``, by the names of the products that gave them, separated by blanks). A product that is not
named in a step answers differently each time there: the step is sent and not compared.
``of`` names the products of a scenario that was not played to all of them. One OpenBao server was recorded for most
scenarios, and a fresh Vault for each: ``given`` is what that OpenBao had from scenarios before, and ``alone`` is true
where it, too, was started afresh.
Two things are written shorter than they are: an answer without ``headers`` has the usual ones, and a long run of one
text is ``{"~run": [head, unit, count, tail]}``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

DATA = Path(__file__).parent / "data"
PRODUCTS = ("openbao", "vault", "vault-1.21")
USUAL_HEADERS = {
    "cache-control": "no-store",
    "content-type": "application/json",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
}
SERVICES = {
    "postgres": ("MOCKKMS_TEST_POSTGRES", "postgresql://user:password@host:port"),
    "ldap": ("MOCKKMS_TEST_LDAP", "ldap://host:port"),
}
"""Further servers that a scenario needs, with the environment variable that has the address, and its form."""


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
    alone: bool = False

    @property
    def id(self) -> str:
        """``area/name``."""
        return f"{self.area}/{self.name}"

    @property
    def lacking(self) -> list[str]:
        """What to set in the environment before the scenario can run, a sentence each."""
        wanted = [SERVICES[need] for need in self.needs if need in SERVICES]
        return [f"needs {variable}={form}" for variable, form in wanted if not os.environ.get(variable)]


def areas() -> list[str]:
    """The areas there are recordings of."""
    return sorted(path.stem for path in DATA.glob("*.jsonl"))


@cache
def _heads() -> dict[str, tuple[str, ...]]:
    """The products of every scenario, by ``area/name``, without reading more than its beginning."""
    found = {}
    for area in areas():
        for line in _lines(area):
            name, _, rest = line.removeprefix('{"name":"').partition('"')
            of = PRODUCTS
            if rest.startswith(',"of":'):
                of = tuple(json.loads(rest[len(',"of":') : rest.index("]") + 1]))
            found[f"{area}/{name}"] = of
    return found


def names(product: str) -> list[str]:
    """Every scenario that was played to ``product``, as ``area/name``."""
    return [name for name, of in _heads().items() if product in of]


def load(name: str, product: str) -> Scenario:
    """The scenario ``area/name`` with the answers of ``product``."""
    area, _, wanted = name.partition("/")
    head = f'{{"name":"{wanted}",'
    for line in _lines(area):
        if line.startswith(head):
            return _scenario(area, json.loads(line, object_hook=_expanded), product)
    raise KeyError(name)


def in_order() -> Iterator[Scenario]:
    """Every scenario that was recorded from one OpenBao server.

    Those that seal it come after the others, those that change its keys at the very end.
    """
    found = [scenario for name in names("openbao") if not (scenario := load(name, "openbao")).alone]
    return iter(sorted(found, key=lambda scenario: ("sealable" in scenario.needs, "rekeyable" in scenario.needs)))


@cache
def _lines(area: str) -> list[str]:
    return (DATA / f"{area}.jsonl").read_text(encoding="utf-8").rstrip("\n").split("\n")


def _scenario(area: str, read: dict[str, Any], product: str) -> Scenario:
    for step in read["steps"]:
        step["want"] = next((answer for of, answer in step["want"].items() if product in of.split()), None)
        if step["want"] is not None:
            step["want"].setdefault("headers", USUAL_HEADERS)
    needs = tuple(read.get("needs", ()))
    return Scenario(
        area,
        read["name"],
        read["steps"],
        cleanup=read.get("cleanup", []),
        variables=read.get("vars", {}) | _addresses(needs),
        needs=needs,
        given=read.get("given", []) if product == "openbao" else [],
        alone=read.get("alone", False),
    )


def _addresses(needs: tuple[str, ...]) -> dict[str, str]:
    """The variables by which a scenario finds its services."""
    found: dict[str, str] = {}
    if "postgres" in needs:
        parts = urlsplit(os.environ.get(SERVICES["postgres"][0], ""))
        found |= {
            "pg": parts.netloc.rpartition("@")[2],
            "pg_user": parts.username or "",
            "pg_password": parts.password or "",
        }
    if "ldap" in needs:
        found["ldap"] = urlsplit(os.environ.get(SERVICES["ldap"][0], "")).netloc
    return found


def _expanded(read: dict[str, Any]) -> Any:
    if "~run" not in read:
        return read
    head, unit, count, tail = read["~run"]
    return head + unit * count + tail
