"""The recorded scenarios against a replay: every answer has the status, the headers and the form of the original.

Values differ within the data of secrets alone, where the replay has values of its own.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mockkms import MockKMS
from tests.parity import scenarios
from tests.parity.replay import replay

AREAS = ("approle", "identity", "kv1", "kv2", "namespaces", "policy", "token", "userpass")


@pytest.mark.parametrize("area", AREAS)
def test_the_answers_are_the_recorded_ones(openbao: MockKMS, area: str, tmp_path: Path) -> None:
    openbao.reset()
    path, key = tmp_path / "recording.jsonl", openbao.unseal_keys[0]
    played = [one for one in scenarios.in_order() if one.area == area and not one.lacking]
    live: dict[str, dict[str, list[str]]] = {}
    with MockKMS(upstream=openbao.url, root_token=openbao.token, flavor="openbao", record=path) as proxy:
        proxy.world.clock = openbao.clock
        for scenario in played:
            live[scenario.id], key = replay(proxy, scenario, key)
    wrong, key = [], openbao.unseal_keys[0]
    with MockKMS(replay=path, root_token=openbao.token, flavor="openbao") as kms:
        for scenario in played:
            found, key = replay(kms, scenario, key)
            for step, lines in found.items():
                known = live[scenario.id].get(step, [])
                wrong += [f"{scenario.id} {step}: {line}" for line in lines if line not in known and not _secret(line)]
        assert not [entry for entry in kms.journal if entry.unhandled]
    assert played
    assert not wrong, "\n".join(wrong)


def _secret(line: str) -> bool:
    """Whether a difference is one of values: the same members are there."""
    return line.startswith("json.data.") and "(absent)" not in line
