"""A cluster: several nodes, each with its own port, one state, one active node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from mockkms.arguments import check_arguments
from mockkms.faults.parsing import unknown
from mockkms.kms import MockKMS
from mockkms.server.cluster.gateway import FORWARD, REDIRECT, ClusterOptions, NodeGateway
from mockkms.server.cluster.nodes import NodeFacts, Nodes
from mockkms.server.cluster.server import NodeServer

_CHANGES = ("running", "sealed", "lag")
"""What may be changed of a node."""


class ClusterNode:
    """One node of a cluster. Changes take effect immediately, also for open connections."""

    def __init__(self, cluster: Cluster, index: int) -> None:
        self._cluster = cluster
        self.index = index
        """Index of the node, from 0."""

    def __repr__(self) -> str:
        return f"<node {self.index} {self.role}>"

    @property
    def url(self) -> str:
        """The address of the node, without a trailing slash."""
        return self._cluster.node_url(self.index)

    @property
    def _facts(self) -> NodeFacts:
        return self._cluster.facts(self.index)

    @property
    def role(self) -> str:
        """``active``, ``standby``, ``sealed`` or ``stopped``."""
        return self._cluster.role(self.index)

    def stop(self) -> None:
        """Refuse connections, like a process that has ended. If the node was active, another one is elected."""
        self._cluster.change(self.index, running=False)

    def start(self, *, sealed: bool = False) -> None:
        """Run again; ``sealed`` like a server without auto-unseal. Raises OSError if its port is in use."""
        self._cluster.change(self.index, running=True, sealed=sealed)

    def seal(self) -> None:
        """Seal this node only."""
        self._cluster.change(self.index, sealed=True)

    def unseal(self) -> None:
        """Unseal this node without key shares."""
        self._cluster.change(self.index, sealed=False)

    @property
    def lag(self) -> float:
        """Replication delay in seconds of the virtual clock; used with ``index_headers``."""
        return self._facts.lag

    @lag.setter
    def lag(self, seconds: float) -> None:
        check_arguments({"lag": seconds})
        self._cluster.change(self.index, lag=seconds)


class Cluster(MockKMS):
    """A MockKMS of several nodes: ``with Cluster(nodes=3) as cluster: hvac.Client(url=cluster.nodes[1].url)``.

    - ``standby``: what a standby does with requests: ``forward`` them or ``redirect`` (307).
    - ``election_delay``: seconds of the virtual clock without an active node after one is lost.
    - ``quorum``: number of nodes that can elect an active node (default: more than half).
    - ``performance_standbys``: standbys answer reads themselves.
    - ``index_headers``: responses to writes carry ``X-Vault-Index``; a lagging node answers 412 to requests that
      require a later index.
    - ``port``: the first node's port; each further node uses the second port after that of the node before.

    Other options are those of MockKMS. Raises ValueError for invalid numbers of nodes.
    """

    _denied: ClassVar[Mapping[str, str]] = {}

    def __init__(
        self,
        nodes: int = 3,
        *,
        standby: str = FORWARD,
        election_delay: float = 1.0,
        quorum: int | None = None,
        performance_standbys: bool = False,
        index_headers: bool = False,
        port: int = 0,
        rustfs_port: int | None = None,
        **options: Any,
    ) -> None:
        check_arguments(locals())
        if standby not in (FORWARD, REDIRECT):
            raise ValueError(f"standby={standby!r}: expected {FORWARD!r} or {REDIRECT!r}")
        for word in ("upstream", "replay"):
            if options.get(word) is not None:
                raise ValueError(f"`{word}` cannot be used with a cluster")
        super().__init__(**options)
        self._rules = Nodes(self.world.clock, nodes, quorum=quorum, election_delay=election_delay)
        behaviour = ClusterOptions(standby, performance_standbys, index_headers)
        own = tuple(port + 2 * node if port else 0 for node in range(nodes))
        self._ports = own if rustfs_port is None else (*own, rustfs_port)
        self._has_rustfs_port = rustfs_port is not None
        self._nodes_gateway = NodeGateway(self.world, self._rules, behaviour, self.node_url)
        self.world.companion = self._nodes_gateway
        self._nodes_server = NodeServer(self._nodes_gateway, tls=self._server.tls, control=self._server.control)
        self._gateway, self._server = self._guarded(self._nodes_gateway), self._nodes_server
        self.nodes = [ClusterNode(self, index) for index in range(nodes)]
        """All nodes; the first one is active initially."""

    # -- addresses ---------------------------------------------------------------------------------------------------

    def node_url(self, index: int) -> str:
        """Return the address of a node. Raises RuntimeError while the cluster is not running."""
        return self._address(self._index(index))

    @property
    def urls(self) -> list[str]:
        """The addresses of all nodes."""
        return [node.url for node in self.nodes]

    @property
    def rustfs_url(self) -> str:
        """The address for clients of the RustFS admin API; every node answers it."""
        return self._address(-1 if self._has_rustfs_port else 0)

    # -- leadership ---------------------------------------------------------------------------------------------------

    @property
    def leader(self) -> int | None:
        """Index of the active node; None if no node is active."""
        with self.world.lock:
            self._nodes_gateway.seals.take_from_core()
            return self._rules.leader

    @property
    def active(self) -> ClusterNode | None:
        """The active node; None if no node is active."""
        leader = self.leader
        return self.nodes[leader] if leader is not None else None

    @property
    def standbys(self) -> list[ClusterNode]:
        """The running, unsealed nodes that are not active."""
        return [node for node in self.nodes if node.role == "standby"]

    def step_down(self) -> None:
        """Make the active node step down, like ``sys/step-down``."""
        with self.world.lock:
            self._rules.step_down()

    def elect(self) -> ClusterNode | None:
        """End an election without waiting for its delay. Return the active node; None without a quorum."""
        with self.world.lock:
            self._rules.elect()
        return self.active

    # -- nodes -------------------------------------------------------------------------------------------------------

    def _index(self, node: object) -> int:
        """Return the index of a node. Raises ValueError for what is none."""
        index = node.index if isinstance(node, ClusterNode) else node
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(self.nodes):
            raise ValueError(f"node {node!r}: expected a node, or its index from 0 to {len(self.nodes) - 1}")
        return index

    def facts(self, index: int) -> NodeFacts:
        """Return the state of a node. Raises ValueError for an unknown one, as do all that take a node."""
        index = self._index(index)
        with self.world.lock:
            self._nodes_gateway.seals.take_from_core()
            return self._rules.all[index]

    def role(self, index: int) -> str:
        """Return ``active``, ``standby``, ``sealed`` or ``stopped``."""
        self.facts(index)
        return self._rules.role(index)

    def change(self, index: int, **changes: object) -> None:
        """Set ``running``, ``sealed`` or ``lag`` of a node; elections and ports follow at once. Raises ValueError."""
        for name in changes:
            if name not in _CHANGES:
                raise unknown(name, _CHANGES, "field of a node")
        check_arguments(changes)
        facts = self.facts(index)
        with self.world.lock:
            for name, value in changes.items():
                setattr(facts, name, value)
            self._rules.changed()
            self._nodes_gateway.seals.give_to_core()
        if "running" in changes and self._server.ports:
            port = self._server.ports[index]
            if changes["running"]:
                self._nodes_server.open_port(port)
            else:
                self._nodes_server.close_port(port)

    def partition(self, *nodes: ClusterNode | int) -> None:
        """Separate ``nodes`` from all others; clients still reach every node. Replaces an earlier partition."""
        apart = {self._index(node) for node in nodes}
        with self.world.lock:
            self._rules.partition(apart)

    def heal(self) -> None:
        """End a partition."""
        self.partition()

    # -- seals -------------------------------------------------------------------------------------------------------

    def seal(self) -> None:
        """Seal every node."""
        super().seal()
        self.facts(0)

    def unseal(self) -> None:
        """Unseal every node without key shares."""
        with self.world.lock:
            for facts in self._rules.all:
                facts.sealed = False
        super().unseal()
        with self.world.lock:
            self._rules.changed()
