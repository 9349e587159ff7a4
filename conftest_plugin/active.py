"""One test's hold on its servers: the world before it, the checks after it, the report when it failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mockkms.kms import MockKMS

    from .marker import TestWorld

_SHOWN = 30
"""Requests of each server in a failure report, the latest."""


class Active:
    """The servers that one test uses: the suite's, and those of ``mockkms_factory``."""

    def __init__(self, strict: bool) -> None:
        self.strict = strict
        self.settled = False
        """The test has its verdict: what was wrong with its requests has been said or does not matter."""
        self._servers: list[MockKMS] = []

    def begin(self, kms: MockKMS, world: TestWorld) -> None:
        """Put the suite's server into the world that the test asked for."""
        try:
            if world.seeds:
                kms.load(*world.seeds)
            else:
                kms.reset()
            if world.clock is not None:
                kms.clock.freeze(world.clock)
            kms.faults.extend(world.faults)
        except ValueError as error:
            pytest.fail(f"the world of the mockkms marker: {error}", pytrace=False)
        if world.state == "sealed":
            kms.seal()
        elif world.state == "unsealed":
            kms.unseal()
        self.watch(kms)

    def watch(self, kms: MockKMS) -> None:
        """Check and report this server too."""
        self._servers.append(kms)

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

    def report(self) -> str:
        """What a failure report shows: the last requests, and the rules with their counts."""
        return "\n\n".join(_report(kms) for kms in self._servers)


def _report(kms: MockKMS) -> str:
    seed = "" if kms.rng is None else f", rng {kms.rng}"
    lines = [f"{kms.flavor} at {kms.url}{seed}", kms.journal.table(last=_SHOWN) or "no request reached the server"]
    rules = kms.faults.describe()
    if rules:
        lines += ["faults:", rules]
    return "\n".join(lines)
