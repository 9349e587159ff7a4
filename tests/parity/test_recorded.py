"""Every recorded scenario against a fresh world: the answers are those of the real server."""

from __future__ import annotations

import pytest

from mockkms import MockKMS
from tests.parity import known, scenarios
from tests.parity.replay import replay


@pytest.mark.parametrize("name", scenarios.names())
def test_answers_are_the_recorded_ones(openbao: MockKMS, name: str) -> None:
    openbao.reset()
    found, _ = replay(openbao, scenarios.load(name), openbao.unseal_keys[0])
    wrong = known.check(name, found)
    assert not wrong, "\n".join(wrong)


def test_known_differences_name_recorded_steps_and_say_why() -> None:
    recorded = set(scenarios.names())
    for name, entry in known.listed().items():
        assert name in recorded
        assert set(entry["steps"]) <= {step["id"] for step in scenarios.load(name).steps}
        assert entry["reason"]
