"""A blocking client of a real server, for commands that ask many requests one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from multidict import CIMultiDict

from mockkms.json_reading import read_json
from mockkms.server.gateway.exchange import HttpReply, HttpRequest
from mockkms.server.proxy.upstream import UPSTREAM_HEADER, Upstream

_WHOLE = 300.0
"""Seconds until a response must be complete: the time limit of the ``Upstream`` is for a server that is silent."""
_UNREACHABLE = ("unreachable", "tls")
"""Kinds of failures (``Upstream.ask``) before a request was sent."""


class ServerSilent(ValueError):
    """The server did not answer a request: it cannot be reached, or broke off.

    Args:
        message: The reason.
        unreachable: No connection could be made.
    """

    def __init__(self, message: str, *, unreachable: bool = False) -> None:
        super().__init__(message)
        self.unreachable = unreachable


class ServerClient:
    """Sends requests to one server over kept connections. Each has the time limit of the ``Upstream``."""

    def __init__(self, upstream: Upstream) -> None:
        self.url = upstream.url
        self._upstream = upstream
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._runner.run(self._upstream.close())
        self._runner.close()

    def ask(
        self, method: str, path: str, query: str = "", headers: Mapping[str, str] | None = None, body: bytes = b"",
        seconds: float = _WHOLE,
    ) -> HttpReply:  # fmt: skip
        """Return the answer, with its whole body. Raises ServerSilent, after ``seconds`` at the latest."""
        http = HttpRequest(method, path, query, CIMultiDict(headers or {}), body, whole=True)
        try:
            reply = self._runner.run(asyncio.wait_for(self._upstream.ask(http), seconds))
        except TimeoutError:
            message = f"no answer from {self.url}: its response did not end within {seconds:.0f} s"
            raise ServerSilent(message) from None
        if UPSTREAM_HEADER in reply.headers:
            raise ServerSilent(_reason(reply), unreachable=reply.headers[UPSTREAM_HEADER] in _UNREACHABLE)
        return reply


def _reason(reply: HttpReply) -> str:
    try:
        return str(read_json(reply.body)["errors"][0]).removeprefix("mockkms: ")
    except (ValueError, LookupError, TypeError):
        return reply.headers[UPSTREAM_HEADER]
