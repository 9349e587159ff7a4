"""Responses of a server in a special state: sealed, uninitialized, standby, DR secondary, performance standby.

The status endpoints report the state; requests to all other paths are refused, redirected or answered as usual.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs

from mockkms.faults.request_view import Product, Reply, View, go_json
from mockkms.urls import urlsplit

VAULT_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Type": "application/json",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
}
DEFAULT_LOCATION = "http://127.0.0.1:8200"


@dataclass(frozen=True, slots=True)
class State:
    """One state of a server."""

    name: str
    health: int
    """Status of ``sys/health``."""
    code_parameter: str
    """The query parameter of ``sys/health`` that replaces that status."""
    ok_parameter: str = ""
    """The query parameter of ``sys/health`` that makes it 200."""
    initialized: bool = True
    sealed: bool = False
    standby: bool = False
    performance_standby: bool = False
    dr_secondary: bool = False
    refusal: tuple[int, str] | None = None
    """Status and message for other paths, with ``{product}`` for the product's name. None: answered as usual."""
    redirects: bool = False
    """Whether other paths are redirected to the active node, if its address was given."""


STATES = {
    state.name: state
    for state in (
        State("sealed", 503, "sealedcode", sealed=True, standby=True, refusal=(503, "{product} is sealed")),
        State(
            "uninitialized", 501, "uninitcode", initialized=False, sealed=True, standby=True,
            refusal=(503, "{product} is sealed"),
        ),
        State(
            "standby", 429, "standbycode", "standbyok", standby=True, redirects=True,
            refusal=(503, "no active Vault instance found"),
        ),
        State(
            "dr-secondary", 472, "drsecondarycode", standby=False, dr_secondary=True,
            refusal=(400, "path disabled in replication DR secondary mode"),
        ),
        State(
            "performance-standby", 473, "performancestandbycode", "perfstandbyok", standby=True,
            performance_standby=True,
        ),
    )
}  # fmt: skip


def state_reply(state: State, view: View, location: str = "") -> Reply | None:
    """Return the response of a server in this state; None for the usual response."""
    path, product = view.path, view.product
    if path == "sys/health":
        return _health(state, view)
    if path in ("sys/seal-status", "sys/init", "sys/leader") and view.method in ("GET", "HEAD"):
        return Reply(200, go_json(_status_document(state, path, product, location)), dict(VAULT_HEADERS))
    if path == "sys/seal" and state.standby and not state.sealed:
        return _refusal(500, "vault cannot seal when in standby mode; please restart instead")
    if path in ("sys/unseal", "sys/seal") or (path == "sys/init" and not state.initialized):
        return None
    if state.redirects and location:
        return Reply(307, b"", {"Cache-Control": "no-store", "Location": location.rstrip("/") + view.target})
    if state.refusal is None:
        return None
    status, text = state.refusal
    return _refusal(status, text.format(product=product.name))


def _refusal(status: int, text: str) -> Reply:
    return Reply(status, go_json({"errors": [text]}), dict(VAULT_HEADERS))


def _health(state: State, view: View) -> Reply:
    query = parse_qs(view.target.partition("?")[2])
    status = state.health
    code = query.get(state.code_parameter, [""])[0]
    if code.isdecimal() and len(code) == 3 and 200 <= int(code) <= 599:
        status = int(code)
    if state.ok_parameter and query.get(state.ok_parameter, [""])[0] in ("true", "1", "t", "T", "TRUE", "True"):
        status = 200
    body = b"" if view.method == "HEAD" else go_json(health_document(state, view.product))
    return Reply(status, body, dict(VAULT_HEADERS))


def health_document(state: State, product: Product) -> dict[str, object]:
    """Return the body of ``sys/health``."""
    enterprise = state.dr_secondary or state.performance_standby
    document: dict[str, object] = {"initialized": state.initialized, "sealed": state.sealed, "standby": state.standby}
    if product.vault:
        document["performance_standby"] = state.performance_standby
    mode = "unknown" if state.sealed else "disabled"
    document |= {
        "replication_performance_mode": mode,
        "replication_dr_mode": "secondary" if state.dr_secondary else mode,
        "server_time_utc": int(product.now),
        "version": product.version + ("+ent" if enterprise else ""),
    }
    if product.vault:
        document["enterprise"] = enterprise
    if not state.sealed:
        document |= {"cluster_name": product.cluster_name, "cluster_id": product.cluster_id}
    if product.vault:
        document |= {"echo_duration_ms": 0, "clock_skew_ms": 0, "replication_primary_canary_age_ms": 0}
    return document


def _status_document(state: State, path: str, product: Product, location: str) -> dict[str, object]:
    if path == "sys/init":
        return {"initialized": state.initialized}
    if path == "sys/leader":
        alone = not state.standby or state.sealed
        return _leader_document(state, product, "" if alone else location.rstrip("/") or DEFAULT_LOCATION)
    shares = 1 if state.initialized else 0
    document: dict[str, object] = {
        "type": "shamir", "initialized": state.initialized, "sealed": state.sealed, "t": shares, "n": shares,
        "progress": 0, "nonce": "",
    }  # fmt: skip
    cluster = {} if state.sealed else {"cluster_name": product.cluster_name, "cluster_id": product.cluster_id}
    if product.vault:
        build = {"version": product.version, "build_date": product.build_date, "migration": False}
        return {**document, **build, **cluster, "recovery_seal": False, "storage_type": "inmem"}
    build = {"version": product.version, "commit_date": "", "migration": False}
    return {**document, "recovery_seal": False, **build, **cluster, "storage_type": "inmem"}


def _leader_document(state: State, product: Product, leader: str) -> dict[str, object]:
    """Return the body of ``sys/leader``; one of the products omits fields without a value."""
    document: dict[str, object] = {"ha_enabled": bool(leader)}
    if product.vault:
        document |= {"is_self": False, "active_time": "0001-01-01T00:00:00Z"}
    if leader or product.vault:
        document |= {"leader_address": leader, "leader_cluster_address": _cluster_address(leader)}
    if product.vault:
        document |= {"performance_standby": state.performance_standby, "performance_standby_last_remote_wal": 0}
    return document


def _cluster_address(leader: str) -> str:
    """Return the cluster address of a node: HTTPS on the port after the API's."""
    where = urlsplit(leader)
    return f"https://{where.hostname}:{(where.port or 443) + 1}" if where.hostname else ""
