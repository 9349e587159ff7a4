"""Every role and configuration of every type is created, read, listed, changed, deleted, as Terraform does it.

``table/`` has the resources, with the parameters that Terraform's provider for Vault sends, and what the read shows of
them; ``rows.py`` describes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import hvac
import pytest

from tests.clients.cycles import drift
from tests.clients.cycles.conftest import ByGo
from tests.clients.cycles.drivers import Answer, by_hvac
from tests.clients.cycles.judge import faults
from tests.clients.cycles.rows import Row, rows

ROWS = list(rows())
SPELLED = [row for row in ROWS if row.spelled]
every_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.label)


@pytest.fixture(scope="module")
def lives(with_go: ByGo) -> Mapping[str, Sequence[Answer]]:
    """The answers to the lives of all rows through the Go module."""
    return with_go(ROWS, Row.life)


@pytest.fixture(scope="module")
def spelled(with_go: ByGo) -> Mapping[str, Sequence[Answer]]:
    """The answers to the rows in other words, likewise."""
    return with_go(SPELLED, drift.life)


@every_row
def test_the_life_of_a_resource_through_hvac(row: Row, clients: dict[str, hvac.Client]) -> None:
    steps = row.life()
    assert faults(row, steps, by_hvac(clients[row.product], steps)) == []


@every_row
def test_the_life_of_a_resource_through_the_go_module(row: Row, lives: Mapping[str, Sequence[Answer]]) -> None:
    assert faults(row, row.life(), lives[row.label]) == []


@pytest.mark.parametrize("row", SPELLED, ids=lambda row: row.label)
def test_a_second_plan_is_empty_however_values_are_spelled(row: Row, spelled: Mapping[str, Sequence[Answer]]) -> None:
    """Texts for numbers and switches, durations, lists with commas; ``[]``, null and an empty text are one."""
    assert list(drift.drifts(row, drift.life(row), spelled[row.label])) == []


def test_a_wrong_answer_is_reported() -> None:
    """A parameter that is not read back, one that another write changes, a list without the name, a wrong status."""
    row = next(one for one in ROWS if one.label == "vault: secret/nomad role")
    steps = row.life()
    state = {"policies": ["web", "read"], "type": "client", "global": False}
    good = {"created": state, "changed": {**state, "type": "management"}, "imported": {}, "applied": {}}
    answers = [Answer(200, good.get(step.label, {})) for step in steps]
    assert faults(row, steps, answers) == [
        "absent: 200 [], not 404",
        "gone: 200 [], not 404",
        "created: global: False, not True",
        "changed: policies: ['web', 'read'], not ['web']",
        "changed: type: 'management', not 'client'",
        "changed: global: False, not True",
        "changed, not sent: type: 'client' became 'management'",
        *(
            f"{label}: {name}: {good['changed'][name]!r} became '(not shown)'"
            for label in ("imported", "applied")
            for name in ("global", "policies", "type")
        ),
        "listed: []",
    ]
