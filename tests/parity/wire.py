"""One connection that sends exactly the method, path and bytes it is given."""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

_AS_WRITTEN = "/%?&=+:,;@!$'()*~#[]<>{}|^\\`.-_"
"""Characters of a path that are sent as they are; others are percent-encoded."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Wire:
    """A client of one server. ``token`` is what ``root`` means in a request."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self.token = token
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def send(self, request: Mapping[str, Any]) -> Answer:
        """Send a step's request. Raises OSError or HTTPException where no answer comes."""
        path = request["path"]
        path = quote(path if path.startswith("/") else f"/v1/{path}", safe=_AS_WRITTEN)
        body = _body(request)
        fresh = self._connection.sock is None
        try:
            return self._exchange(request["method"], path, body, self._headers(request))
        except (http.client.RemoteDisconnected, ConnectionError):
            self.close()
            if fresh:
                raise
            # The server may have closed an idle connection.
            return self._exchange(request["method"], path, body, self._headers(request))

    def _exchange(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        # A server may answer a long body before it has read to its end.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._connection.request(method, path, body=body, headers=headers)
        response = self._connection.getresponse()
        answer = Answer(response.status, response.getheaders(), response.read())
        if response.will_close:
            self.close()
        return answer

    def _headers(self, request: Mapping[str, Any]) -> dict[str, str]:
        headers = {"Content-Type": "application/json"} if "json" in request else {}
        token = request.get("token", "root")
        if token != "none":
            headers["X-Vault-Token"] = self.token if token == "root" else token
        for name, value in request.get("headers", {}).items():
            if name.lower() == "content-type":
                headers.pop("Content-Type", None)
            if value is not None:
                headers[name] = str(value)
        return headers


def _body(request: Mapping[str, Any]) -> bytes | None:
    if "json" in request:
        return json.dumps(request["json"]).encode()
    if "fill" in request:
        fill = request["fill"]
        return str(fill["head"] + fill["unit"] * fill["count"] + fill["tail"]).encode()
    return request["body"].encode() if "body" in request else None
