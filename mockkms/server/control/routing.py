"""The route table of the control API, and the request type of its handlers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from mockkms.server.gateway.actions import Host
from mockkms.server.tenants.tenants import Tenants
from mockkms.world.world import World

CONTROL_PREFIX = "/_mockkms/"


class ControlError(Exception):
    """An error response: HTTP status and message."""

    def __init__(self, status: int, message: str, **more: object) -> None:
        super().__init__(message)
        self.status, self.message = status, message
        self.more = more
        """Additional keys of the response."""


@dataclass(slots=True)
class Asked:
    """One request to the control API."""

    world: World
    host: Host
    names: dict[str, str] = field(default_factory=dict)
    """Values captured by the path template."""
    query: dict[str, str] = field(default_factory=dict)
    data: object = None
    """The decoded body; None if it is empty."""
    tenants: Tenants | None = None
    """The tenants of the server; None if this world belongs to a tenant."""


class Handler(Protocol):
    """Returns a JSON document or a text."""

    def __call__(self, asked: Asked, /) -> dict[str, object] | str: ...


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
    slow: bool = False
    """The handler may compute for long and needs nothing but the world: it runs on a thread, with the world's lock."""
    text: bool = False
    """Whether a body that is not JSON is passed to the handler as text."""


_H = TypeVar("_H", bound=Handler)
ROUTES: list[Route] = []


def route(
    method: str, path: str, summary: str, *, body: str = "", slow: bool = False, text: bool = False
) -> Callable[[_H], _H]:
    """Register a handler for a method and a path below the prefix."""

    def register(handler: _H) -> _H:
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))
        ROUTES.append(Route(method, path, handler, summary, pattern, body, slow, text))
        return handler

    return register
