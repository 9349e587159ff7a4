"""``sys/leader``, ``sys/ha-status``, ``sys/host-info``, ``sys/version-history`` and requests in flight."""

from __future__ import annotations

import os
import platform

from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import Operation, Response
from mockkms.vault.golang.json_text import Encoded, in_order
from mockkms.vault.kernel.node import HOST, ClusterPeer, leader_document, node_status
from mockkms.vault.products.features import Feature
from mockkms.vault.sys.engine import engine
from mockkms.world.clock import rfc3339

leader = engine.path("leader", help="Which node is the active one.", login=True, outside=True)
ha_status = engine.path("ha-status", help="The nodes of the cluster.")
host_info = engine.path("host-info[/]", help="The machine the server runs on.")
history = engine.path("version-history[/]", help="Versions this server has run.")
in_flight = engine.path("in-flight-req", help="Requests in flight.")


@leader.on(Operation.READ)
def read_leader(_state: object, call: Call) -> Response:
    """Return the active node of a cluster; a single server has no high availability."""
    return Response(document=leader_document(node_status(call.core)))


@ha_status.on(Operation.READ)
def read_ha_status(_state: object, call: Call) -> Response:
    """Return the nodes that the active node sees, including itself."""
    standing = call.core.standing
    alone = ClusterPeer(
        hostname=HOST,
        api_address=f"http://{call.request.headers.get('host') or '127.0.0.1:8200'}",
        cluster_address="https://127.0.0.1:8201",
        active=True,
    )
    peers = [alone] if standing is None else sorted(standing.peers, key=lambda peer: peer.api_address)
    return Response(data={"nodes": [_peer(call, peer) for peer in peers]}, flat=True)


def _peer(call: Call, peer: ClusterPeer) -> Encoded:
    node: dict[str, object] = {
        "hostname": peer.hostname,
        "api_address": peer.api_address,
        "cluster_address": peer.cluster_address,
        "active_node": peer.active,
        "last_echo": None if peer.active else rfc3339(call.now()),
    }
    if call.core.product.has(Feature.STATUS_EXTRAS):
        node.update(echo_duration_ms=0, clock_skew_ms=0, replication_primary_canary_age_ms=0)
    node["version"] = call.core.product.version
    return in_order(node)


@host_info.on(Operation.READ)
def read_host_info(_state: object, call: Call) -> dict[str, object]:
    """Return the real answer's keys, with the values that are cheap to determine."""
    cores = os.cpu_count() or 1
    cpu = [{"cpu": number, "cores": 1, "modelName": platform.machine(), "flags": []} for number in range(cores)]
    names = ("user", "system", "idle", "nice", "iowait", "irq", "softirq", "steal", "guest", "guestNice")
    return {
        "timestamp": rfc3339(call.now()),
        "cpu": cpu,
        "cpu_times": [{"cpu": f"cpu{number}", **dict.fromkeys(names, 0)} for number in range(cores)],
        "disk": [{"path": "/", "fstype": "", "total": 0, "free": 0, "used": 0, "usedPercent": 0}],
        "host": {
            "hostname": HOST,
            "os": platform.system().lower(),
            "platform": platform.system().lower(),
            "kernelArch": platform.machine(),
            "uptime": int(call.now() - call.core.state.seal.started),
            "bootTime": int(call.core.state.seal.started),
            "procs": 1,
        },
        "memory": {"total": 0, "available": 0, "used": 0, "usedPercent": 0, "free": 0},
    }


@history.on(Operation.LIST)
def list_versions(_state: object, call: Call) -> dict[str, object]:
    """Return the one version this server ever ran."""
    product = call.core.product
    entry = {
        product.texts.build_key: product.build_date if product.texts.build_key == "build_date" else "",
        "previous_version": None,
        "timestamp_installed": rfc3339(int(call.core.state.seal.started)),
    }
    return {"keys": [product.version], "key_info": {product.version: entry}}


@in_flight.on(Operation.READ)
def read_in_flight(_state: object, call: Call) -> Response:
    """Return this request alone, as a world answers one request at a time."""
    request = call.request
    address = f"{request.remote_address}:{request.remote_port}"
    shown = {
        "start_time": rfc3339(call.now()),
        "client_remote_address": address,
        "request_path": f"/v1/{request.path}",
        "request_method": request.method,
        "client_id": "",
    }
    return Response(document={request.id: shown}, wrapped_whole=True)
