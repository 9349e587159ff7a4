"""``sys/health``: the server's status as an HTTP status code, for load balancers."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import Operation, Response
from mockkms.vault.kernel.node import health_response, node_status
from mockkms.vault.products.features import Feature
from mockkms.vault.sys.engine import engine

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

health = engine.path("health", fields=_FIELDS, help="Health of this node.", login=True, outside=True)


@health.on(Operation.READ, Operation.HEADER)
def read_health(_state: object, call: Call) -> Response:
    """Return the status as code and document."""
    head = call.request.operation is Operation.HEADER
    return health_response(
        node_status(call.core),
        call.request.query,
        head=head,
    )
