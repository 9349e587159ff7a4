"""Who leads a cluster: nodes that run or not, sealed or not, on one side of a partition or the other; and elections.

Pure facts and rules, no ports and no requests. Everything changes by a call or by the virtual clock alone.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass

from mockkms.world.clock import Clock

KEPT_WRITES = 20_000
"""Of so many writes it is known when they happened; older ones have reached every node."""
NEVER = float("inf")


@dataclass
class NodeFacts:
    """One node."""

    running: bool = True
    """Its port is open."""
    sealed: bool = False
    side: int = 0
    """Nodes of one side see each other."""
    lag: float = 0.0
    """Seconds for which it does not yet know of a write."""


class Nodes:
    """The nodes of one cluster and their leader.

    ``quorum`` is how many running, unsealed nodes that see each other elect a leader; ``election_delay`` is seconds of
    the virtual clock between the loss of a leader and the next one.
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
        self._begin()

    def _begin(self) -> None:
        self._leader: int | None = 0
        self._last = 0
        self._due = NEVER
        self._gone: list[float] = []
        self._forgotten = 0
        self.active_since = self.clock.now()
        """When the leader became it, seconds since the epoch."""

    def reset(self) -> None:
        """As at the start: all run, none sealed, the first one leads."""
        self.all[:] = [NodeFacts() for _ in self.all]
        self._begin()

    def state(self) -> dict[str, object]:
        """All but the clock and the rules, to keep."""
        fixed = ("clock", "quorum", "election_delay")
        return {name: value for name, value in vars(self).items() if name not in fixed}

    def restore(self, state: dict[str, object]) -> None:
        """What ``state`` gave, for as many nodes."""
        vars(self).update(state)

    # -- leader ------------------------------------------------------------------------------------------------------

    @property
    def leader(self) -> int | None:
        """The active node; None while there is none."""
        if self._leader is None and self.clock.now() >= self._due:
            self._elect()
        return self._leader

    def leader_seen_by(self, node: int) -> int | None:
        """The active node, where ``node`` can reach it."""
        leader = self.leader
        return leader if leader is not None and self.all[leader].side == self.all[node].side else None

    def role(self, node: int) -> str:
        """``active``, ``standby``, ``sealed`` or ``stopped``."""
        facts = self.all[node]
        if not facts.running:
            return "stopped"
        if facts.sealed:
            return "sealed"
        return "active" if self.leader == node else "standby"

    def partition(self, apart: set[int]) -> None:
        """Put ``apart`` on one side of a partition and all others on the other; an empty set ends the partition."""
        for node, facts in enumerate(self.all):
            facts.side = int(node in apart)
        self.changed()

    def changed(self) -> None:
        """To be called after any change of a node: a leader that can lead no longer is none, and an election begins."""
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
        """The leader gives up; another node is elected, the same one only where no other can be."""
        if self.leader is not None:
            self._leader = None
            self._due = NEVER
            self.changed()

    def elect(self) -> None:
        """End an election without waiting for its delay. Without a quorum no leader is elected."""
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
        """Nodes that can lead: unsealed ones that see a quorum."""
        up = [node for node, facts in enumerate(self.all) if facts.running and not facts.sealed]
        votes = Counter(self.all[node].side for node in up)
        return {node for node in up if votes[self.all[node].side] >= self.quorum}

    # -- writes ------------------------------------------------------------------------------------------------------

    @property
    def index(self) -> int:
        """How many writes there were."""
        return self._forgotten + len(self._gone)

    def wrote(self) -> int:
        """Count a write; returns its index."""
        if len(self._gone) >= KEPT_WRITES:
            self._forgotten += KEPT_WRITES // 2
            del self._gone[: KEPT_WRITES // 2]
        self._gone.append(self.clock.now())
        return self.index

    def seen(self, node: int) -> int:
        """The index of the last write that ``node`` knows of."""
        lag = self.all[node].lag
        if lag <= 0 or node == self._leader:
            return self.index
        return self._forgotten + bisect_right(self._gone, self.clock.now() - lag)
