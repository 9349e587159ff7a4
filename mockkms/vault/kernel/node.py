"""The server as a process: its settings, the ports it listens on, and its role in a cluster."""

from __future__ import annotations

from dataclasses import dataclass, field

SYSTEM_MAX_TTL = 768 * 3600
"""Seconds: the server's default and largest lease (``default_lease_ttl``, ``max_lease_ttl``)."""


@dataclass(slots=True)
class ServerSettings:
    """What no world changes: the settings of a server's configuration file, and its ports. Its tenants share them."""

    default_lease_ttl: int = SYSTEM_MAX_TTL
    max_lease_ttl: int = SYSTEM_MAX_TTL
    """Seconds: the lease limits of the server."""
    cluster_name: str = ""
    """The name of the cluster; if empty, one is generated at initialisation."""
    ports: set[int] = field(default_factory=set)
    """TCP ports that the server listens on: a request to one of them is answered without using the network."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One node as ``sys/ha-status`` lists it."""

    hostname: str
    api_address: str
    cluster_address: str
    active: bool


@dataclass(slots=True)
class Standing:
    """The role of the answering node in its cluster. A server without a cluster has none."""

    active: bool
    leader_address: str = ""
    """URL of the active node; empty if this node cannot reach one."""
    leader_cluster_address: str = ""
    active_since: float = 0
    """Seconds since the epoch; 0 at a node that is not active."""
    performance_standby: bool = False
    """Whether this standby answers reads itself."""
    index: int = 0
    """Index of the last write that this node has."""
    peers: list[Peer] = field(default_factory=list)
    """The nodes that the active node sees, including itself."""
    stepped_down: bool = False
    """Set by ``sys/step-down``: the active node steps down after this request."""
