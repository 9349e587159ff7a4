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
    """URL of the active node; empty while there is none, or none that this node can reach."""
    leader_cluster_address: str = ""
    active_since: float = 0
    """Seconds since the epoch; 0 at a node that is not active."""
    performance_standby: bool = False
    """Answers reads itself while it stands by."""
    index: int = 0
    """Of the last write this node knows of."""
    peers: list[Peer] = field(default_factory=list)
    """The nodes that the active one sees, itself among them."""
    stepped_down: bool = False
    """An answer to ``sys/step-down``: the active node gives up after this request."""
