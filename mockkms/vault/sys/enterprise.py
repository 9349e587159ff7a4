"""Paths of the enterprise edition, which the community edition registers and refuses.

A method that a path lacks is 405, one that it has is 404 ``enterprise-only feature``. ``sys/well-known`` is empty:
no engine of the community edition has redirections below ``/.well-known/``.
"""

from __future__ import annotations

import re

from mockkms.vault.framework.endpoint import Call, Emulation, Endpoint, Field
from mockkms.vault.framework.engine import no_such_path
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation
from mockkms.vault.products.features import Feature
from mockkms.vault.sys.engine import engine

_READ, _WRITE, _BOTH, _LIST = "read", "update", "read update", "list"
_ONE = "read update delete"
_REPLICATION = {
    "primary/demote": _WRITE, "primary/disable": _WRITE, "primary/enable": _WRITE, "primary/revoke-secondary": _WRITE,
    "primary/secondary-token": _WRITE, "secondary/disable": _WRITE, "secondary/enable": _WRITE,
    "secondary/promote": _WRITE, "secondary/update-primary": _WRITE,
}  # fmt: skip
"""Operations on replication: on both kinds and, in the older paths, without a kind."""

STUBS: dict[str, str] = {
    "license/status": _READ,
    "config/group-policy-application": _BOTH,
    "namespaces[/]": _LIST,
    "namespaces/api-lock/lock[/{path:some}]": _WRITE,
    "namespaces/api-lock/unlock[/{path:some}]": _WRITE,
    "namespaces/{path:some}": "read update patch delete",
    **{f"replication/{path}": operations for path, operations in _REPLICATION.items()},
    **{f"replication/performance/{path}": operations for path, operations in _REPLICATION.items()},
    **{f"replication/dr/{path}": operations for path, operations in _REPLICATION.items()},
    "replication/performance/secondary/generate-public-key": _WRITE,
    "replication/performance/primary/paths-filter/{id}": _ONE,
    "replication/performance/primary/dynamic-filter/{id}": _READ,
    "replication/performance/secondary/dynamic-filter/{id}": _READ,
    "replication/performance/status": _READ,
    "replication/dr/secondary/generate-public-key": _WRITE,
    "replication/dr/secondary/config/reload/{subsystem:some}": _WRITE,
    "replication/dr/secondary/license/status": _READ,
    "replication/dr/secondary/operation-token/delete": _WRITE,
    "replication/dr/secondary/recover": _WRITE,
    "replication/dr/secondary/reindex": _WRITE,
    "replication/dr/status": _READ,
    "replication/recover": _WRITE,
    "replication/reindex": _WRITE,
    "sealwrap/rewrap": _BOTH,
    "mfa/method[/]": _LIST,
    "mfa/method/totp/{name}/generate": _READ,
    "mfa/method/totp/{name}/admin-generate": _WRITE,
    "mfa/method/totp/{name}/admin-destroy": _WRITE,
    **{f"mfa/method/{kind}/{{name}}": _ONE for kind in ("totp", "okta", "duo", "pingid")},
    "control-group/authorize": _WRITE,
    "control-group/request": _WRITE,
    "config/control-group": _ONE,
    "policies/rgp[/]": _LIST,
    "policies/rgp/{name:some}": _ONE,
    "policies/egp[/]": _LIST,
    "policies/egp/{name:some}": _ONE,
    "plugins/reload/backend/status": _READ,
    "quotas/lease-count[/]": _LIST,
    "quotas/lease-count/{name}": _ONE,
    "storage/raft/snapshot-auto/config/": _LIST,
    "storage/raft/snapshot-auto/config/{name}": _ONE,
    "storage/raft/snapshot-auto/status/{name}": _READ,
    "managed-keys/{type}[/]": _LIST,
    "managed-keys/{type}/{name}": _ONE,
    "managed-keys/{type}/{name}/test/sign": _WRITE,
}
"""Templates below ``sys/`` with the operations that they have."""
AGENT_STUBS: dict[str, str] = {
    "activation-flags/oauth-resource-server/activate": _WRITE,
    "activation-flags/oauth-resource-server/deactivate": _WRITE,
    "config/oauth-resource-server/": _LIST,
    "config/oauth-resource-server/{name}": _ONE,
}
"""The same for paths of the agent registry."""
OPEN = frozenset(
    {"replication/performance/status", "replication/dr/status"}
    | {
        f"replication/dr/secondary/{path}"
        for path in (
            "disable", "license/status", "operation-token/delete", "promote", "recover", "reindex", "update-primary",
        )
    }
)  # fmt: skip
"""Those that answer without a token."""
PROTECTED = frozenset(
    {
        "replication/primary/secondary-token", "replication/performance/primary/secondary-token",
        "replication/dr/primary/secondary-token", "replication/reindex", "storage/raft/snapshot-auto/config/",
        "storage/raft/snapshot-auto/config/{name}", "reporting/scan", *AGENT_STUBS,
    }
)  # fmt: skip
"""Those that are root-protected."""
_ALL = (Operation.READ, Operation.UPDATE, Operation.DELETE, Operation.LIST, Operation.PATCH)


