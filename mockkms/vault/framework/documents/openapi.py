"""OpenAPI documents, derived from the endpoint declarations: for ``?help=1`` and ``sys/internal/specs/openapi``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from mockkms.vault.framework.endpoint import TOKEN, Endpoint, Field
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


def spellings(template: str) -> list[str]:
    """Return the paths that a template stands for, as OpenAPI writes them.

    A part that may be absent and words of which one is chosen make paths of their own: ``random[/{source}]`` is
    ``random`` and ``random/{source}``. A slash at the end that may be absent is left out.
    """
    open_parts: list[list[str]] = []
    found = [""]
    for name, kind, pattern, bracket, literal in TOKEN.findall(template.replace("[/]", "")):
        if bracket == "[":
            open_parts.append(found)
        elif bracket:
            found = open_parts.pop() + found
        elif kind == "one":
            found = [path + word for path in found for word in pattern.split("|")]
        else:
            found = [path + (f"{{{name}}}" if name else literal) for path in found]
    return found


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


_VERBS = {
    Operation.READ: "get", Operation.LIST: "get", Operation.SCAN: "get", Operation.CREATE: "post",
    Operation.UPDATE: "post", Operation.PATCH: "patch", Operation.DELETE: "delete",
}  # fmt: skip
_LISTS = (Operation.LIST, Operation.SCAN)


def path_items(endpoint: Endpoint, product: Product) -> dict[str, dict[str, object]]:
    """Return the paths of an endpoint below its mount, with the operations and parameters that ``product`` has.

    Vault's documents have lists at a path of their own, with a slash at the end; OpenBao's where the reads are.
    """
    if not product.has(Feature.OPENAPI_LISTS):
        return {path: _path_item(endpoint, product, path, endpoint.operations) for path in spellings(endpoint.template)}
    lists = [one for one in endpoint.operations if one in _LISTS]
    others = [one for one in endpoint.operations if one not in _LISTS]
    found = {}
    for path in spellings(endpoint.template):
        if others:
            found[path] = _path_item(endpoint, product, path, others)
        if lists:
            found[f"{path.removesuffix('/')}/"] = _path_item(endpoint, product, path, lists)
    return found


def _path_item(endpoint: Endpoint, product: Product, path: str, operations: Collection[Operation]) -> dict[str, object]:
    item: dict[str, object] = {"description": endpoint.help}
    captured = [name for name in sorted(endpoint.captures) if f"{{{name}}}" in path]
    if captured:
        item["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": _schema(endpoint.fields[name], product)}
            for name in captured
        ]
    # What another spelling of the path has in it is a parameter of the body in OpenBao's documents alone.
    elsewhere = endpoint.captures if product.has(Feature.OPENAPI_LISTS) else captured
    known = {
        name: declared
        for name, declared in sorted(endpoint.fields.items())
        if name not in elsewhere and declared.known_to(product)
    }
    for operation in operations:
        verb = _VERBS.get(operation)
        if verb == "get" and verb not in item:
            flags = _flags(operations)
            query = [
                {"name": name, "in": "query", "required": False, "schema": _schema(declared, product)}
                for name, declared in known.items()
                if declared.query
            ]
            item[verb] = {**_operation(endpoint), **({"parameters": [*flags, *query]} if flags or query else {})}
        elif verb == "delete":
            item[verb] = {**_operation(endpoint), "responses": {"204": {"description": "empty body"}}}
        elif verb is not None and verb not in item:
            schema = {"type": "object", "properties": {name: _schema(one, product) for name, one in known.items()}}
            content = {"application/json": {"schema": schema}}
            item[verb] = {**_operation(endpoint), **({"requestBody": {"content": content}} if known else {})}
    if Operation.CREATE in operations:
        item["x-vault-createSupported"] = True
    if endpoint.needs_sudo(product):
        item["x-vault-sudo"] = True
    if endpoint.is_login(product):
        item["x-vault-unauthenticated"] = True
    return item


def _operation(endpoint: Endpoint) -> dict[str, object]:
    return {"summary": endpoint.help, "responses": {"200": {"description": "OK"}}}


def _flags(operations: Collection[Operation]) -> list[dict[str, object]]:
    """Return the parameters of a GET that ask for a list or a scan: required where nothing else can be asked for."""
    words = [one.value for one in _LISTS if one in operations]
    required = len(words) == 1 and Operation.READ not in operations
    schema = {"type": "string", "enum": ["true"]} if required else {"type": "string"}
    return [{"name": word, "in": "query", "required": required, "schema": schema} for word in words]


def paths(prefix: str, endpoints: Iterable[Endpoint], product: Product) -> dict[str, dict[str, object]]:
    """Return the paths of one mount at ``/prefix``, as ``product`` has them."""
    found: dict[str, dict[str, object]] = {}
    for endpoint in endpoints:
        if endpoint.documented:
            found.update({f"/{prefix}{path}": item for path, item in path_items(endpoint, product).items()})
    return found


def document(title: str, version: str, items: Mapping[str, object]) -> dict[str, object]:
    """Return a whole OpenAPI 3 document."""
    return {
        "openapi": "3.0.2",
        "info": {"title": f"{title} API", "description": f"{title}'s HTTP API as emulated", "version": version},
        "paths": dict(sorted(items.items())),
    }
