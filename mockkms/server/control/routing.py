"""The route table of the control API, and the request type of its handlers."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import MappingProxyType
from typing import Protocol, TypeVar

from mockkms.faults.parsing import FaultError, shown, unknown
from mockkms.server.gateway.actions import Host
from mockkms.server.gateway.threads import LARGE
from mockkms.server.tenants.tenants import Tenants
from mockkms.world.world import World

CONTROL_PREFIX = "/_mockkms/"
Values = tuple[str, ...]
"""The values that a parameter of a query string may have; empty: any."""
FLAG: Values = ("true", "false")
FORMATS: Values = ("json", "table")


class ControlError(Exception):
    """An error response: HTTP status and message."""

    def __init__(self, status: int, message: str, **more: object) -> None:
        super().__init__(message)
        self.status, self.message = status, message
        self.more = more
        """Additional keys of the response."""


@dataclass(slots=True)
class ControlRequest:
    """One request to the control API."""

    world: World
    host: Host
    names: dict[str, str] = field(default_factory=dict)
    """Values captured by the path template."""
    query: dict[str, str] = field(default_factory=dict)
    data: object = None
    """The decoded body; None if it is empty."""
    tenants: Tenants | None = None
    """The tenants of the server or tenant; None if this world belongs to a tenant of a tenant."""


class Handler(Protocol):
    """Returns a JSON document or a text."""

    def __call__(self, request: ControlRequest, /) -> dict[str, object] | str: ...


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the table."""

    method: str
    path: str
    """Below the prefix, ``{name}`` captures one segment."""
    handler: Handler
    summary: str
    pattern: re.Pattern[str]
    body: str = ""
    """Description of the body for the OpenAPI document; empty if there is none."""
    slow_from: int = sys.maxsize
    """Bytes of body from which on the handler may take long, and uses the world only: it runs on a thread, with the
    world's lock."""
    text: bool = False
    """Whether a body that is not JSON is passed to the handler as text."""
    query: Mapping[str, Values] | None = field(default_factory=dict)
    """The parameters of the query string, each with its values; None: the handler checks them."""


_H = TypeVar("_H", bound=Handler)
ROUTES: list[Route] = []
"""The routes of the modules that were imported; see ``all_routes``."""
_MODULES = (
    "chaos", "cluster", "fault_routes", "inspection", "journal_routes", "reports", "routes", "worlds", "tenants",
)  # fmt: skip
"""The modules that declare routes, in the order of the documents."""


def all_routes() -> list[Route]:
    """Return all routes.

    The modules are imported here, because a server whose control API is not used starts faster without them.
    """
    for name in _MODULES:
        import_module(f"{__package__}.{name}")
    return ROUTES


def route(
    method: str,
    path: str,
    summary: str,
    *,
    body: str = "",
    slow: bool = False,
    slow_if_large: bool = False,
    text: bool = False,
    query: Mapping[str, Values] | None = MappingProxyType({}),
) -> Callable[[_H], _H]:
    """Register a handler for a method and a path below the prefix.

    ``slow``: it may take long; ``slow_if_large``: with a large body.
    """
    slow_from = 0 if slow else LARGE if slow_if_large else sys.maxsize

    def register(handler: _H) -> _H:
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))
        ROUTES.append(Route(method, path, handler, summary, pattern, body, slow_from, text, query))
        return handler

    return register


def check_query(known: Route, query: Mapping[str, str]) -> None:
    """Raise FaultError for a parameter that the route does not have, or for a value that it does not take."""
    if known.query is None:
        return
    for name, value in query.items():
        if name not in known.query:
            if not known.query:
                raise FaultError(f"unknown parameter {name!r}; this path takes none", unknown=name)
            raise unknown(name, known.query, "parameter")
        values = known.query[name]
        if values and value not in values:
            raise FaultError(f"expected {' or '.join(values)}, got {shown(value)}", name)
