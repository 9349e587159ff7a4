"""Paths of a version 2 mount that have no secret: 404, with a hint for requests that lack ``data/``."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import Operation, Response
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.kv.v2.engine import engine, not_found
from mockkms.vault.secrets.kv.v2.model import KV2

COMMANDS = {
    Operation.CREATE: "put", Operation.UPDATE: "put", Operation.PATCH: "patch", Operation.READ: "get",
    Operation.LIST: "list", Operation.SCAN: "scan", Operation.DELETE: "delete",
}  # fmt: skip
folders = engine.path(
    "data/{path:re((?:.*/)?)}",
    fields={"path": Field(Kind.STRING, help="Path of a folder.")},
    help="Not the path of a secret.",
    arbitrary=True,
    documented=False,
    needs=Feature.KV_SECRETS_ONLY,
)
_ROOTS = ("metadata", "data", "delete", "undelete", "destroy")


def refuse(call: Call) -> Response:
    """Return status 404, with a warning that says where secrets are."""
    if call["path"] in _ROOTS:
        return not_found(None, "Non-listing operations on the root of a K/V v2 mount are not supported.")
    product = call.core.product
    return not_found(
        None,
        "Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use. "
        f"If using the {product.texts.product} CLI, use '{product.texts.cli} kv {COMMANDS[call.request.operation]}' "
        "for this operation.",
    )


@folders.on(*COMMANDS)
def refuse_folder(_state: KV2, call: Call) -> Response:
    """Return status 404, with a warning that says where secrets are."""
    return refuse(call)


def declare() -> None:
    """Add the path that matches everything; call this after all others are declared."""
    anything = engine.path("{path:all}", arbitrary=True, documented=False, help="Paths that version 2 does not have.")

    @anything.on(*COMMANDS)
    def unknown_path(state: KV2, call: Call) -> Response:
        return refuse(call)
