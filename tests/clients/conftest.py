"""One server for all client tests, put back to its first state before each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mockkms import MockKMS


@pytest.fixture(scope="session")
def server() -> Iterator[MockKMS]:
    """A server on a socket of its own."""
    with MockKMS(root_token="root") as kms:
        yield kms


@pytest.fixture
def kms(server: MockKMS) -> MockKMS:
    """The server with a fresh world."""
    server.reset()
    return server
