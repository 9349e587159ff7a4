"""A server of each product and a program for all lives; rows leave nothing behind, so that they share both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import hvac
import pytest
import requests

from mockkms import MockKMS
from tests.clients.cycles.drivers import Answer, by_go
from tests.clients.cycles.rows import PRODUCTS, Row, Step
from tests.clients.test_vault_clients import go_program

ByGo = Callable[[Sequence[Row], Callable[[Row], list[Step]]], Mapping[str, Sequence[Answer]]]


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, MockKMS]]:
    """A server of each product, by its name."""
    made = {product: MockKMS(flavor=product, rng=7).start() for product in PRODUCTS}
    yield made
    for server in made.values():
        server.stop()


@pytest.fixture(scope="module")
def clients(servers: dict[str, MockKMS]) -> Iterator[dict[str, hvac.Client]]:
    """hvac for each server, without a look at proxies and ``.netrc`` for each of some ten thousand requests."""
    session = requests.Session()
    session.trust_env = False
    made = {
        product: hvac.Client(url=server.url, token=server.token, session=session) for product, server in servers.items()
    }
    yield made
    for client in made.values():
        client.adapter.close()


@pytest.fixture(scope="module")
def with_go(servers: dict[str, MockKMS]) -> ByGo:
    """The answers to lives of rows, by their labels, through Vault's Go module; skips where there is no Go."""
    program = go_program("gocycles")

    def ask(rows: Sequence[Row], life: Callable[[Row], list[Step]]) -> Mapping[str, Sequence[Answer]]:
        found: dict[str, Sequence[Answer]] = {}
        for product, server in servers.items():
            lives = {row.label: life(row) for row in rows if row.product == product}
            found |= by_go(program, server.url, server.token, lives)
        return found

    return ask
