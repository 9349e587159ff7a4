"""Shapes of the API's parameters, derived from the declarations of the endpoints."""

from __future__ import annotations

from collections.abc import Callable

from mockkms.vault.framework import registry
from mockkms.vault.framework.endpoint import Endpoint
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.shapes.collections import (
    Boolean,
    Integer,
    Json,
    Key,
    ListOf,
    MapOf,
    RecordShape,
    Seconds,
    Shape,
    Text,
)
from mockkms.vault.products import PRODUCTS

_SHAPES: dict[Kind, Callable[[], Shape]] = {
    Kind.STRING: Text,
    Kind.LOWER_STRING: Text,
    Kind.NAME: Text,
    Kind.BOOL: Boolean,
    Kind.INT: Integer,
    Kind.INT64: Integer,
    Kind.MAP: lambda: MapOf(Json()),
    Kind.KV_PAIRS: lambda: MapOf(Text()),
    Kind.SECONDS: Seconds,
    Kind.SLICE: lambda: ListOf(Json()),
    Kind.STRING_SLICE: lambda: ListOf(Text(), single=True),
    Kind.COMMA_STRINGS: lambda: ListOf(Text(), single=True),
    Kind.COMMA_INTS: lambda: ListOf(Integer(), single=True),
}


def parameters(engine: str, path: str) -> dict[str, Key]:
    """Return the parameters of the endpoint that answers ``path`` of an engine, as keys of a record.

    Captures left out.
    """
    return _keys(endpoint_at(engine, path))


def endpoint_at(engine: str, path: str) -> Endpoint:
    """Return the endpoint that answers ``path`` of an engine, in any product. Raises KeyError."""
    routes = (registry.engine(engine).route(path, product) for product in PRODUCTS.values())
    found = next((route for route in routes if route is not None), None)
    if found is None:
        raise KeyError(f"{engine} has no {path}")
    return found[0]


def _keys(endpoint: Endpoint) -> dict[str, Key]:
    captured = endpoint.captures
    return {
        name: Key(_SHAPES.get(declared.kind, Json)(), declared.help)
        for name, declared in sorted(endpoint.fields.items())
        if name not in captured
    }


def written(engine: str, path: str, **more: Key) -> RecordShape:
    """Return a record of an endpoint's parameters and ``more``."""
    return RecordShape({**parameters(engine, path), **more})


def parameters_of(endpoint: Endpoint, **more: Key) -> RecordShape:
    """Return a record of the parameters of ``endpoint``, captures left out, and ``more``."""
    return RecordShape({**_keys(endpoint), **more})
