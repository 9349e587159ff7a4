"""The high-availability state that the answering node of a cluster reports."""

from __future__ import annotations

from dataclasses import dataclass, field


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
