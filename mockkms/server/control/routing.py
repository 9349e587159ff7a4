"""The table of the control API's routes, and what a handler gets."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from mockkms.server.gateway.actions import Host
from mockkms.server.tenants.tenants import Tenants
from mockkms.world.world import World

CONTROL_PREFIX = "/_mockkms/"


class ControlError(Exception):
    """A refusal: an HTTP status and a text."""

    def __init__(self, status: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status, self.message = status, message
        self.more = more
        """Further words of the answer."""


@dataclass(slots=True)
class Asked:
    """One request to the control API."""

    world: World
    host: Host
    names: dict[str, str] = field(default_factory=dict)
    """What the path's template captured."""
    query: dict[str, str] = field(default_factory=dict)
    data: Any = None
    """The decoded body; None where there was none."""
    tenants: Tenants | None = None
    """The tenants beside this world; None where it is one itself."""


class Handler(Protocol):
    """Answers with JSON data, or a text."""

    def __call__(self, asked: Asked, /) -> Any: ...


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
    """What the body is, for the OpenAPI document; empty: there is none."""


ROUTES: list[Route] = []


def route(method: str, path: str, summary: str, *, body: str = "") -> Callable[[Handler], Handler]:
    """Register a handler for a method and a path below the prefix."""

    def register(handler: Handler) -> Handler:
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))
        ROUTES.append(Route(method, path, handler, summary, pattern, body))
        return handler

    return register
