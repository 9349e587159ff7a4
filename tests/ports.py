"""Waiting for a server that comes up, or back."""

from __future__ import annotations

import select
import socket
import time
from urllib.parse import urlsplit

PATIENCE = 60.0
"""Seconds after which a port that does not open counts as broken."""


def wait_for_port(url: str) -> None:
    """Return as soon as connections to the address are accepted. Fails the test where they never are."""
    where = urlsplit(url)
    assert where.hostname is not None
    assert where.port is not None
    until = time.monotonic() + PATIENCE
    while True:
        with socket.socket() as probe:
            if probe.connect_ex((where.hostname, where.port)) == 0:
                return
            # A refused connection is known at once and tells of nothing to come: look again.
            select.select([], [], [], 0.005)
        assert time.monotonic() < until, f"{url} did not open"
