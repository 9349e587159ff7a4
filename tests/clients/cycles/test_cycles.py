"""Every role and configuration of every type is created, read, listed, changed, deleted, as Terraform does it.

``table/`` has the resources, with the parameters that Terraform's provider for Vault sends, and what the read shows of
them; ``rows.py`` describes it.
"""

from __future__ import annotations

from collections.abc import Iterator

import hvac
import pytest

from mockkms import MockKMS
from tests.clients.cycles.drivers import Answer, by_go, by_hvac
from tests.clients.cycles.judge import faults
from tests.clients.cycles.rows import PRODUCTS, Row, rows
from tests.clients.test_vault_clients import go_program

ROWS = list(rows())
every_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.label)


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, MockKMS]]:
    """A server of each product; a life ends with the removal of its mount."""
    made = {product: MockKMS(flavor=product, rng=7).start() for product in PRODUCTS}
    yield made
    for server in made.values():
        server.stop()


@pytest.fixture(scope="module")
def clients(servers: dict[str, MockKMS]) -> Iterator[dict[str, hvac.Client]]:
    """hvac for each server."""
    made = {product: hvac.Client(url=server.url, token=server.token) for product, server in servers.items()}
    yield made
    for client in made.values():
        client.adapter.close()


@pytest.fixture(scope="module")
def go_answers(servers: dict[str, MockKMS]) -> dict[str, list[Answer]]:
    """The answers to all lives through Vault's Go module, one program for each product."""
    program = go_program("gocycles")
    found: dict[str, list[Answer]] = {}
    for product, server in servers.items():
        lives = {row.label: row.life() for row in ROWS if row.product == product}
        found |= by_go(program, server.url, server.token, lives)
    return found


@every_row
def test_the_life_of_a_resource_through_hvac(row: Row, clients: dict[str, hvac.Client]) -> None:
    steps = row.life()
    assert faults(row, steps, by_hvac(clients[row.product], steps)) == []


@every_row
def test_the_life_of_a_resource_through_the_go_module(row: Row, go_answers: dict[str, list[Answer]]) -> None:
    assert faults(row, row.life(), go_answers[row.label]) == []
