"""Every recorded scenario against a fresh world: the answers are those of the real server of each product."""

from __future__ import annotations

import pytest

from mockkms import MockKMS
from tests.parity import known, scenarios
from tests.parity.replay import replay

CASES = [(product, name) for product in scenarios.PRODUCTS for name in scenarios.names(product)]


@pytest.mark.parametrize(("product", "name"), CASES)
def test_answers_are_the_recorded_ones(
    servers: dict[str, MockKMS], product: str, name: str, request: pytest.FixtureRequest
) -> None:
    scenario = scenarios.load(name, product)
    if "postgres" in scenario.needs and scenario.lacking:
        request.getfixturevalue("recorded_postgres")
        scenario = scenarios.load(name, product)
    if scenario.lacking:
        pytest.skip("; ".join(scenario.lacking))
    kms = servers[product]
    kms.reset()
    # On a busy machine steps that were recorded within a second would take longer.
    kms.clock.freeze()
    found, _ = replay(kms, scenario, kms.unseal_keys[0])
    wrong = known.check(product, name, found)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("product", scenarios.PRODUCTS)
def test_known_differences_name_recorded_steps_and_say_why(product: str) -> None:
    recorded = set(scenarios.names(product))
    for name, entry in known.listed(product).items():
        assert name in recorded
        assert set(entry["steps"]) <= {step["id"] for step in scenarios.load(name, product).steps}
        assert entry["reason"]
