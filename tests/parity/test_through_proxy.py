"""The recorded scenarios through a proxy in front of the emulated server: it changes no answer."""

from __future__ import annotations

import pytest

from mockkms import MockKMS
from tests.parity import known, scenarios
from tests.parity.replay import replay

AREAS = ("flows", "namespaces", "protocol", "sys", "token")
"""Those that differ in what stands on the wire."""


@pytest.mark.parametrize("area", AREAS)
def test_the_answers_are_the_recorded_ones(openbao: MockKMS, area: str) -> None:
    openbao.reset()
    openbao.clock.freeze()  # See test_recorded.
    wrong, key = [], openbao.unseal_keys[0]
    with MockKMS(upstream=openbao.url, root_token=openbao.token, flavor="openbao") as proxy:
        # A rule that never fires has every request looked at; a scenario that waits moves the clock behind.
        proxy.faults.add("*", header={"X-Nobody": "sends"}, answer=599)
        proxy.world.clock = openbao.clock
        for scenario in scenarios.in_order():
            if scenario.area == area:
                found, key = replay(proxy, scenario, key)
                wrong += known.check("openbao", scenario.id, found)
        assert not wrong, "\n".join(wrong)
        assert not proxy.journal.count(status=[502, 504])
