"""The gateway of a cluster: requests are answered by the node on whose port they arrive.

The active node answers. A standby forwards or redirects to it, as configured; a performance standby answers reads
itself. A sealed node, and a node without connection to an active node, refuse.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import pickle
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial

from mockkms.server import web
from mockkms.server.cluster.nodes import Nodes
from mockkms.server.cluster.server import NodeServer
from mockkms.server.cluster.turn import NodeSeals, NodeTurn
from mockkms.server.gateway.exchange import HttpReply, HttpRequest, RequestRefused, error_reply, redirect_reply
from mockkms.server.gateway.gateway import Gateway, Later, WorldLock
from mockkms.server.wire.responses import plain
from mockkms.vault.framework.message import Operation, Request, Response, VaultError
from mockkms.vault.kernel.node import HOST, ClusterPeer, Standing, health_response, node_status
from mockkms.world.world import World

FORWARD, REDIRECT = "forward", "redirect"
NODE: ContextVar[int] = ContextVar("NODE", default=0)
"""The node that received the current request."""
_TRANSPORT: ContextVar[asyncio.BaseTransport | None] = ContextVar("_TRANSPORT", default=None)

_OWN = frozenset(("sys/health", "sys/seal-status", "sys/leader", "sys/init", "sys/unseal", "sys/seal", "sys/host-info"))
"""Paths that every node answers for itself."""
_READS = frozenset(("GET", "LIST", "SCAN", "HEAD", "OPTIONS"))
_SNAPSHOTS = ("sys/storage/raft/snapshot", "sys/storage/raft/snapshot-force")
"""Paths that are always redirected."""


@dataclass
class ClusterOptions:
    """Options of a cluster."""

    standby: str = FORWARD
    """Handling of requests by a standby: ``forward`` or ``redirect``."""
    performance_standbys: bool = False
    """Whether standbys answer reads themselves."""
    index_headers: bool = False
    """Whether responses to writes have ``X-Vault-Index``, and a lagging node answers 412 to a newer index."""


class NodeGateway(Gateway):
    """Serves one world through the ports of several nodes."""

    def __init__(self, world: World, nodes: Nodes, options: ClusterOptions, address: Callable[[int], str]) -> None:
        super().__init__(world)
        self.nodes = nodes
        self.options = options
        self.forwards_by_header = options.performance_standbys
        self.address = address
        """The URL of a node."""
        self.seals = NodeSeals(world.core, nodes)

    # -- the node of a request ---------------------------------------------------------------------------------------

    def start(self, http: HttpRequest) -> HttpReply | Later:
        """Return a function that answers a request as the node on whose port it arrived."""
        return partial(self._on_node, http)

    async def _on_node(self, http: HttpRequest, aio: web.BaseRequest) -> web.StreamResponse:
        if aio.transport is not None and isinstance(self.host, NodeServer):
            NODE.set(self.host.node_at(aio.transport.get_extra_info("sockname")[1]))
            _TRANSPORT.set(aio.transport)
        found = super().start(http)
        return plain(found) if isinstance(found, HttpReply) else await found(aio)

    @staticmethod
    def transport() -> asyncio.BaseTransport | None:
        """Return the connection of the current request."""
        return _TRANSPORT.get()

    def cluster_address(self, node: int) -> str:
        """Return a node's cluster address: the port after that of the API."""
        head, _, port = self.address(node).rpartition(":")
        return f"https:{head.partition(':')[2]}:{int(port) + 1}"

    # -- actions and state --------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Return the world to its baseline and all nodes to their initial state, with open ports."""
        super().reset()
        self.restart_all()

    def step_down(self) -> None:
        """Make the active node step down."""
        with self.world.lock:
            self.seals.take_from_core()
            self.nodes.step_down()

    def restart_all(self) -> None:
        """Return all nodes to their initial state: running, unsealed, the first one active."""
        with self.world.lock:
            self.nodes.reset()
            self.seals.progress.clear()
        self._open_ports()

    def keep(self) -> bytes:
        """Return the state of the nodes, for a snapshot of the world."""
        return pickle.dumps((self.nodes.state(), self.seals.progress), protocol=5)

    def put_back(self, kept: bytes) -> None:
        """Restore the state that ``keep`` returned, ports included; if it is empty, the initial state."""
        with self.world.lock:
            if kept:
                state, self.seals.progress = pickle.loads(kept)
                self.nodes.restore(state)
            else:
                self.nodes.reset()
                self.seals.progress.clear()
                for facts in self.nodes.all:
                    facts.sealed = self.world.core.seal.sealed
        self._open_ports()

    def _open_ports(self) -> None:
        """Open the ports of running nodes, and close those of others. Not with the lock: the loop may wait for it."""
        if isinstance(self.host, NodeServer):
            for port, facts in zip(self.host.ports, self.nodes.all, strict=False):
                self.host.open_port(port) if facts.running else self.host.close_port(port, spare=self.transport())

    # -- requests ----------------------------------------------------------------------------------------------------

    def turn(self) -> NodeTurn:
        """Return the world's lock for a request to the node that received the current one."""
        return NodeTurn(self.world.lock, self.seals, NODE.get())

    def admit(self, http: HttpRequest, turn: WorldLock) -> None:
        """Choose the node that answers a request. Raises RequestRefused if none does, or the client is sent to one."""
        assert isinstance(turn, NodeTurn)
        nodes, node = self.nodes, turn.node
        leader = nodes.leader_seen_by(node)
        own = node == leader or nodes.all[node].sealed or http.target[4:] in _OWN
        answering = node if own or self._reads_itself(node, http) else self._elsewhere(http, leader)
        turn.answer_as(answering, self._standing(answering))

    def handle(self, http: HttpRequest, request: Request) -> Response:
        """Return the core's response; a write is counted."""
        response = super().handle(http, request)
        status = 307 if response.redirect else response.status or 200
        if http.method not in _READS and 200 <= status < 300 and http.target[4:] not in _OWN:
            index = self.nodes.wrote()
            if self.options.index_headers:
                response.headers["X-Vault-Index"] = self.encoded(index)
        return response

    def health(self, request: Request, turn: WorldLock) -> Response:
        """Return the response of ``sys/health`` by what is known of the node, while the core is another one."""
        assert isinstance(turn, NodeTurn)
        if request.operation not in (Operation.READ, Operation.HEADER):
            return super().health(request, turn)
        status, node = node_status(self.world.core), turn.node
        own = status._replace(
            sealed=self.nodes.all[node].sealed or not status.initialized, standing=self._standing(node)
        )
        try:
            return health_response(own, request.query, head=request.operation is Operation.HEADER)
        except VaultError as error:
            return error.response()

    def _reads_itself(self, node: int, http: HttpRequest) -> bool:
        """Return whether a performance standby answers a request. Raises RequestRefused if it lacks a recent write."""
        asked = http.headers.get("X-Vault-Forward", "") == "active-node"
        if asked or not self.options.performance_standbys or http.method not in _READS:
            return False
        behind = self._behind(node, http)
        if not behind:
            return True
        if http.headers.get("X-Vault-Inconsistent", "").lower() != "forward-active-node":
            raise RequestRefused(behind)
        return False

    def _elsewhere(self, http: HttpRequest, leader: int | None) -> int:
        """Return the node for a request that only the active node can process. Raises RequestRefused."""
        asked_to = "X-Vault-No-Request-Forwarding" in http.headers or http.target[4:] in _SNAPSHOTS
        redirects = self.options.standby == REDIRECT
        if leader is None and redirects:
            raise RequestRefused(error_reply(503, "no active Vault instance found"))
        if leader is None:
            raise RequestRefused(error_reply(500, "local node not active but active cluster node not found"))
        if redirects or asked_to:
            target = http.prefix + http.target + (f"?{http.query}" if http.query else "")
            reply = redirect_reply("POST", self.address(leader) + target)
            reply.headers["Content-Type"] = "application/json"
            raise RequestRefused(reply)
        return leader

    def _standing(self, node: int) -> Standing:
        nodes = self.nodes
        leader = nodes.leader_seen_by(node)
        active = leader == node
        seen = [
            other
            for other, facts in enumerate(nodes.all)
            if facts.running and not facts.sealed and facts.side == nodes.all[node].side
        ]
        return Standing(
            active=active,
            leader_address="" if leader is None else self.address(leader),
            leader_cluster_address="" if leader is None else self.cluster_address(leader),
            active_since=nodes.active_since if active else 0,
            performance_standby=self.options.performance_standbys and not active,
            index=nodes.seen(node),
            peers=[
                ClusterPeer(f"{HOST}-{other}", self.address(other), self.cluster_address(other), other == leader)
                for other in seen
            ],
        )

    # -- consistency -------------------------------------------------------------------------------------------------

    def _behind(self, node: int, http: HttpRequest) -> HttpReply | None:
        """Return the refusal of a request with a newer index than the node's; None if it has none."""
        wanted = http.headers.get("X-Vault-Index", "") if self.options.index_headers else ""
        for text in wanted.split(","):
            if not text.strip():
                continue
            index = self.decoded(text.strip())
            if index is None:
                return error_reply(400, "error parsing X-Vault-Index header")
            if index > self.nodes.seen(node):
                return error_reply(412, "required index state not present")
        return None

    def encoded(self, index: int) -> str:
        """Return the header value of an index: version, cluster, indexes and an HMAC, in base64."""
        state = f"v1:{self.world.core.state.seal.cluster_id}:{index}:0"
        return base64.b64encode(f"{state}:{self._mac(state)}".encode()).decode()

    def decoded(self, text: str) -> int | None:
        """Return the index of a header value; None for a value that this cluster has not issued."""
        try:
            state, _, mac = base64.b64decode(text, validate=True).decode().rpartition(":")
            index = int(state.split(":")[2])
        except (ValueError, IndexError):
            return None
        return index if hmac.compare_digest(mac.encode(), self._mac(state).encode()) else None

    def _mac(self, state: str) -> str:
        return hmac.new(self.world.core.state.seal.cluster_id.encode(), state.encode(), hashlib.sha256).hexdigest()
