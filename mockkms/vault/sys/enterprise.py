"""Paths of the enterprise edition: one product knows them and says what they are, the other does not."""

from __future__ import annotations

from typing import Any

from mockkms.vault.endpoint import Call, Field
from mockkms.vault.fields import Kind
from mockkms.vault.message import ErrorResponse, Operation, unsupported_path
from mockkms.vault.products.features import Feature
from mockkms.vault.sys.engine import engine

STUBS = (
    "license/status",
    "config/group-policy-application",
    "config/control-group",
    "control-group/{rest:re(authorize|request)}",
    "replication/{kind:re(dr|performance)}/{rest:some}",
    "replication/{rest:re(recover|reindex|merkle-check)}",
    "sealwrap/rewrap",
    "mfa/method/{rest:some}",
    "mfa/method[/]",
    "policies/{kind:re(rgp|egp)}[/{rest:all}]",
    "quotas/lease-count[/{rest:all}]",
    "storage/raft/snapshot-auto/{rest:some}",
    "managed-keys[/{rest:all}]",
    "plugins/reload/backend/status",
    "namespaces[/{rest:all}]",
    "sync/{rest:some}",
)
"""Templates below ``sys/`` that answer 404 ``enterprise-only feature`` to who may ask at all."""
_FIELDS = {
    "rest": Field(Kind.STRING, help="The rest of the path."),
    "kind": Field(Kind.STRING, help="Which of its kinds."),
}
_ALL = (Operation.READ, Operation.UPDATE, Operation.DELETE, Operation.LIST, Operation.PATCH)

replication = engine.path("replication/status", help="State of replication; there is none.", login=True)
absent = engine.path(
    "{rest:re(wrapping/pubkey|storage/raft/bootstrap/challenge|storage/raft/bootstrap/answer|internal/ui/mounts/)}",
    fields={"rest": _FIELDS["rest"]},
    help="Open to anyone, but nothing is there.",
    login=True,
)


@replication.on(Operation.READ)
def read_replication(_state: Any, call: Call) -> dict[str, Any]:
    """The community edition says that it is off; the other product has no such path."""
    if not call.core.product.has(Feature.ENTERPRISE_STUBS):
        raise unsupported_path()
    return {"mode": "disabled"}


@absent.on(*_ALL)
def refuse_absent(_state: Any, _call: Call) -> None:
    """The real server lists these as open, and has no endpoint behind them."""
    raise unsupported_path()


def refuse(_state: Any, _call: Call) -> None:
    """What every stub answers."""
    raise ErrorResponse("enterprise-only feature", status=404)


for _template in STUBS:
    engine.path(
        _template,
        fields={name: field for name, field in _FIELDS.items() if f"{{{name}:" in _template},
        help="Part of the enterprise edition.",
        needs=Feature.ENTERPRISE_STUBS,
        arbitrary=True,
    ).on(*_ALL)(refuse)
