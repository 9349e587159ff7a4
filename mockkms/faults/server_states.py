"""Responses of a server in another state: sealed, uninitialized, standby, DR secondary, performance standby.

The status endpoints report the state in the emulated server's own documents. Requests to all other paths are refused,
redirected or answered as usual.

Modules of the server are imported on use, because clients of a remote server import the rules too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from mockkms.faults.request_view import Reply, View, go_json
from mockkms.vault.framework.message import ErrorResponse

if TYPE_CHECKING:
    from mockkms.vault.kernel.node import NodeStatus

VAULT_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Type": "application/json",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
}
DEFAULT_LOCATION = "http://127.0.0.1:8200"


@dataclass(frozen=True, slots=True)
class ServerState:
    """One state of a server."""

    name: str
    health: int
    """Default status of ``sys/health``."""
    status: Callable[[NodeStatus, str], NodeStatus]
    """Changes the status of a server to that of one in this state, whose active node has the given base URL."""
    refusal: tuple[int, str] | None = None
    """Status and message for other paths, with ``{product}`` for the product's name. None: answered as usual."""
    redirects: bool = False
    """Whether other paths are redirected to the active node, if its address was given."""


def _sealed(node: NodeStatus, location: str) -> NodeStatus:
    shares, threshold = (node.shares, node.threshold) if node.initialized else (1, 1)
    return node._replace(initialized=True, sealed=True, shares=shares, threshold=threshold, progress=0, nonce="")


def _uninitialized(node: NodeStatus, location: str) -> NodeStatus:
    return node._replace(initialized=False, sealed=True, shares=0, threshold=0, progress=0, nonce="")


def _unsealed(node: NodeStatus) -> NodeStatus:
    return _sealed(node, "")._replace(sealed=False, standing=None)


def _standby(node: NodeStatus, location: str, *, performance: bool = False) -> NodeStatus:
    from mockkms.vault.kernel.node import Standing

    leader = location.rstrip("/") or DEFAULT_LOCATION
    standing = Standing(
        active=False,
        leader_address=leader,
        leader_cluster_address=_cluster_address(leader),
        performance_standby=performance,
    )
    return _unsealed(node)._replace(standing=standing, enterprise=performance)


def _dr_secondary(node: NodeStatus, location: str) -> NodeStatus:
    return _unsealed(node)._replace(dr_secondary=True, enterprise=True)


STATES = {
    state.name: state
    for state in (
        ServerState("sealed", 503, _sealed, refusal=(503, "{product} is sealed")),
        ServerState("uninitialized", 501, _uninitialized, refusal=(503, "{product} is sealed")),
        ServerState("standby", 429, _standby, redirects=True, refusal=(503, "no active Vault instance found")),
        ServerState(
            "dr-secondary", 472, _dr_secondary, refusal=(400, "path disabled in replication DR secondary mode")
        ),
        ServerState("performance-standby", 473, lambda node, location: _standby(node, location, performance=True)),
    )
}


def state_reply(state: ServerState, view: View, location: str = "") -> Reply | None:
    """Return the response of a server in this state; None for the usual response."""
    path, node = view.path, state.status(view.server, location)
    if path == "sys/health":
        return _health(node, view)
    if path in ("sys/seal-status", "sys/init", "sys/leader") and view.method in ("GET", "HEAD"):
        return Reply(200, go_json(_document(path, node)), dict(VAULT_HEADERS))
    if path == "sys/seal" and node.is_standby:
        return _refusal(500, "vault cannot seal when in standby mode; please restart instead")
    if path in ("sys/unseal", "sys/seal") or (path == "sys/init" and not node.initialized):
        return None
    if state.redirects and location:
        return Reply(307, b"", {"Cache-Control": "no-store", "Location": location.rstrip("/") + view.target})
    if state.refusal is None:
        return None
    status, text = state.refusal
    return _refusal(status, text.format(product=node.product.texts.product))


def _document(path: str, node: NodeStatus) -> dict[str, object]:
    from mockkms.vault.kernel.node import leader_document, seal_document

    if path == "sys/init":
        return {"initialized": node.initialized}
    return seal_document(node) if path == "sys/seal-status" else leader_document(node)


def _refusal(status: int, *texts: str) -> Reply:
    return Reply(status, go_json({"errors": list(texts)}), dict(VAULT_HEADERS))


def _health(node: NodeStatus, view: View) -> Reply:
    from mockkms.vault.kernel.node import health_response

    query = parse_qs(view.target.partition("?")[2], keep_blank_values=True)
    try:
        response = health_response(
            node, {name: values[0] for name, values in query.items()}, head=view.method == "HEAD"
        )
    except ErrorResponse as error:
        return _refusal(error.status, *error.errors)
    body = b"" if response.document is None else go_json(response.document)
    return Reply(response.status, body, dict(VAULT_HEADERS))


def _cluster_address(leader: str) -> str:
    """Return the cluster address of a node: HTTPS on the port after the API's."""
    where = urlsplit(leader)
    return f"https://{where.hostname}:{(where.port or 443) + 1}" if where.hostname else ""
