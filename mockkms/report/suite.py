"""A report on all tests of a run, and what only shows when they are seen together."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from mockkms.explore.results import Exploration
from mockkms.report.model import Usage
from mockkms.version import __version__
from mockkms.world.clock import rfc3339
from mockkms.world.journal.least_privilege import Grant, Privileges

FORMAT = 1
"""Version of the JSON document; it changes when a key is removed or gets another meaning."""


@dataclass(frozen=True, slots=True)
class Count:
    """How often something was found that should be looked at."""

    section: str
    """Anchor of its section on the page, and its key in the JSON document's ``counts``."""
    number: int
    one: str
    many: str

    def __str__(self) -> str:
        return f"{self.number} {self.one if self.number == 1 else self.many}"


@dataclass(slots=True)
class Report:
    """What the servers of all tests saw."""

    tests: list[Usage] = field(default_factory=list)
    created: str = ""
    """Time of the report, in RFC 3339."""
    exploration: Exploration | None = None
    """The result of a fault exploration, if there was one."""

    @property
    def findings(self) -> dict[str, list[tuple[str, str]]]:
        """The linter's findings by rule: pairs of test and message."""
        found: dict[str, list[tuple[str, str]]] = {}
        for test in self.tests:
            for finding in test.findings:
                found.setdefault(finding.rule, []).append((test.name, finding.message))
        return dict(sorted(found.items()))

    @property
    def privileges(self) -> Privileges:
        """The minimal policy for all tests, and the grants of each policy; those that a test used are used."""
        needed: dict[str, set[str]] = {}
        grants: dict[tuple[str, str, str], Grant] = {}
        for test in self.tests:
            for path, names in test.needed.items():
                needed.setdefault(path, set()).update(names)
            for grant in test.grants:
                key = (grant.namespace, grant.policy, grant.path)
                before = grants.get(key, grant)
                # Tests may write the same policy with other capabilities.
                given = tuple(dict.fromkeys((*before.capabilities, *grant.capabilities)))
                used = {*before.capabilities} - {*before.unused} | {*grant.capabilities} - {*grant.unused}
                grants[key] = Grant(*key, given, tuple(name for name in given if name not in used))
        return Privileges(needed, [grants[key] for key in sorted(grants)])

    @property
    def unfired(self) -> list[tuple[str, str]]:
        """Fault rules that never fired, as pairs of test and rule.

        A rule of a world or marker counts if it fired in no test; its test is empty.
        """
        own: list[tuple[str, str]] = []
        shared: dict[str, int] = {}
        for test in self.tests:
            for rule in test.rules:
                text = f"{rule.id}: {rule.text}"
                if rule.given:
                    shared[text] = shared.get(text, 0) + rule.fired
                elif not rule.fired:
                    matched = f" (matched {rule.matched})" if rule.matched else ""
                    own.append((test.name, text + matched))
        return own + [("", text) for text, fired in shared.items() if not fired]

    @property
    def unhandled(self) -> dict[str, list[str]]:
        """Requests to paths that are not emulated, with the names of the tests that sent them."""
        found: dict[str, list[str]] = {}
        for test in self.tests:
            for line in test.unhandled:
                found.setdefault(line, []).append(test.name)
        return dict(sorted(found.items()))

    @property
    def counts(self) -> list[Count]:
        """What was found, by section; the numbers may be 0."""
        findings = sum(map(len, self.findings.values()))
        unused = len(self.privileges.unused)
        explored = []
        if self.exploration is not None:
            problems = sum(cell.problem and not cell.known for _, cell in self.exploration.cells())
            explored = [Count("exploration", problems, "failure not survived", "failures not survived")]
        return [
            *explored,
            Count("habits", findings, "bad habit of the client", "bad habits of the client"),
            Count("unhandled", len(self.unhandled), "request that is not emulated", "requests that are not emulated"),
            Count("rules", len(self.unfired), "fault rule that never fired", "fault rules that never fired"),
            Count("grants", unused, "grant that was never used", "grants that were never used"),
        ]

    @property
    def wrong(self) -> list[Count]:
        """What was found at least once."""
        return [count for count in self.counts if count.number]

    def data(self) -> dict[str, object]:
        """Return the report as JSON data."""
        found = self.privileges
        return {
            "mockkms_report": FORMAT,
            "mockkms": __version__,
            "created": self.created,
            "counts": {count.section: count.number for count in self.counts},
            "findings": [
                {"rule": rule, "message": message, "test": test}
                for rule, places in self.findings.items()
                for test, message in places
            ],
            "unhandled": [{"request": line, "tests": tests} for line, tests in self.unhandled.items()],
            "unfired": [{"rule": rule, "test": test} for test, rule in self.unfired],
            "unused_grants": [
                {
                    "namespace": grant.namespace,
                    "policy": grant.policy,
                    "path": grant.path,
                    "unused": [*grant.unused],
                    "used": [name for name in grant.capabilities if name not in grant.unused],
                }
                for grant in found.grants
                if grant.unused
            ],
            "policy": found.policy,
            "exploration": None if self.exploration is None else self.exploration.data(),
            "tests": [test.data() for test in self.tests],
        }

    def hcl(self) -> str:
        """Return the minimal policy of each test, below a comment with its name."""
        return "".join(f"# {test.name}\n{test.privileges}\n" for test in self.tests)


def report_of(tests: Iterable[Usage], exploration: Exploration | None = None) -> Report:
    """Return a report, made now, on tests in the order of their names: workers finish them in any order."""
    return Report(sorted(tests, key=lambda test: test.name), rfc3339(int(time.time())), exploration)
