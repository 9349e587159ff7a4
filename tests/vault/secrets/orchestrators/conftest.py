"""A server on this machine that stands in for Consul, Nomad, RabbitMQ or a cluster."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.vault.secrets.standin import StandIn, standing_in


@pytest.fixture
def server() -> Iterator[StandIn]:
    with standing_in() as found:
        yield found
