"""The data of a report: what the servers of each test saw, and what follows for the whole suite."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field

from mockkms.world.journal.least_privilege import Grant, Privileges
from mockkms.world.journal.linter import Finding


@dataclass(frozen=True, slots=True)
class RuleUse:
    """A fault rule at the end of a test."""

    id: str
    text: str
    """Its keys, as JSON, which is also YAML; without tokens."""
    matched: int
    fired: int
    given: bool
    """Whether it comes from a world or a marker: other tests may use it too."""


@dataclass(slots=True)
class Usage:
    """What the servers of one test saw."""

    name: str
    outcome: str = ""
    """``passed``, ``failed`` or ``skipped``; empty for a server that no test runs against."""
    requests: int = 0
    findings: list[Finding] = field(default_factory=list)
    needed: dict[str, set[str]] = field(default_factory=dict)
    """Path to capabilities, as in ``Privileges``."""
    grants: list[Grant] = field(default_factory=list)
    rules: list[RuleUse] = field(default_factory=list)
    unhandled: list[str] = field(default_factory=list)
    """Requests to paths that are not emulated, without those that the test allows."""
    problems: list[str] = field(default_factory=list)
    """Why a server could not be read."""

    @property
    def privileges(self) -> Privileges:
        """The minimal policy and the unused grants."""
        return Privileges(self.needed, self.grants)

    def data(self) -> dict[str, object]:
        """Return the test as JSON data, for ``usage_of``."""
        return {
            "name": self.name,
            "outcome": self.outcome,
            "requests": self.requests,
            "findings": [asdict(finding) for finding in self.findings],
            "needed": {path: sorted(names) for path, names in sorted(self.needed.items())},
            "grants": [asdict(grant) for grant in self.grants],
            "rules": [asdict(rule) for rule in self.rules],
            "unhandled": self.unhandled,
            "problems": self.problems,
        }


def usage_of(data: Mapping[str, object]) -> Usage:
    """Return the test that ``Usage.data`` was made from."""
    needed = data["needed"]
    assert isinstance(needed, Mapping)
    return Usage(
        name=str(data["name"]),
        outcome=str(data["outcome"]),
        requests=_number(data["requests"]),
        findings=[Finding(str(one["rule"]), str(one["message"])) for one in _mappings(data["findings"])],
        needed={str(path): set(_texts(names)) for path, names in needed.items()},
        grants=[
            Grant(
                str(one["namespace"]),
                str(one["policy"]),
                str(one["path"]),
                tuple(_texts(one["capabilities"])),
                tuple(_texts(one["unused"])),
            )
            for one in _mappings(data["grants"])
        ],
        rules=[
            RuleUse(
                str(one["id"]), str(one["text"]), _number(one["matched"]), _number(one["fired"]), bool(one["given"])
            )
            for one in _mappings(data["rules"])
        ],
        unhandled=_texts(data["unhandled"]),
        problems=_texts(data["problems"]),
    )


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list | tuple) else []


def _mappings(value: object) -> Iterator[Mapping[str, object]]:
    if isinstance(value, list | tuple):
        yield from (one for one in value if isinstance(one, Mapping))
