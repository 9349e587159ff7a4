"""OpenAPI documents, derived from the endpoint declarations: for ``?help=1`` and ``sys/internal/specs/openapi``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from mockkms.vault.framework.endpoint import Endpoint, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import Operation
from mockkms.vault.products import Product
from mockkms.vault.products.features import Feature

_TYPES: dict[Kind, dict[str, object]] = {
    Kind.BOOL: {"type": "boolean"},
    Kind.INT: {"type": "integer"},
    Kind.INT64: {"type": "integer", "format": "int64"},
    Kind.FLOAT: {"type": "number", "format": "float"},
    Kind.MAP: {"type": "object", "format": "map"},
    Kind.KV_PAIRS: {"type": "object", "format": "kvpairs"},
    Kind.HEADER: {"type": "object"},
    Kind.TIME: {"type": "string", "format": "date-time"},
    Kind.SLICE: {"type": "array", "items": {"type": "object"}},
    Kind.STRING_SLICE: {"type": "array", "items": {"type": "string"}},
    Kind.COMMA_STRINGS: {"type": "array", "items": {"type": "string"}},
    Kind.COMMA_INTS: {"type": "array", "items": {"type": "integer"}},
}
_DURATIONS = (Kind.SECONDS, Kind.SIGNED_SECONDS)
_PLACEHOLDER = re.compile(r"\{(\w+)(?::\w+(?:\(.*?\))?)?\}")


def shown_path(template: str) -> str:
    """Return a path template as OpenAPI writes it: ``keys/{name}``."""
    return _PLACEHOLDER.sub(r"{\1}", template).replace("[/]", "").replace("[", "").replace("]", "")


def _schema(declared: Field, product: Product) -> dict[str, object]:
    schema = dict(_TYPES.get(declared.kind, {"type": "string"}))
    if declared.kind in _DURATIONS:
        texts = product.has(Feature.OPENAPI_DURATIONS)
        schema = {"type": "string", "format": "duration"} if texts else {"type": "integer", "format": "seconds"}
    if declared.help:
        schema["description"] = declared.help
    if declared.default is not None:
        schema["default"] = declared.default
    if declared.deprecated:
        schema["deprecated"] = True
    return schema


def _operation(endpoint: Endpoint, operation: Operation, body: Mapping[str, object]) -> dict[str, object]:
    shown: dict[str, object] = {"summary": endpoint.help, "responses": {"200": {"description": "OK"}}}
    if operation in (Operation.LIST, Operation.SCAN):
        word = operation.value
        flag = {"type": "string", "enum": ["true"]}
        shown["parameters"] = [{"name": word, "in": "query", "required": True, "schema": flag}]
    if operation in (Operation.CREATE, Operation.UPDATE, Operation.PATCH) and body:
        content = {"application/json": {"schema": {"type": "object", "properties": body}}}
        shown["requestBody"] = {"content": content}
    if operation is Operation.DELETE:
        shown["responses"] = {"204": {"description": "empty body"}}
    return shown


def path_item(endpoint: Endpoint, product: Product) -> dict[str, object]:
    """Return one path of the document, with the parameters that ``product`` has."""
    captured = set(endpoint.captures)
    item: dict[str, object] = {"description": endpoint.help}
    if captured:
        item["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": _schema(endpoint.fields[name], product)}
            for name in sorted(captured)
        ]
    known = {name: declared for name, declared in sorted(endpoint.fields.items()) if declared.known_to(product)}
    body = {name: _schema(declared, product) for name, declared in known.items() if name not in captured}
    verbs = {Operation.READ: "get", Operation.LIST: "get", Operation.SCAN: "get", Operation.CREATE: "post",
             Operation.UPDATE: "post", Operation.PATCH: "patch", Operation.DELETE: "delete"}  # fmt: skip
    for operation in endpoint.operations:
        if operation in verbs and verbs[operation] not in item:
            item[verbs[operation]] = _operation(endpoint, operation, body)
    if any(operation is Operation.CREATE for operation in endpoint.operations):
        item["x-vault-createSupported"] = True
    if endpoint.needs_sudo(product):
        item["x-vault-sudo"] = True
    if endpoint.is_login(product) or endpoint.outside:
        item["x-vault-unauthenticated"] = True
    return item


def paths(prefix: str, endpoints: Iterable[Endpoint], product: Product) -> dict[str, dict[str, object]]:
    """Return the paths of one mount at ``/prefix``, as ``product`` has them."""
    return {f"/{prefix}{shown_path(endpoint.template)}": path_item(endpoint, product) for endpoint in endpoints}


def document(title: str, version: str, items: Mapping[str, object]) -> dict[str, object]:
    """Return a whole OpenAPI 3 document."""
    return {
        "openapi": "3.0.2",
        "info": {"title": f"{title} API", "description": f"{title}'s HTTP API as emulated", "version": version},
        "paths": dict(sorted(items.items())),
    }
