"""The gateway of a cluster: which node a request came to, and what that node does with it.

The active node answers. A standby forwards to it or redirects, as configured; a performance standby answers reads
itself. A sealed node, and one that sees no active node, refuse.
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

from aiohttp import web

from mockkms.server.cluster.nodes import Nodes
from mockkms.server.cluster.server import NodeServer
from mockkms.server.gateway.exchange import HttpReply, HttpRequest, error_reply, redirect_reply
from mockkms.server.gateway.gateway import LARGE, Gateway, Later
from mockkms.server.gateway.threads import Threads
from mockkms.server.wire.responses import plain
from mockkms.vault.kernel.node import Peer, Standing
from mockkms.vault.sys.monitoring.status import HOST
from mockkms.world.world import World

FORWARD, REDIRECT = "forward", "redirect"
NODE: ContextVar[int] = ContextVar("NODE", default=0)
"""The node that the request being answered came to."""
_TRANSPORT: ContextVar[asyncio.BaseTransport | None] = ContextVar("_TRANSPORT", default=None)

_OWN = frozenset(("sys/health", "sys/seal-status", "sys/leader", "sys/init", "sys/unseal", "sys/seal", "sys/host-info"))
"""Paths that every node answers for itself."""
_READS = frozenset(("GET", "LIST", "SCAN", "HEAD", "OPTIONS"))
_SNAPSHOTS = ("sys/storage/raft/snapshot", "sys/storage/raft/snapshot-force")
"""Never forwarded, always redirected."""
_SEAL_FIELDS = ("sealed", "progress", "nonce")


@dataclass
class ClusterOptions:
    """How the nodes of a cluster behave."""

    standby: str = FORWARD
    """``forward`` or ``redirect``: what a standby does with a request."""
    performance_standbys: bool = False
    """Standbys answer reads themselves."""
    index_headers: bool = False
    """Answers to writes carry ``X-Vault-Index``, and a node that lags refuses requests that want more: 412."""


class NodeGateway(Gateway):
    """Serves one world through the ports of several nodes."""

    def __init__(self, world: World, nodes: Nodes, options: ClusterOptions, address: Callable[[int], str]) -> None:
        super().__init__(world)
        # The seal and the standing of a node are set around each of its requests, so none may overlap another. One that
        # computes for long has a thread, where it keeps the world's lock to its end.
        self.threads, self._own_threads = None, Threads()
        self.nodes = nodes
        self.options = options
        self.address = address
        """The URL of a node."""
        self._progress: dict[int, tuple[list[bytes], str]] = {}

    # -- where a request came to -------------------------------------------------------------------------------------

    def start(self, http: HttpRequest) -> HttpReply | Later:
        """Return what answers one request as the node whose port it came to."""
        return partial(self._on_node, http)

    async def _on_node(self, http: HttpRequest, aio: web.BaseRequest) -> web.StreamResponse:
        if aio.transport is not None and isinstance(self.host, NodeServer):
            NODE.set(self.host.node_at(aio.transport.get_extra_info("sockname")[1]))
            _TRANSPORT.set(aio.transport)
        found = super().start(http)
        return plain(found) if isinstance(found, HttpReply) else await found(aio)

    @staticmethod
    def transport() -> asyncio.BaseTransport | None:
        """The connection that the request being answered came on."""
        return _TRANSPORT.get()

    def cluster_address(self, node: int) -> str:
        """The address at which nodes would talk to each other: the port after the API's."""
        head, _, port = self.address(node).rpartition(":")
        return f"https:{head.partition(':')[2]}:{int(port) + 1}"

    # -- what its node does ------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """The world's baseline, and every node as at the start. Ports of stopped nodes open again."""
        super().reset()
        self.restart_all()

    def step_down(self) -> None:
        """The active node gives up."""
        with self.world.lock:
            self.take_seal_from_core()
            self.nodes.step_down()

    def restart_all(self) -> None:
        """Every node runs, none is sealed, the first one leads."""
        self.nodes.reset()
        self._progress.clear()
        if isinstance(self.host, NodeServer):
            for port in self.host.ports:
                self.host.open_port(port)

    def keep(self) -> bytes:
        """Who leads, and which nodes are stopped, sealed, apart or behind: for a snapshot of the world."""
        return pickle.dumps((self.nodes.state(), self._progress), protocol=5)

    def put_back(self, kept: bytes) -> None:
        """What ``keep`` gave, ports included; as at the start where that is nothing."""
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
        """A request below ``/v1/``, as the node that got it answers it."""
        node, lock = NODE.get(), self.world.lock
        if len(http.body) > LARGE or not lock.acquire(blocking=False):
            return self._own_threads.run(lambda: self._locked(node, http))
        try:
            return self._locked(node, http)
        finally:
            lock.release()

    def _locked(self, node: int, http: HttpRequest) -> HttpReply:
        with self.world.lock:
            self.take_seal_from_core()
            return self._vault(node, http)

    def _vault(self, node: int, http: HttpRequest) -> HttpReply:
        nodes, path = self.nodes, http.target[4:]
        leader = nodes.leader_seen_by(node)
        if node == leader or nodes.all[node].sealed or path in _OWN:
            return self._as(node, http)
        if self.options.performance_standbys and http.method in _READS:
            behind = self._behind(node, http)
            if not behind:
                return self._as(node, http)
            if http.headers.get("X-Vault-Inconsistent", "").lower() != "forward-active-node":
                return behind
        return self._elsewhere(http, leader)

    def _elsewhere(self, http: HttpRequest, leader: int | None) -> HttpReply:
        """What a standby does with a request that is the active node's."""
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
        """The core's answer with the seal and the standing of ``node``."""
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
                Peer(f"{HOST}-{other}", self.address(other), self.cluster_address(other), other == leader)
                for other in seen
            ],
        )

    # -- the seal: each node has one, the core has it while it answers -----------------------------------------------

    def take_seal_from_core(self) -> None:
        """Seals and unseals of the whole world (a fault, a restored snapshot) reach every node."""
        sealed = self.world.core.seal.sealed
        if sealed != all(facts.sealed for facts in self.nodes.all):
            for facts in self.nodes.all:
                facts.sealed = sealed
            self._progress.clear()
            self.nodes.changed()

    def give_seal_to_core(self) -> None:
        """Between requests the world counts as sealed where every node is."""
        barrier = self.world.core.seal.barrier
        barrier.sealed = all(facts.sealed for facts in self.nodes.all)

    # -- consistency -------------------------------------------------------------------------------------------------

    def _count(self, http: HttpRequest, reply: HttpReply, node: int) -> None:
        if http.method not in _READS and 200 <= reply.status < 300 and http.target[4:] not in _OWN:
            index = self.nodes.wrote()
            if self.options.index_headers:
                reply.headers["X-Vault-Index"] = self.encoded(index)

    def _behind(self, node: int, http: HttpRequest) -> HttpReply | None:
        """The refusal of a request that wants an index this node has not reached."""
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
        """An index as the header carries it: base64 of version, cluster, indexes and an HMAC."""
        state = f"v1:{self.world.core.state.seal.cluster_id}:{index}:0"
        return base64.b64encode(f"{state}:{self._mac(state)}".encode()).decode()

    def decoded(self, text: str) -> int | None:
        """The index of a header; None for what this cluster never gave out."""
        try:
            state, _, mac = base64.b64decode(text, validate=True).decode().rpartition(":")
            index = int(state.split(":")[2])
        except (ValueError, IndexError):
            return None
        return index if hmac.compare_digest(mac.encode(), self._mac(state).encode()) else None

    def _mac(self, state: str) -> str:
        return hmac.new(self.world.core.state.seal.cluster_id.encode(), state.encode(), hashlib.sha256).hexdigest()
