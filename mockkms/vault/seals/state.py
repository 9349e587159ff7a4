"""The state of the server's seal: plain data."""

from __future__ import annotations

from dataclasses import field

from mockkms.lazy_dataclass import dataclass
from mockkms.vault.seals.barrier import Barrier


@dataclass
class SealState:
    """The root namespace's barrier and the cluster's name."""

    barrier: Barrier = field(default_factory=Barrier)
    cluster_name: str = ""
    cluster_id: str = ""
    started: float = 0
    """When the server was initialised, seconds since the epoch."""
    root_token: str = ""
    """The root token that ``sys/init`` created, which a real server shows once."""
