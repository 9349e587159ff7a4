"""``/_mockkms/cluster``: see and change the nodes of a cluster, in JSON, through any node."""

from __future__ import annotations

from typing import Any

from mockkms.server.cluster.door import NodeDoor
from mockkms.server.cluster.server import NodeServer
from mockkms.server.control.api import Asked, ControlError, route

_OF_A_NODE = ("stop", "start", "seal", "unseal", "lag")
_WORDS = (*_OF_A_NODE, "step-down", "elect", "partition", "heal")


@route("GET", "cluster", "The nodes of this cluster and their roles")
def show_cluster(asked: Asked) -> Any:
    """404 where this is no cluster."""
    door = _door(asked)
    with asked.world.lock:
        door.take_seal_from_core()
        return {"active": door.nodes.leader, "nodes": [_shown(door, node) for node in range(len(door.nodes.all))]}


@route("POST", "cluster", "Change the cluster", body="{do: stop | start | …, node: n, nodes: [n], seconds: s}")
def change_cluster(asked: Asked) -> Any:
    """``do``: ``stop``, ``start``, ``seal``, ``unseal`` or ``lag`` (seconds) of a ``node``; ``partition`` of ``nodes``
    from the rest; ``heal``, ``step-down`` or ``elect``. Answers with the nodes as they are then.
    """
    door, data = _door(asked), asked.data if isinstance(asked.data, dict) else {}
    word = data.get("do")
    if word not in _WORDS:
        raise ControlError(400, f"do: one of {', '.join(_WORDS)}")
    with asked.world.lock:
        door.take_seal_from_core()
        if word in _OF_A_NODE:
            _change(door, word, _node(door, data.get("node")), data.get("seconds", 0))
        elif word in ("partition", "heal"):
            listed = data.get("nodes", []) if word == "partition" else []
            if not isinstance(listed, list):
                raise ControlError(400, "nodes: expected a list of numbers")
            door.nodes.partition({_node(door, node) for node in listed})
        elif word == "step-down":
            door.nodes.step_down()
        else:
            door.nodes.elect()
        door.nodes.changed()
        door.give_seal_to_core()
    return show_cluster(asked)


def _change(door: NodeDoor, word: str, node: int, seconds: Any) -> None:
    facts, server = door.nodes.all[node], door.host
    if word in ("seal", "unseal"):
        facts.sealed = word == "seal"
    elif word == "lag":
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds < float("inf"):
            raise ControlError(400, "seconds: expected a number from 0 on")
        facts.lag = float(seconds)
    else:
        facts.running = word == "start"
        if isinstance(server, NodeServer):
            port = server.ports[node]
            server.open_port(port) if facts.running else server.close_port(port, spare=door.transport())


def _door(asked: Asked) -> NodeDoor:
    if not isinstance(asked.host, NodeDoor):
        raise ControlError(404, "this is no cluster")
    return asked.host


def _node(door: NodeDoor, given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given < len(door.nodes.all):
        raise ControlError(400, f"node: expected 0 to {len(door.nodes.all) - 1}")
    return given


def _shown(door: NodeDoor, node: int) -> dict[str, Any]:
    facts = door.nodes.all[node]
    role = door.nodes.role(node)
    return {"node": node, "url": door.address(node), "role": role, "side": facts.side, "lag": facts.lag}
