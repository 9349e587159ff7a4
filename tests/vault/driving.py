"""A frozen dev world and short ways to ask it, without HTTP."""

from __future__ import annotations

from typing import Any

from mockkms.vault.framework.message import Operation, Request, Response
from mockkms.vault.kernel.core import Core

START = 1_800_000_000.0


class World:
    """One core on a clock that stands still."""

    def __init__(self, flavor: str = "openbao") -> None:
        self.core = Core(flavor=flavor)
        self.core.clock.freeze(START)
        self.core.bootstrap("root")

    def ask(self, operation: str, path: str, data: dict[str, Any] | None = None, **more: Any) -> Response:
        """The answer to one request; by root unless ``token`` says otherwise."""
        more.setdefault("token", "root")
        return self.core.handle(Request(Operation(operation), path, data=dict(data or {}), **more))

    def write(self, path: str, data: dict[str, Any] | None = None, **more: Any) -> Response:
        """The answer to a write."""
        return self.ask("update", path, data, **more)

    def token(self, by: str = "root", path: str = "auth/token/create", **data: Any) -> str:
        """A new token's id; fails where none is made."""
        response = self.write(path, data, token=by)
        assert response.auth is not None, response.errors
        return response.auth.client_token

    def alive(self, token: str) -> bool:
        """Whether a token can look itself up."""
        return self.ask("read", "auth/token/lookup-self", token=token).errors is None

    def self_of(self, token: str) -> dict[str, Any]:
        """What a token sees of itself."""
        data = self.ask("read", "auth/token/lookup-self", token=token).data
        assert data is not None
        return data

    def later(self, seconds: float) -> None:
        """Move the clock."""
        self.core.clock.advance(seconds)
