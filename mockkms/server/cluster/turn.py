"""The world's lock as a request to one node of a cluster holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading

    from mockkms.server.cluster.nodes import Nodes
    from mockkms.vault.kernel.core import Core
    from mockkms.vault.kernel.node import Standing


class NodeSeals:
    """The seals of the nodes. The core has one seal and one standing, which are set to those of the answering node.

    All methods are called with the world's lock held.
    """

    def __init__(self, core: Core, nodes: Nodes) -> None:
        self._core = core
        self._nodes = nodes
        self.progress: dict[int, tuple[list[bytes], str]] = {}
        """The shares that were entered to unseal a node, and the nonce of that attempt, by its index."""

    def take_from_core(self) -> None:
        """Apply a change of the world's seal, by a fault or a restored snapshot, to all nodes."""
        sealed, nodes = self._core.seal.sealed, self._nodes
        if sealed != all(facts.sealed for facts in nodes.all):
            for facts in nodes.all:
                facts.sealed = sealed
            self.progress.clear()
            nodes.changed()

    def give_to_core(self) -> None:
        """Set the world's seal between requests: sealed if all nodes are."""
        self._core.seal.barrier.sealed = all(facts.sealed for facts in self._nodes.all)

    def enter(self, node: int, standing: Standing) -> None:
        """Set the core's seal and standing to those of ``node``."""
        barrier = self._core.seal.barrier
        barrier.progress, barrier.nonce = self.progress.get(node, ([], ""))
        barrier.sealed = self._nodes.all[node].sealed or not barrier.initialized
        self._core.answering_as = standing

    def leave(self, node: int, standing: Standing) -> None:
        """Note what a request has changed of its node's seal and standing, and undo ``enter``."""
        core, nodes = self._core, self._nodes
        barrier = core.seal.barrier
        self.progress[node] = (barrier.progress, barrier.nonce)
        nodes.all[node].sealed = barrier.sealed
        core.answering_as = None
        self.give_to_core()
        nodes.changed()
        if standing.stepped_down:
            standing.stepped_down = False
            nodes.step_down()


class NodeTurn:
    """The world's lock for one request: while it is held, the core is the node that answers the request.

    A request that waits, or computes for long, releases it; other nodes answer other requests meanwhile.
    """

    def __init__(self, lock: threading.RLock, seals: NodeSeals, node: int) -> None:
        self._lock = lock
        self._seals = seals
        self.node = node
        """The node that received the request."""
        self._answering: tuple[int, Standing] | None = None

    def acquire(self, blocking: bool = True) -> bool:
        """Acquire the lock; return whether it is held now."""
        if not self._lock.acquire(blocking):
            return False
        self._seals.take_from_core()
        if self._answering is not None:
            self._seals.enter(*self._answering)
        return True

    def answer_as(self, node: int, standing: Standing) -> None:
        """Make ``node`` answer the request; the lock is held."""
        self._answering = (node, standing)
        self._seals.enter(node, standing)

    def release(self) -> None:
        """Release the lock."""
        try:
            if self._answering is not None:
                self._seals.leave(*self._answering)
        finally:
            self._lock.release()
