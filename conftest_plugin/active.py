"""One test's hold on the server: the world before it, the checks after it, the report when it failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mockkms.kms import MockKMS

    from .marker import TestWorld

_SHOWN = 30
"""Requests in a failure report, the latest."""


class Active:
    """Prepares and checks one test."""

    def __init__(self, kms: MockKMS, world: TestWorld, strict: bool) -> None:
        self.kms = kms
        self.world = world
        self.strict = strict

    def begin(self) -> None:
        """Put the server into the world that the test asked for."""
        kms, world = self.kms, self.world
        if world.seeds:
            kms.load(*world.seeds)
        else:
            kms.reset()
        if world.clock is not None:
            kms.clock.freeze(world.clock)
        if world.state == "sealed":
            kms.seal()
        for rule in world.faults:
            kms.faults.add(**rule) if isinstance(rule, dict) else kms.faults.add(rule)

    def end(self) -> None:
        """Fail the test for requests that nothing emulates, when strict."""
        if self.strict:
            try:
                self.kms.journal.assert_no_unhandled()
            except AssertionError as error:
                pytest.fail(str(error), pytrace=False)

    def report(self) -> str:
        """What a failure report shows: the last requests, and the rules with their counts."""
        text = self.kms.journal.table(last=_SHOWN) or "no request reached the server"
        rules = self.kms.faults.describe()
        parts = [f"{self.kms.flavor} at {self.kms.url}, rng {self.kms.rng}", text]
        return "\n".join([*parts, rules] if rules else parts)
