"""``sys/health``: the server's status as an HTTP status code, for load balancers."""

from __future__ import annotations

import re

from mockkms.vault.framework.context import Context
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response
from mockkms.vault.products.features import Feature
from mockkms.vault.sys.engine import engine

_CODES = ("uninitcode", "sealedcode", "standbycode", "activecode")
_CODES_OF_EXTRAS = ("drsecondarycode", "performancestandbycode", "haunhealthycode", "removedcode")
_DEFAULTS = {
    "uninitcode": 501, "sealedcode": 503, "activecode": 200, "standbycode": 429, "performancestandbycode": 473,
    "haunhealthycode": 474,
}  # fmt: skip
_BOOLEANS = frozenset(("", "0", "1", "f", "t", "F", "T", "false", "true", "FALSE", "TRUE", "False", "True"))
_TRUE = frozenset(("1", "t", "T", "true", "TRUE", "True"))
_NO_BODY = (204, 304)

_FIELDS = {
    "standbyok": Field(Kind.BOOL, query=True, help="Report a standby like the active node."),
    "activecode": Field(Kind.INT, query=True, help="Status of an active node."),
    "standbycode": Field(Kind.INT, query=True, help="Status of a standby."),
    "sealedcode": Field(Kind.INT, query=True, help="Status of a sealed node."),
    "uninitcode": Field(Kind.INT, query=True, help="Status of a node that is not initialised."),
    "perfstandbyok": Field(
        Kind.BOOL, query=True, needs=Feature.STATUS_EXTRAS, help="Report a performance standby like the active node."
    ),
    "drsecondarycode": Field(Kind.INT, query=True, needs=Feature.STATUS_EXTRAS, help="Status of a DR secondary."),
    "performancestandbycode": Field(
        Kind.INT, query=True, needs=Feature.STATUS_EXTRAS, help="Status of a performance standby."
    ),
    "haunhealthycode": Field(
        Kind.INT,
        query=True,
        needs=Feature.STATUS_EXTRAS,
        help="Status of a standby without a connection to the active node.",
    ),
    "removedcode": Field(
        Kind.INT, query=True, needs=Feature.STATUS_EXTRAS, help="Status of a node removed from its cluster."
    ),
}

health = engine.path("health", fields=_FIELDS, help="Health of this node.", outside=True)


@health.on(Operation.READ, Operation.HEADER)
def read_health(_state: object, call: Call) -> Response:
    """Return the status as code and document. An invalid parameter is 400 without a text."""
    core = call.core
    extras = core.product.has(Feature.STATUS_EXTRAS)
    codes = {name: _code(call, name) for name in _CODES + (_CODES_OF_EXTRAS if extras else ())}
    fine = set()
    for name in ("standbyok", "perfstandbyok") if extras else ("standbyok",):
        given = call.request.query.get(name)
        if (given or "") not in _BOOLEANS:
            raise ErrorResponse(status=400)
        if given in _TRUE:
            fine.add(name)
    which = _which(core, fine)
    status = codes.get(which) or _DEFAULTS[which]
    # For HEAD the real server writes no body, and so no Content-Length.
    if status in _NO_BODY or call.request.operation is Operation.HEADER:
        return Response(raw=b"", status=status)
    return Response(document=_document(call, extras), status=status)


def _which(core: Context, fine: set[str]) -> str:
    """Return the parameter that names the status of this server.

    ``fine`` are the switches that report a standby like the active node.
    """
    standing = core.standing
    if core.seal.status != "unsealed":
        return {"uninitialized": "uninitcode", "sealed": "sealedcode"}[core.seal.status]
    if standing is None or standing.active:
        return "activecode"
    if core.product.has(Feature.STATUS_EXTRAS) and not standing.leader_address:
        return "haunhealthycode"
    if core.product.has(Feature.STATUS_EXTRAS) and standing.performance_standby:
        return "activecode" if "perfstandbyok" in fine else "performancestandbycode"
    return "activecode" if "standbyok" in fine else "standbycode"


def _code(call: Call, name: str) -> int:
    """Return a status code from the query; 0 if missing. Raises ErrorResponse for an invalid status code."""
    text = call.request.query.get(name)
    if text is None:
        return 0
    # The real server panics below 100 and above 999; it turns an interim status into 200.
    if re.fullmatch(r"[+-]?[0-9]{1,9}", text) is None or not 100 <= int(text) <= 999:
        raise ErrorResponse(status=400)
    return int(text) if int(text) >= 200 else 200


def _document(call: Call, extras: bool) -> dict[str, object]:
    core = call.core
    sealed = core.seal.sealed
    mode = "unknown" if sealed else "disabled"
    standing = core.standing
    stands_by = standing is not None and not standing.active
    document: dict[str, object] = {
        "initialized": core.seal.status != "uninitialized",
        "sealed": sealed,
        "standby": sealed or stands_by,
    }
    if extras:
        document["performance_standby"] = standing is not None and standing.performance_standby and not sealed
    document.update(
        replication_performance_mode=mode,
        replication_dr_mode=mode,
        server_time_utc=int(call.now()),
        version=core.product.version,
    )
    if extras:
        document["enterprise"] = False
    if not sealed:
        document.update(cluster_name=core.state.seal.cluster_name, cluster_id=core.state.seal.cluster_id)
    if extras:
        document.update(echo_duration_ms=0, clock_skew_ms=0, replication_primary_canary_age_ms=0)
    return document
