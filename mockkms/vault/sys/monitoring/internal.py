"""``sys/internal``: counters, inspection of router and request, and the OpenAPI document."""

from __future__ import annotations

from mockkms.vault.framework import registry
from mockkms.vault.framework.documents import openapi
from mockkms.vault.framework.endpoint import Call, Endpoint, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response, unsupported_path
from mockkms.vault.mounts.table import Mount
from mockkms.vault.products import Product
from mockkms.vault.products.features import Feature
from mockkms.vault.sys.engine import engine
from mockkms.vault.sys.monitoring.internal_ui import visible
from mockkms.vault.sys.mounts.shapes import SINGLETONS, shown_path

_PLUGIN_API = "2.0.0"
"""The version that plugins see."""
_RECORDS = ("root", "uuid", "accessor", "storage")

tokens = engine.path("internal/counters/tokens", help="Number of live service tokens.", needs=Feature.TOKEN_COUNTER)
entities = engine.path("internal/counters/entities", help="Number of entities.")
requests = engine.path("internal/counters/requests", help="Removed, as from the real server.")
router = engine.path(
    "internal/inspect/router/{tag}",
    fields={"tag": Field(Kind.STRING, help="Which of the router's tables: root, uuid, accessor or storage.")},
    help="The router's tables.",
    sudo=True,
)
request = engine.path(
    "internal/inspect/request", help="This request as the server sees it.", sudo=True, arbitrary=True,
    needs=Feature.REQUEST_INSPECTION,
)  # fmt: skip
specs = engine.path(
    "internal/specs/openapi",
    fields={
        "context": Field(Kind.STRING, query=True, help="The path that the document is made for."),
        "generic_mount_paths": Field(Kind.BOOL, query=True, help="Name mounts by variables."),
    },
    help="An OpenAPI document of the mounts in the namespace.",
    login=True,
)


@tokens.on(Operation.READ)
def count_tokens(_state: object, call: Call) -> dict[str, object]:
    """Return the number of live service tokens of all namespaces."""
    live = [token for token in call.core.state.tokens.by_id.values() if token.type == "service"]
    return {"counters": {"service_tokens": {"total": len(live)}}}


@entities.on(Operation.READ)
def count_entities(_state: object, call: Call) -> dict[str, object]:
    """Return the number of entities of the request's namespace."""
    found = [e for e in call.core.state.identity.entities.values() if e.namespace == call.request.namespace]
    return {"counters": {"entities": {"total": len(found)}}}


@requests.on(Operation.READ)
def count_requests(_state: object, _call: Call) -> None:
    """Refuse, as the real server no longer counts requests."""
    raise ErrorResponse("The functionality has been removed on this path", status=404)


@router.on(Operation.READ)
def inspect_router(_state: object, call: Call, *, tag: str) -> dict[str, object]:
    """Return all mounts; the tables by path and by storage show routes, the others mounts alone."""
    if tag not in _RECORDS:
        raise unsupported_path()
    mounts = sorted(call.core.state.mounts.entries.values(), key=lambda mount: mount.namespace + mount.path)
    return {tag: [_record(call, mount, route=tag in ("root", "storage")) for mount in mounts]}


def _record(call: Call, mount: Mount, *, route: bool) -> dict[str, object]:
    record: dict[str, object] = {
        "accessor": mount.accessor,
        "mount_namespace": mount.namespace,
        "mount_path": mount.path.removeprefix("auth/"),
        "mount_type": mount.type,
        "uuid": mount.uuid,
    }
    if not route:
        return record
    kind = mount.type.removeprefix("ns_")
    if kind == "system":
        prefix = "sys/"
    elif kind == "token" and not mount.namespace:
        prefix = "sys/token/"
    else:
        prefix = f"{'auth' if mount.is_auth else 'logical'}/{mount.uuid}/"
    namespace = call.core.namespaces.get(mount.namespace)
    if namespace is not None:
        prefix = f"namespaces/{namespace.uuid}/{prefix}"
    return {**record, "storage_prefix": prefix, "tainted": False}


@request.on(Operation.READ, Operation.UPDATE)
def inspect_request(_state: object, call: Call) -> dict[str, object]:
    """Return the request as the handler received it."""
    core, asked = call.core, call.request
    errors = {f"{name}_error": None for name in ("cluster_id", "entity", "groups", "plugin_env", "vault_version")}
    return {
        **errors,
        "cluster_id": core.state.seal.cluster_id,
        "data": dict(asked.data),
        "entity": None,
        "groups": None,
        "plugin_env": {"vault_version": _PLUGIN_API},
        "req": {
            "id": asked.id,
            "operation": asked.operation.value,
            "path": asked.path.removeprefix("sys/"),
            "mount_point": "sys/",
            "mount_type": "system",
        },
        "vault_version": _PLUGIN_API,
    }


@specs.on(Operation.READ, Operation.UPDATE)
def read_openapi(_state: object, call: Call, *, generic_mount_paths: bool) -> Response:
    """Return the document, made from the endpoint declarations of every mount visible to the caller."""
    core = call.core
    items: dict[str, object] = {}
    for mount in visible(call):
        endpoints = registry.engine(mount.engine).documented(core)
        if generic_mount_paths and mount.type.removeprefix("ns_") not in SINGLETONS:
            items.update(_generic(core.product, mount, endpoints))
        else:
            items.update(openapi.paths(mount.path, endpoints, core.product))
    document = openapi.document(core.product.texts.product, core.product.version, items)
    whole = {**document, "components": {"schemas": {}}}
    return Response(document=whole, wrapped_whole=True)


def _generic(product: Product, mount: Mount, endpoints: list[Endpoint]) -> dict[str, dict[str, object]]:
    """Return the paths of a mount with a variable in place of the mount path."""
    below = shown_path(mount)
    name = below.replace("-", "_").rstrip("/") + "_mount_path"
    variable = {
        "name": name,
        "description": "Path that the backend was mounted at",
        "in": "path",
        "schema": {"type": "string", "default": below.rstrip("/")},
        "required": True,
    }
    found = openapi.paths(f"{mount.path.removesuffix(below)}{{{name}}}/", endpoints, product)
    for item in found.values():
        own = item.get("parameters")
        item["parameters"] = [*(own if isinstance(own, list) else ()), variable]
    return found
