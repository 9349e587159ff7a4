"""The server as a process: its settings, its role in a cluster, and what it reports about itself without a token.

Fault rules respond with the same documents when they pretend that the server is sealed or a standby.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, Protocol

from mockkms.vault.framework.message import ErrorResponse, Response
from mockkms.vault.golang.json_text import Encoded, encode
from mockkms.vault.products.features import Feature
from mockkms.world.clock import ZERO_TIME, rfc3339

if TYPE_CHECKING:
    from mockkms.vault.products import Product
    from mockkms.vault.seals.barrier import SealState
    from mockkms.world.clock import Clock

SYSTEM_MAX_TTL = 768 * 3600
"""Seconds: the server's default and largest lease (``default_lease_ttl``, ``max_lease_ttl``)."""
INMEM, RAFT = "inmem", "raft"
STORAGES = (INMEM, RAFT)
INITIAL_STATES = ("unsealed", "sealed", "uninitialized")
"""The states in which a server can start; the default first."""
HOST = "mockkms"
"""The host name in responses: fixed, so that runs on different machines give the same responses."""


@dataclass(slots=True)
class ServerSettings:
    """What no world changes: the settings of a server's configuration file, and its ports. Its tenants share them."""

    default_lease_ttl: int = SYSTEM_MAX_TTL
    max_lease_ttl: int = SYSTEM_MAX_TTL
    """Seconds: the lease limits of the server."""
    cluster_name: str = ""
    """The name of the cluster; if empty, one is generated at initialisation."""
    storage: str = INMEM
    """Type of the storage: ``inmem``, or ``raft``, with its endpoints. Data is in memory in any case."""
    plugin_directory: str = ""
    """The absolute path of the folder with the programs of external plugins; empty if none can be registered."""
    standing: Standing | None = None
    """The role of a single server with raft storage, once it listens."""
    ports: set[int] = field(default_factory=set)
    """TCP ports that the server listens on: a request to one of them is answered without using the network."""


@dataclass(frozen=True, slots=True)
class ClusterPeer:
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
    peers: list[ClusterPeer] = field(default_factory=list)
    """The nodes that the active node sees, including itself."""
    stepped_down: bool = False
    """Set by ``sys/step-down``: the active node steps down after this request."""


def alone(url: str, now: float) -> Standing:
    """Return the role of a single server with raft storage at ``url``: it is the active node of a cluster of one."""
    head, _, port = url.rpartition(":")
    cluster = f"https:{head.partition(':')[2]}:{int(port) + 1}"
    peers = [ClusterPeer(HOST, url, cluster, active=True)]
    return Standing(active=True, leader_address=url, leader_cluster_address=cluster, active_since=now, peers=peers)


class NodeStatus(NamedTuple):
    """The status of a node, as ``sys/health``, ``sys/seal-status``, ``sys/init`` and ``sys/leader`` report it."""

    product: Product
    now: int
    """Whole seconds since the epoch."""
    cluster_name: str = ""
    cluster_id: str = ""
    initialized: bool = True
    sealed: bool = False
    shares: int = 1
    """Number of shares of the unseal key; 0 before initialisation."""
    threshold: int = 1
    """Number of shares that unseal."""
    progress: int = 0
    """Number of shares entered so far."""
    nonce: str = ""
    """Identifies the present attempt to unseal."""
    standing: Standing | None = None
    """The role in a cluster; None without a cluster."""
    dr_secondary: bool = False
    """Whether the cluster is a disaster recovery secondary, which only an Enterprise server can be."""
    enterprise: bool = False
    """Whether the server is an Enterprise edition."""
    storage: str = INMEM
    """Type of the storage."""

    @property
    def is_standby(self) -> bool:
        """Whether the node belongs to a cluster and is not its active node."""
        return self.standing is not None and not self.standing.active

    @property
    def is_performance_standby(self) -> bool:
        """Whether the node is a standby that answers reads itself."""
        return self.standing is not None and self.standing.performance_standby


class _State(Protocol):
    @property
    def seal(self) -> SealState: ...


class ReportingServer(Protocol):
    """What the status of a server is made of."""

    @property
    def product(self) -> Product: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def state(self) -> _State: ...
    @property
    def standing(self) -> Standing | None: ...
    @property
    def server(self) -> ServerSettings: ...


def node_status(server: ReportingServer) -> NodeStatus:
    """Return the present status of a server."""
    seal = server.state.seal
    barrier = seal.barrier
    return NodeStatus(
        server.product,
        int(server.clock.now()),
        seal.cluster_name,
        seal.cluster_id,
        barrier.initialized,
        barrier.sealed,
        barrier.shares,
        barrier.threshold,
        len(barrier.progress),
        barrier.nonce,
        server.standing,
        storage=server.server.storage,
    )


# -- sys/health ------------------------------------------------------------------------------------------------------

_CODES = {
    "uninitcode": 501, "sealedcode": 503, "standbycode": 429, "activecode": 200,
}  # fmt: skip
"""Default status by the parameter that replaces it."""
_CODES_OF_EXTRAS = {"drsecondarycode": 472, "performancestandbycode": 473, "haunhealthycode": 474, "removedcode": 530}
_ALL_CODES = _CODES | _CODES_OF_EXTRAS
_BOOLEANS = frozenset(("", "0", "1", "f", "t", "F", "T", "false", "true", "FALSE", "TRUE", "False", "True"))
_TRUE = frozenset(("1", "t", "T", "true", "TRUE", "True"))
_NO_BODY = (204, 304)


