"""Servers whose auth methods ask a directory, and clients on real sockets."""

from __future__ import annotations

from typing import Any

import hvac

from mockkms import MockKMS


def serving(auth: dict[str, Any], flavor: Any = "vault") -> MockKMS:
    """A server, not started, with these auth methods."""
    return MockKMS(seed={"vault": {"auth": auth}}, flavor=flavor)


def client_of(server: MockKMS) -> hvac.Client:
    """A client with the root token."""
    return hvac.Client(server.url, token=server.token)


def anybody(server: MockKMS) -> hvac.Client:
    """A client without a token."""
    return hvac.Client(server.url)


def self_of(server: MockKMS, token: str) -> dict[str, Any]:
    """What a token sees of itself."""
    found: dict[str, Any] = hvac.Client(server.url, token=token).auth.token.lookup_self()["data"]
    return found
