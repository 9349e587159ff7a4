from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from mockkms import MockKMS
from tests.parity import scenarios
from tests.real_databases import RealDatabase


@pytest.fixture(scope="session")
def servers() -> Iterator[dict[str, MockKMS]]:
    """A server for each product whose recorded answers these tests ask for again."""
    with ExitStack() as stack:
        yield {
            product: stack.enter_context(MockKMS(flavor=product, root_token="root")) for product in scenarios.PRODUCTS
        }


@pytest.fixture
def openbao(servers: dict[str, MockKMS]) -> MockKMS:
    """The server of OpenBao's answers, with a fresh world."""
    servers["openbao"].reset()
    return servers["openbao"]


@pytest.fixture(scope="session")
def recorded_postgres(postgres: RealDatabase) -> Iterator[None]:
    """A real PostgreSQL server for the scenarios that need one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(scenarios.SERVICES["postgres"][0], postgres.url("postgresql"))
        yield