def refuse(_state: object, _call: Call) -> None:
    """Raise the error of every stub."""
    raise ErrorResponse("enterprise-only feature", status=404)


def _declare(template: str, operations: str, needs: Feature) -> Endpoint:
    endpoint = engine.path(
        template,
        {name: Field(Kind.STRING, help="Part of the path.") for name in re.findall(r"{(\w+)", template)},
        help="Part of the enterprise edition.",
        needs=needs,
        arbitrary=True,
        login=template in OPEN,
        sudo=template in PROTECTED,
        emulation=Emulation.REFUSED,
        go_errors=True,
    )
    endpoint.on(*(Operation(operation) for operation in operations.split()))(refuse)
    return endpoint


for _template, _operations in STUBS.items():
    _declare(_template, _operations, Feature.ENTERPRISE_STUBS)
for _template, _operations in AGENT_STUBS.items():
    _declare(_template, _operations, Feature.AGENT_REGISTRY)
_declare("reporting/scan", _WRITE, Feature.REPORTING_SCAN)

replication = engine.path(
    "replication/status", help="State of replication, which is disabled.", login=True, needs=Feature.ENTERPRISE_STUBS
)


@replication.on(Operation.READ)
def read_replication(_state: object, _call: Call) -> dict[str, object]:
    """Return the replication status, which is disabled in the community edition."""
    return {"mode": "disabled"}


def _absent(paths: str, needs: Feature | None = None) -> None:
    rest = Field(Kind.STRING, help="The rest of the path.")
    endpoint = engine.path(
        f"{{rest:re({paths})}}",
        {"rest": rest},
        help="An unauthenticated path without an endpoint.",
        login=True,
        needs=needs,
        requires=no_such_path,
    )

    @endpoint.on(*_ALL, Operation.SCAN)
    def refuse_absent(_state: object, _call: Call) -> None:
        """Do nothing: ``requires`` has refused the request, whatever its method."""


# The real servers list these paths as unauthenticated, but have no endpoint for them.
_absent("wrapping/pubkey|storage/raft/bootstrap/challenge|storage/raft/bootstrap/answer|internal/ui/mounts/")
_absent("replication/status")
_absent("replication/dr/secondary/(?:license|license/signed|sys/config/reload/license)", Feature.ENTERPRISE_STUBS)


redirections = engine.path("well-known[/]", help="All redirections.", needs=Feature.WELL_KNOWN)
redirection = engine.path(
    "well-known/{label:some}",
    fields={"label": Field(Kind.STRING, help="Path below `/.well-known/`.")},
    help="One redirection.",
    needs=Feature.WELL_KNOWN,
)


@redirections.on(Operation.READ, Operation.LIST)
def list_redirections(_state: object, _call: Call) -> dict[str, object]:
    """Return no redirections."""
    return {}


@redirection.on(Operation.READ)
def read_redirection(_state: object, _call: Call) -> None:
    """Return None, as engines of the community edition have no redirections."""
