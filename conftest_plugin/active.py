"""The servers of one test: set-up of the world, checks after the test, report of a failure."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from .collected import MockKMSWarning

if TYPE_CHECKING:
    from mockkms.api import Kms
    from mockkms.explore.observing import Observer

    from .marker import TestWorld

_SHOWN = 30
"""Number of requests of each server in a failure report, the last ones."""


class Active:
    """The servers used by one test: the session's server, and those of ``mockkms_factory``."""

    def __init__(
        self, *, strict: bool, lint: str = "off", report_lint: bool = True, allow_unhandled: Sequence[str] = ()
    ) -> None:
        self.strict = strict
        self.allow_unhandled = allow_unhandled
        """Globs of paths that may be unhandled."""
        self.lint = lint
        """Handling of the linter's findings: ``off``, ``warn`` or ``error``."""
        self.report_lint = report_lint
        """Whether the session's report has the linter's findings."""
        self.settled = False
        """Whether the test's outcome is decided: its requests are not checked again."""
        self.observer: Observer | None = None
        """Observes the servers for an exploration."""
        self.explored = False
        """Whether this is a further run of an exploration, whose servers are not checked."""
        self._listed = False
        """Whether the failure itself lists the unhandled requests."""
        self._servers: list[Kms] = []
        self._given: set[str] = set()
        """Ids of the rules from worlds and markers. Tests share them, so not every rule fires in every test."""

    def start(self, kms: Kms, world: TestWorld) -> None:
        """Load the test's world into the session's server and make it the baseline."""
        with _naming(world.test, "seed" if world.seeds else ""):
            # The marker's product takes precedence over the worlds of the test.
            kms.load(*world.seeds, *([{"flavor": world.flavor}] if world.flavor else []))
        if world.clock is not None:
            with _naming(world.test, "clock"):
                kms.clock.freeze(world.clock)
        with _naming(world.test, "faults"):
            kms.faults.extend(world.faults)
        if world.chaos is not None:
            with _naming(world.test, "chaos"):
                kms.chaos.start(world.chaos)
        if world.state == "sealed":
            kms.seal()
        elif world.state == "unsealed":
            kms.unseal()
        if world.faults or world.state or world.clock is not None or world.chaos is not None:
            kms.set_baseline()
        self.watch(kms)

    def watch(self, kms: Kms) -> None:
        """Include a server in checks and reports."""
        self._servers.append(kms)
        if self.observer is not None:
            from mockkms.handle import Handle

            if isinstance(kms, Handle):
                self.observer.attach(kms)
        self._given |= {rule.id for rule in kms.faults.list()}

    def check(self) -> None:
        """Fail the test, if strict, for unhandled requests and uncompleted scripts."""
        if self.settled or self.explored:
            return
        self.settled = True
        wrong = list(self._wrong()) if self.strict else []
        if wrong:
            pytest.fail("\n".join(wrong), pytrace=False)
        self.settled = False

    def _wrong(self) -> Iterator[str]:
        """Yield what a strict test does not allow, of all servers."""
        for kms in self._servers:
            script = ""
            try:
                kms.faults.assert_script_done()
            except AssertionError as error:
                script = str(error)
            # The script itself names the requests that it did not expect.
            if not script or any(entry.unhandled and not entry.unexpected for entry in kms.journal):
                try:
                    kms.journal.assert_no_unhandled(allowed=self.allow_unhandled)
                except AssertionError as error:
                    self._listed = True
                    yield str(error)
                except ValueError as error:
                    yield f"allow_unhandled: {error}"
            if script:
                yield script

    def warn(self) -> None:
        """Report linter findings and rules that never fired, once, after the checks."""
        for kms in () if self.explored else self._servers:
            self._warn(kms)

    def _warn(self, kms: Kms) -> None:
        """Warn about one server."""
        for rule in kms.faults.unfired:
            if rule.id in self._given:
                continue
            warnings.warn(MockKMSWarning(f"fault {rule.id!r} never fired (matched {rule.matched})"), stacklevel=1)
        if self.lint != "off":
            found = [str(finding) for finding in kms.lint()]
            if found and self.lint == "error":
                pytest.fail("mockkms lint:\n" + "\n".join(found), pytrace=False)
            for text in found:
                warnings.warn(MockKMSWarning(f"lint: {text}"), stacklevel=1)

    def observed(self, test: str, outcome: str) -> dict[str, object]:
        """Return what the servers saw, for the session's report, as JSON data: workers of pytest-xdist send it."""
        from mockkms.report.model import Usage
        from mockkms.report.observing import observe

        use = Usage(test, outcome)
        for kms in self._servers:
            observe(use, kms, lint=self.report_lint, given=self._given, allowed=self.allow_unhandled)
        return use.data()

    def report(self) -> str:
        """Return the section of a failure report: the last requests, and the rules with their counts."""
        return "\n\n".join(_report(kms, listed=self._listed) for kms in self._servers)


@contextmanager
def _naming(test: str, keyword: str) -> Iterator[None]:
    """Fail for a ValueError of the body, with the test and the keyword of its marker; empty: the session's world."""
    try:
        yield
    except ValueError as error:
        source = f"mockkms({keyword}=…): " if keyword else "the world of the session: "
        place = keyword if str(error).startswith("[") else ""
        raise pytest.fail.Exception(f"{test}: {source}{place}{error}", pytrace=False) from None


def _report(kms: Kms, *, listed: bool) -> str:
    """Return the section of one server, without unhandled requests if the failure itself has ``listed`` them."""
    seed = "" if kms.rng is None else f", rng {kms.rng}"
    if listed:
        requests = kms.journal.table(last=_SHOWN, unhandled=False) or "no other requests received"
    else:
        requests = kms.journal.table(last=_SHOWN) or _none(kms)
    rules = kms.faults.describe()
    where = "not running"
    with suppress(RuntimeError):  # A server of the test's own may have been stopped.
        where = f"at {kms.url}"
    return "\n".join([f"{kms.flavor} {where}{seed}", requests, *(["faults:", rules] if rules else [])])


def _none(kms: Kms) -> str:
    """Return why the journal, which has requests whose response has ended, may be empty."""
    if any(rule.fired for rule in kms.faults):
        return "no requests in the journal, although rules fired: a response is held back, or the journal was cleared"
    with suppress(RuntimeError):
        if kms.url not in (os.environ.get("VAULT_ADDR"), os.environ.get("BAO_ADDR")):
            return "no requests received; code that reads VAULT_ADDR finds this server with the fixture mockkms_env"
    return "no requests received"
