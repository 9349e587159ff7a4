"""One test's hold on its servers: the world before it, the checks after it, the report when it failed."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mockkms.api import Kms

    from .marker import TestWorld

_SHOWN = 30
"""Requests of each server in a failure report, the latest."""


class MockKMSWarning(UserWarning):
    """Something about the servers of a test that does not fail it."""


class Active:
    """The servers that one test uses: the suite's, and those of ``mockkms_factory``."""

    def __init__(self, strict: bool, lint: str = "off", privileges: Path | None = None) -> None:
        self.strict = strict
        self.lint = lint
        """What the linter's findings do: ``off``, ``warn`` or ``error``."""
        self.privileges = privileges
        """Where the policies that tests needed are written."""
        self.settled = False
        """The test has its verdict: what was wrong with its requests has been said or does not matter."""
        self._servers: list[Kms] = []
        self._given: set[str] = set()
        """Rules of worlds and markers: many tests share them, so that not each must meet all."""

    def begin(self, kms: Kms, world: TestWorld) -> None:
        """Put the suite's server into the world that the test asked for; its ``reset`` goes back there."""
        try:
            # The marker's product wins over what the worlds of the test say.
            kms.load(*world.seeds, *([{"flavor": world.flavor}] if world.flavor else []))
            if world.clock is not None:
                kms.clock.freeze(world.clock)
            kms.faults.extend(world.faults)
        except ValueError as error:
            pytest.fail(f"the world of the mockkms marker: {error}", pytrace=False)
        if world.state == "sealed":
            kms.seal()
        elif world.state == "unsealed":
            kms.unseal()
        if world.faults or world.state or world.clock is not None:
            kms.set_baseline()
        self.watch(kms)

    def watch(self, kms: Kms) -> None:
        """Check and report this server too."""
        self._servers.append(kms)
        self._given |= {rule.id for rule in kms.faults.list()}

    def check(self) -> None:
        """Fail the test, when strict, for requests that nothing emulates and scripts that were not followed."""
        if self.settled:
            return
        self.settled = True
        if self.strict:
            for kms in self._servers:
                try:
                    kms.journal.assert_no_unhandled()
                    kms.faults.assert_script_done()
                except AssertionError as error:
                    pytest.fail(str(error), pytrace=False)
        self.settled = False

    def remark(self) -> None:
        """After the checks, once: what the linter found, and rules that never fired; these warn."""
        for kms in self._servers:
            self._remark(kms)

    def _remark(self, kms: Kms) -> None:
        """Say what does not fail the test by itself: rules that never fired, bad habits, the policy it needed."""
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
        if self.privileges is not None:
            test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
            with self.privileges.open("a", encoding="utf-8") as file:
                file.write(f"# {test}\n{kms.privileges()}\n")

    def report(self) -> str:
        """What a failure report shows: the last requests, and the rules with their counts."""
        return "\n\n".join(_report(kms) for kms in self._servers)


def _report(kms: Kms) -> str:
    seed = "" if kms.rng is None else f", rng {kms.rng}"
    lines = [f"{kms.flavor} at {kms.url}{seed}", kms.journal.table(last=_SHOWN) or "no request reached the server"]
    rules = kms.faults.describe()
    if rules:
        lines += ["faults:", rules]
    return "\n".join(lines)
