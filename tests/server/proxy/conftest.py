"""A server and a proxy in front of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mockkms import MockKMS


@pytest.fixture(scope="module")
def real() -> Iterator[MockKMS]:
    """The server behind the proxy, its clock frozen."""
    with MockKMS(rng=5, seed={"clock": "2026-01-01T00:00:00Z"}) as kms:
        yield kms


@pytest.fixture(scope="module")
def front(real: MockKMS) -> Iterator[MockKMS]:
    """The proxy as the tests before have left it."""
    with MockKMS(upstream=real.url, root_token=real.token, rng=5) as kms:
        yield kms


@pytest.fixture
def proxy(real: MockKMS, front: MockKMS) -> MockKMS:
    """The proxy, both servers with the world of their start."""
    real.reset()
    front.load()  # to the start, whatever a test has made the baseline
    return front