def health_response(node: NodeStatus, query: Mapping[str, str], *, head: bool = False) -> Response:
    """Return the response of ``sys/health`` to a query. Raises ErrorResponse (400, no text) for an invalid parameter.

    ``head`` is True for HEAD, to which the real server writes no body, and so no Content-Length; nor does it write the
    type of one for an invalid parameter.
    """
    if not (query or head) and node.standing is None:
        status, document = _usual_health(node)
        return Response(document=document, status=status)
    extras = node.product.has(Feature.STATUS_EXTRAS) or node.enterprise
    defaults = _ALL_CODES if extras else _CODES
    if query:
        switches = ("standbyok", "perfstandbyok") if extras else ("standbyok",)
        try:
            codes = {name: _code(query.get(name)) for name in defaults}
            passing = {name: _switch(query.get(name)) for name in switches}
        except ErrorResponse:
            if not head:
                raise
            return Response(raw=b"", status=400, content_type="")
        which = _code_of(node, extras=extras, passing={name for name, on in passing.items() if on})
        status = codes[which] or defaults[which]
    else:
        status = defaults[_code_of(node, extras=extras, passing=set())]
    if head or status in _NO_BODY:
        return Response(raw=b"", status=status)
    return Response(document=health_document(node), status=status)


@lru_cache(maxsize=64)
def _usual_health(node: NodeStatus) -> tuple[int, Encoded]:
    """Return status and document for a request without parameters to a single node.

    Clients that wait for a server, and health checks, ask many times within one second.
    """
    extras = node.product.has(Feature.STATUS_EXTRAS) or node.enterprise
    status = (_ALL_CODES if extras else _CODES)[_code_of(node, extras=extras, passing=set())]
    return status, Encoded(encode(health_document(node), ordered=True))


def _code_of(node: NodeStatus, *, extras: bool, passing: set[str]) -> str:
    """Return the parameter for the status of a node; ``passing`` holds the switches that make standbys active ones."""
    if not node.initialized:
        return "uninitcode"
    if node.sealed:
        return "sealedcode"
    if node.dr_secondary:
        return "drsecondarycode"
    if node.standing is None or node.standing.active:
        return "activecode"
    if extras and not node.standing.leader_address:
        return "haunhealthycode"
    if extras and node.standing.performance_standby:
        return "activecode" if "perfstandbyok" in passing else "performancestandbycode"
    return "activecode" if "standbyok" in passing else "standbycode"


def _switch(text: str | None) -> bool:
    if (text or "") not in _BOOLEANS:
        raise ErrorResponse(status=400)
    return text in _TRUE


def _code(text: str | None) -> int:
    """Return a status code; 0 if it is missing. Raises ErrorResponse if it is invalid."""
    if text is None:
        return 0
    # The real server panics below 100 and above 999; it turns an interim status into 200.
    if re.fullmatch(r"[+-]?[0-9]{1,9}", text) is None or not 100 <= int(text) <= 999:
        raise ErrorResponse(status=400)
    return int(text) if int(text) >= 200 else 200


def health_document(node: NodeStatus) -> dict[str, object]:
    """Return the body of ``sys/health``, in the real server's order."""
    extras = node.product.has(Feature.STATUS_EXTRAS)
    mode = "unknown" if node.sealed else "disabled"
    document: dict[str, object] = {
        "initialized": node.initialized,
        "sealed": node.sealed,
        "standby": node.sealed or node.is_standby,
    }
    if extras:
        document["performance_standby"] = node.is_performance_standby and not node.sealed
    document.update(
        replication_performance_mode=mode,
        replication_dr_mode="secondary" if node.dr_secondary else mode,
        server_time_utc=node.now,
        version=node.product.version + ("+ent" if node.enterprise else ""),
    )
    if extras:
        document["enterprise"] = node.enterprise
    if not node.sealed:
        document.update(cluster_name=node.cluster_name, cluster_id=node.cluster_id)
    if extras:
        document.update(echo_duration_ms=0, clock_skew_ms=0, replication_primary_canary_age_ms=0)
    return document


# -- sys/seal-status, sys/leader ---------------------------------------------------------------------------------------


def seal_document(node: NodeStatus) -> dict[str, object]:
    """Return the body of ``sys/seal-status``, in the real server's order."""
    product = node.product
    document: dict[str, object] = {
        "type": "shamir",
        "initialized": node.initialized,
        "sealed": node.sealed,
        "t": node.threshold,
        "n": node.shares,
        "progress": node.progress,
        "nonce": node.nonce,
    }
    cluster = {} if node.sealed else {"cluster_name": node.cluster_name, "cluster_id": node.cluster_id}
    build = {"version": product.version, product.texts.build_key: product.build_date, "migration": False}
    recovery = {"recovery_seal": False}
    if product.texts.build_key == "commit_date":
        build["commit_date"] = ""
        return {**document, **recovery, **build, **cluster, "storage_type": node.storage}
    return {**document, **build, **cluster, **recovery, "storage_type": node.storage}


def leader_document(node: NodeStatus) -> dict[str, object]:
    """Return the body of ``sys/leader``. One of the products leaves out keys without a value."""
    extras = node.product.has(Feature.STATUS_EXTRAS)
    standing = None if node.sealed else node.standing
    if standing is None and not extras:
        return {"ha_enabled": False}
    role = standing or Standing(active=False)
    document: dict[str, object] = {
        "ha_enabled": standing is not None,
        "is_self": role.active,
        "active_time": rfc3339(role.active_since),
        "leader_address": role.leader_address,
        "leader_cluster_address": role.leader_cluster_address,
        "performance_standby": role.performance_standby,
        "performance_standby_last_remote_wal": 0,
        "raft_committed_index": role.index,
        "raft_applied_index": role.index,
    }
    if extras:
        indexes = ("raft_committed_index", "raft_applied_index")
        return {name: value for name, value in document.items() if value or name not in indexes}
    del document["performance_standby"], document["performance_standby_last_remote_wal"]
    return {name: value for name, value in document.items() if value and value != ZERO_TIME}
