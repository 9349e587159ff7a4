"""The nodes of a cluster, their state, and the election of the active node.

This module knows neither ports nor requests. State changes by calls and by the virtual clock only.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass

from mockkms.world.clock import Clock

KEPT_WRITES = 20_000
"""Number of writes whose time is stored; older ones have reached all nodes."""
NEVER = float("inf")


@dataclass
class NodeFacts:
    """The state of a node."""

    running: bool = True
    """Whether its port is open."""
    sealed: bool = False
    side: int = 0
    """The part of a partition; nodes of the same part are connected."""
    lag: float = 0.0
    """Seconds until it knows of a write."""


class Nodes:
    """The nodes of one cluster and their leader.

    ``quorum`` is the number of running, unsealed, connected nodes required for an election; ``election_delay`` is the
    time in seconds of the virtual clock between the loss of a leader and the next one.
    """

    def __init__(self, clock: Clock, count: int, *, quorum: int | None = None, election_delay: float = 1.0) -> None:
        if count < 1:
            raise ValueError(f"a cluster has at least one node, not {count}")
        self.quorum = count // 2 + 1 if quorum is None else quorum
        if not 1 <= self.quorum <= count:
            raise ValueError(f"quorum={self.quorum}: must be 1 to {count}, the number of nodes")
        if election_delay < 0:
            raise ValueError(f"election_delay={election_delay}: must not be negative")
        self.clock = clock
        self.election_delay = election_delay
        self.all = [NodeFacts() for _ in range(count)]
        self._electing = threading.Lock()
        self._set_initial_state()

    def _set_initial_state(self) -> None:
        self._leader: int | None = 0
        self._last = 0
        self._due = NEVER
        self._gone: list[float] = []
        self._forgotten = 0
        self.active_since = self.clock.now()
        """Time of the last election, in seconds since the epoch."""

    def reset(self) -> None:
        """Return to the initial state: all nodes running and unsealed, the first one active."""
        self.all[:] = [NodeFacts() for _ in self.all]
        self._set_initial_state()

    def state(self) -> dict[str, object]:
        """Return the state without clock, lock and options."""
        fixed = ("clock", "quorum", "election_delay", "_electing")
        return {name: value for name, value in vars(self).items() if name not in fixed}

    def restore(self, state: dict[str, object]) -> None:
        """Restore what ``state`` returned for the same number of nodes."""
        vars(self).update(state)

    # -- leader ------------------------------------------------------------------------------------------------------

    @property
    def leader(self) -> int | None:
        """The active node; None without one."""
        if self._leader is None and self.clock.now() >= self._due:
            with self._electing:  # The health check looks at the leader without the world's lock.
                if self._leader is None:
                    self._elect()
        return self._leader

    def leader_seen_by(self, node: int) -> int | None:
        """Return the active node if ``node`` is connected to it, else None."""
        leader = self.leader
        return leader if leader is not None and self.all[leader].side == self.all[node].side else None

    def role(self, node: int) -> str:
        """Return ``active``, ``standby``, ``sealed`` or ``stopped``."""
        facts = self.all[node]
        if not facts.running:
            return "stopped"
        if facts.sealed:
            return "sealed"
        return "active" if self.leader == node else "standby"

    def partition(self, apart: set[int]) -> None:
        """Separate the nodes ``apart`` from all others; an empty set ends the partition."""
        for node, facts in enumerate(self.all):
            facts.side = int(node in apart)
        self.changed()

    def changed(self) -> None:
        """Start an election if the leader cannot lead any more; call it after each change of a node."""
        able = self._able()
        if self._leader is not None and self._leader not in able:
            self._leader = None
            self._due = NEVER
        if self._leader is None:
            if not able:
                self._due = NEVER
            elif self._due == NEVER:
                self._due = self.clock.now() + self.election_delay

    def step_down(self) -> None:
        """Make the leader step down and start an election; it is elected again only if no other node can be."""
        if self.leader is not None:
            self._leader = None
            self._due = NEVER
            self.changed()

    def elect(self) -> None:
        """Complete an election without its delay. Without a quorum, no leader is elected."""
        if self._leader is None and self._able():
            self._elect()

    def _elect(self) -> None:
        able = self._able()
        count = len(self.all)
        later = ((self._last + step) % count for step in range(1, count + 1))
        self._leader = next((node for node in later if node in able), None)
        self._due = NEVER
        if self._leader is not None:
            self._last = self._leader
            self.active_since = self.clock.now()

    def _able(self) -> set[int]:
        """Return the nodes that can lead: running, unsealed, and connected to a quorum."""
        up = [node for node, facts in enumerate(self.all) if facts.running and not facts.sealed]
        votes = Counter(self.all[node].side for node in up)
        return {node for node in up if votes[self.all[node].side] >= self.quorum}

    # -- writes ------------------------------------------------------------------------------------------------------

    @property
    def index(self) -> int:
        """Number of writes."""
        return self._forgotten + len(self._gone)

    def wrote(self) -> int:
        """Count a write and return its index."""
        if len(self._gone) >= KEPT_WRITES:
            self._forgotten += KEPT_WRITES // 2
            del self._gone[: KEPT_WRITES // 2]
        self._gone.append(self.clock.now())
        return self.index

    def seen(self, node: int) -> int:
        """Return the index of the last write that ``node`` knows."""
        lag = self.all[node].lag
        if lag <= 0 or node == self._leader:
            return self.index
        return self._forgotten + bisect_right(self._gone, self.clock.now() - lag)
