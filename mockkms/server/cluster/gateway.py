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
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial

from mockkms.outside.turn import Abandoned, keeping_turns
from mockkms.server import web
from mockkms.server.cluster.nodes import Nodes
from mockkms.server.cluster.server import NodeServer
from mockkms.server.gateway import codec
from mockkms.server.gateway.exchange import HttpReply, HttpRequest, RequestRefused, error_reply, redirect_reply
from mockkms.server.gateway.gateway import LARGE, Gateway, Later, abandoned_reply, may_take_long
from mockkms.server.gateway.threads import Threads
from mockkms.server.wire.responses import plain
from mockkms.vault.kernel.node import HOST, ClusterPeer, Standing
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
        # The seal and the standing of a node are set for each request, so requests must not overlap. A request that
        # computes for long runs on a thread, which holds the world's lock until it is done.
        self.threads, self._own_threads = None, Threads()
        self.nodes = nodes
        self.options = options
        self.forwards_by_header = options.performance_standbys
        self.address = address
        """The URL of a node."""
        self._progress: dict[int, tuple[list[bytes], str]] = {}

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
            self.take_seal_from_core()
            self.nodes.step_down()

    def restart_all(self) -> None:
        """Return all nodes to their initial state: running, unsealed, the first one active."""
        self.nodes.reset()
        self._progress.clear()
        if isinstance(self.host, NodeServer):
            for port in self.host.ports:
                self.host.open_port(port)

    def keep(self) -> bytes:
        """Return the state of the nodes, for a snapshot of the world."""
        return pickle.dumps((self.nodes.state(), self._progress), protocol=5)

    def put_back(self, kept: bytes) -> None:
        """Restore the state that ``keep`` returned, ports included; if it is empty, the initial state."""
        if not kept:
            self.restart_all()
            for facts in self.nodes.all:
                facts.sealed = self.world.core.seal.sealed
            return
        with self.world.lock:
            state, self._progress = pickle.loads(kept)
            self.nodes.restore(state)
        if isinstance(self.host, NodeServer):
            for port, facts in zip(self.host.ports, self.nodes.all, strict=False):
                self.host.open_port(port) if facts.running else self.host.close_port(port, spare=self.transport())

    def vault(self, http: HttpRequest) -> HttpReply | Awaitable[HttpReply]:
        """Answer a request below ``/v1/`` as the node that received it."""
        node, lock, still = NODE.get(), self.world.lock, self.same_world()
        if len(http.body) > LARGE or not lock.acquire(blocking=False):
            return self._own_threads.run(lambda: self._locked(node, http, still))
        try:
            if self._takes_long(http):
                return self._own_threads.run(lambda: self._locked(node, http, still))
            return self._locked(node, http, still)
        finally:
            lock.release()

    def _takes_long(self, http: HttpRequest) -> bool:
        core = self.world.core
        try:
            request = codec.request_of(core, http)
        except RequestRefused:
            return False
        return may_take_long(core, request, len(http.body))

    def _locked(self, node: int, http: HttpRequest, still: Callable[[], bool]) -> HttpReply:
        try:
            with keeping_turns(self.world.lock, still):
                self.take_seal_from_core()
                return self._vault(node, http)
        except Abandoned:
            return abandoned_reply()

    def _vault(self, node: int, http: HttpRequest) -> HttpReply:
        nodes, path = self.nodes, http.target[4:]
        leader = nodes.leader_seen_by(node)
        if node == leader or nodes.all[node].sealed or path in _OWN:
            return self._as(node, http)
        asked = http.headers.get("X-Vault-Forward", "") == "active-node"
        if self.options.performance_standbys and http.method in _READS and not asked:
            behind = self._behind(node, http)
            if not behind:
                return self._as(node, http)
            if http.headers.get("X-Vault-Inconsistent", "").lower() != "forward-active-node":
                return behind
        return self._elsewhere(http, leader)

    def _elsewhere(self, http: HttpRequest, leader: int | None) -> HttpReply:
        """Answer a request that only the active node can process."""
        asked_to = "X-Vault-No-Request-Forwarding" in http.headers or http.target[4:] in _SNAPSHOTS
        redirects = self.options.standby == REDIRECT
        if leader is None and redirects:
            return error_reply(503, "no active Vault instance found")
        if leader is None:
            return error_reply(500, "local node not active but active cluster node not found")
        if redirects or asked_to:
            target = http.prefix + http.target + (f"?{http.query}" if http.query else "")
            reply = redirect_reply("POST", self.address(leader) + target)
            reply.headers["Content-Type"] = "application/json"
            return reply
        return self._as(leader, http)

    def _as(self, node: int, http: HttpRequest) -> HttpReply:
        """Return the core's response with the seal and the standing of ``node``."""
        core, facts = self.world.core, self.nodes.all[node]
        barrier = core.seal.barrier
        progress, nonce = self._progress.get(node, ([], ""))
        barrier.progress, barrier.nonce, barrier.sealed = progress, nonce, facts.sealed or not barrier.initialized
        standing = self._standing(node)
        try:
            with core.answering_as(standing):
                reply = super().vault(http)
            assert isinstance(reply, HttpReply)
        finally:
            barrier = core.seal.barrier
            self._progress[node] = (barrier.progress, barrier.nonce)
            facts.sealed = barrier.sealed
            self.give_seal_to_core()
        self.nodes.changed()
        if standing.stepped_down:
            self.nodes.step_down()
        self._count(http, reply, node)
        return reply

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

    # -- the seal: each node has its own, set in the core for a request ---------------------------------------------

    def take_seal_from_core(self) -> None:
        """Apply a change of the world's seal, by a fault or a restored snapshot, to all nodes."""
        sealed = self.world.core.seal.sealed
        if sealed != all(facts.sealed for facts in self.nodes.all):
            for facts in self.nodes.all:
                facts.sealed = sealed
            self._progress.clear()
            self.nodes.changed()

    def give_seal_to_core(self) -> None:
        """Set the world's seal between requests: sealed if all nodes are."""
        barrier = self.world.core.seal.barrier
        barrier.sealed = all(facts.sealed for facts in self.nodes.all)

    # -- consistency -------------------------------------------------------------------------------------------------

    def _count(self, http: HttpRequest, reply: HttpReply, node: int) -> None:
        if http.method not in _READS and 200 <= reply.status < 300 and http.target[4:] not in _OWN:
            index = self.nodes.wrote()
            if self.options.index_headers:
                reply.headers["X-Vault-Index"] = self.encoded(index)

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
