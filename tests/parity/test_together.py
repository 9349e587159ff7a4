"""All recorded scenarios on one server, one after the other: none changes the answers of another."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest

from mockkms import MockKMS
from tests.parity import known, scenarios
from tests.parity.replay import replay
from tests.parity.scenarios import Scenario


def shuffled(seed: int) -> list[Scenario]:
    """Another order, in which those that seal the server still come last."""
    found = list(scenarios.in_order())
    random.Random(seed).shuffle(found)
    return sorted(found, key=lambda scenario: len(scenario.needs))


def outcome(kms: MockKMS, order: Iterable[Scenario]) -> list[str]:
    kms.reset()
    kms.clock.freeze()  # See test_recorded.
    key = kms.unseal_keys[0]
    wrong = []
    for scenario in order:
        found, key = replay(kms, scenario, key)
        wrong += known.check("openbao", scenario.id, found)
    return wrong


def test_in_order(openbao: MockKMS) -> None:
    wrong = outcome(openbao, scenarios.in_order())
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("seed", [20260101])
def test_shuffled(openbao: MockKMS, seed: int) -> None:
    wrong = outcome(openbao, shuffled(seed))
    assert not wrong, "\n".join(wrong)
