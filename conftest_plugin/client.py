"""``mockkms_client``: pytest-aiohttp's test client for the running server."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import ClientResponse
from aiohttp.test_utils import BaseTestServer, TestClient
from yarl import URL


class _Running(BaseTestServer):
    """A server that is already running: it is neither started nor stopped."""

    def __init__(self, url: str) -> None:
        address = URL(url)
        super().__init__(scheme=address.scheme, host=address.host or "127.0.0.1", port=address.port)
        self._root = address
        self.port = address.port
        self._address = address

    async def _make_runner(self, **kwargs: Any) -> Any:
        raise RuntimeError("the server is already running")

    async def start_server(self, *args: Any, **kwargs: Any) -> None:
        self._root = self._address

    @property
    def started(self) -> bool:
        return True

    async def close(self) -> None:
        return


class MockClient:
    """Requests with the root token: ``await client.get("/v1/sys/health")``; the usual aiohttp keywords apply."""

    def __init__(
        self, factory: Callable[..., Awaitable[TestClient[Any, Any]]], url: str, token: str, ca_file: str = ""
    ) -> None:
        self._factory = factory
        self._url = url
        self._prefix = URL(url).path.rstrip("/")
        """Path prefix of a tenant's address."""
        self._token = token
        self._ssl = ssl.create_default_context(cafile=ca_file) if ca_file else None
        self._client: TestClient[Any, Any] | None = None

    async def request(self, method: str, path: str, **options: Any) -> ClientResponse:
        """Send a request with any method, ``LIST`` included."""
        if self._client is None:
            self._client = await self._factory(_Running(self._url))
        headers = {"X-Vault-Token": self._token, **options.pop("headers", {})}
        if self._ssl is not None:
            options.setdefault("ssl", self._ssl)
        return await self._client.request(method, self._prefix + path, headers=headers, **options)

    async def get(self, path: str, **options: Any) -> ClientResponse:
        """Send a GET request."""
        return await self.request("GET", path, **options)

    async def post(self, path: str, **options: Any) -> ClientResponse:
        """Send a POST request."""
        return await self.request("POST", path, **options)

    async def put(self, path: str, **options: Any) -> ClientResponse:
        """Send a PUT request."""
        return await self.request("PUT", path, **options)

    async def delete(self, path: str, **options: Any) -> ClientResponse:
        """Send a DELETE request."""
        return await self.request("DELETE", path, **options)

    async def list(self, path: str, **options: Any) -> ClientResponse:
        """Send a LIST request."""
        return await self.request("LIST", path, **options)
