"""``/_mockkms/cluster``: show and change the nodes of a cluster, through any node."""

from __future__ import annotations

from mockkms.server.cluster.gateway import NodeGateway
from mockkms.server.cluster.server import NodeServer
from mockkms.server.control.routing import ControlError, ControlRequest, route

_OF_NODE = ("stop", "start", "seal", "unseal", "lag")
_WORDS = (*_OF_NODE, "step-down", "elect", "partition", "heal")


@route("GET", "cluster", "The nodes of this cluster and their roles")
def show_cluster(request: ControlRequest) -> dict[str, object]:
    """Return the nodes and the active one. Raises ControlError (404) if this server is not a cluster."""
    gateway = _gateway(request)
    with request.world.lock:
        gateway.seals.take_from_core()
        return {
            "active": gateway.nodes.leader,
            "nodes": [_shown(gateway, node) for node in range(len(gateway.nodes.all))],
        }


@route("POST", "cluster", "Change the cluster", body="{do: stop | start | …, node: n, nodes: [n], seconds: s}")
def change_cluster(request: ControlRequest) -> dict[str, object]:
    """Carry out ``do`` and return the nodes as they are afterwards.

    ``stop``, ``start``, ``seal``, ``unseal`` and ``lag`` (``seconds``) change one ``node``, ``partition`` separates
    ``nodes`` from the rest; ``heal``, ``step-down`` and ``elect`` need nothing else. Raises ControlError.
    """
    gateway, data = _gateway(request), request.data if isinstance(request.data, dict) else {}
    word = data.get("do")
    if word not in _WORDS:
        raise ControlError(400, f"do: expected one of {', '.join(_WORDS)}")
    with request.world.lock:
        gateway.seals.take_from_core()
        if word in _OF_NODE:
            _change(gateway, word, _node(gateway, data.get("node")), data.get("seconds", 0))
        elif word in ("partition", "heal"):
            listed = data.get("nodes", []) if word == "partition" else []
            if not isinstance(listed, list):
                raise ControlError(400, "nodes: expected a list of numbers")
            gateway.nodes.partition({_node(gateway, node) for node in listed})
        elif word == "step-down":
            gateway.nodes.step_down()
        else:
            gateway.nodes.elect()
        gateway.nodes.changed()
        gateway.seals.give_to_core()
    return show_cluster(request)


def _change(gateway: NodeGateway, word: str, node: int, seconds: object) -> None:
    facts, server = gateway.nodes.all[node], gateway.host
    if word in ("seal", "unseal"):
        facts.sealed = word == "seal"
    elif word == "lag":
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds < float("inf"):
            raise ControlError(400, "seconds: expected a number of at least 0")
        facts.lag = float(seconds)
    else:
        facts.running = word == "start"
        if isinstance(server, NodeServer):
            port = server.ports[node]
            server.open_port(port) if facts.running else server.close_port(port, spare=gateway.transport())


def _gateway(request: ControlRequest) -> NodeGateway:
    if not isinstance(request.host, NodeGateway):
        raise ControlError(404, "this server is not a cluster")
    return request.host


def _node(gateway: NodeGateway, given: object) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given < len(gateway.nodes.all):
        raise ControlError(400, f"node: expected 0 to {len(gateway.nodes.all) - 1}")
    return given


def _shown(gateway: NodeGateway, node: int) -> dict[str, object]:
    facts = gateway.nodes.all[node]
    role = gateway.nodes.role(node)
    return {"node": node, "url": gateway.address(node), "role": role, "side": facts.side, "lag": facts.lag}
