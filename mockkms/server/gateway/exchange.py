"""HTTP requests and replies of the gateways, and common replies.

Nothing here imports aiohttp.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from mockkms.server.gateway import header_facts
from mockkms.server.gateway.header_facts import HeaderFacts
from mockkms.vault.framework.message import Request
from mockkms.vault.golang import json as go_json

JSON = "application/json"
STRICT_TRANSPORT_SECURITY = "max-age=31536000; includeSubDomains"


@dataclass(slots=True)
class HttpRequest:
    """An HTTP request, independent of aiohttp."""

    method: str
    target: str
    """Path as sent, percent-encoded, without the query."""
    query: str
    headers: Mapping[str, str]
    """Case-insensitive."""
    body: bytes = b""
    remote_address: str = ""
    remote_port: int = 0
    local_address: str = ""
    """The address of this machine on which it arrived."""
    client_certificates: tuple[bytes, ...] | None = None
    """In DER, the client's own certificate first; None without TLS."""
    prefix: str = ""
    """The part of the received path before ``target``: ``/t/<id>`` of a tenant, or empty."""
    bare_mark: bool = False
    """The received target ends with ``?``."""
    whole: bool = False
    """The response must be complete, because rules may change it."""
    body_fault: str = ""
    """Go's error for an incomplete or malformed body; empty for a valid one."""
    sheltered: bool = False
    """It came to the port that the control API has for itself: no fault of the server or a tenant cuts it."""
    memo: list[HeaderFacts] = field(default_factory=list)
    """Holds ``header_facts`` once they are read; shared by requests with the same headers."""
    decoded: Request | RequestRefused | None = None
    """The decoded Vault request or its refusal; None before the first call of ``request_of``."""
    phase: str = ""
    """The plan of chaos and its phase that the request met; empty without one."""

    @property
    def header_facts(self) -> HeaderFacts:
        """The headers that are read from every request."""
        memo = self.memo
        if not memo:
            memo.append(header_facts.read(self.headers))
        return memo[0]


class Rest(Protocol):
    """The body of a response that is still being received."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the pieces. Raises EOFError, with the reason, if the body is incomplete."""

    def close(self) -> None:
        """Stop receiving."""


@dataclass(slots=True)
class HttpReply:
    """An HTTP response of a gateway."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    request: Request | None = None
    """The Vault request, for the journal."""
    repeated: tuple[tuple[str, str], ...] = ()
    """Additional lines of repeated headers, with the same spelling of names as in ``headers``."""
    rest: Rest | None = None
    """A body that is still being received; ``body`` is empty then."""


class RequestRefused(Exception):
    """Raised when the HTTP layer refuses a request, with its reply, before the core sees it."""

    def __init__(self, reply: HttpReply, *, unlimited: bool = False) -> None:
        super().__init__(reply.status)
        self.reply = reply
        self.unlimited = unlimited
        """Whether the request is refused before it counts against rate limits."""


def base_headers(content_type: str = JSON) -> dict[str, str]:
    """Return the headers that every response has."""
    return {
        "Cache-Control": "no-store",
        "Content-Type": content_type,
        "Strict-Transport-Security": STRICT_TRANSPORT_SECURITY,
    }


def error_reply(status: int, *errors: str) -> HttpReply:
    """Return an error in the real server's format."""
    body = '{"errors":[' + ",".join(go_json.encode(error) for error in errors) + "]}\n"
    return HttpReply(status, body.encode("utf-8", "replace"), base_headers())


def bad_request(text: str) -> RequestRefused:
    """Return the refusal with status 400 and this error."""
    return RequestRefused(error_reply(400, text))


_IN_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;"})


def redirect_reply(method: str, location: str) -> HttpReply:
    """Return a 307 as Go's ``http.Redirect`` writes it: with a link for GET and HEAD, else without a body."""
    if method not in ("GET", "HEAD"):
        headers = base_headers()
        del headers["Content-Type"]
        return HttpReply(307, b"", _located(headers, location))
    body = f'<a href="{location.translate(_IN_HTML)}">Temporary Redirect</a>.\n\n'
    return HttpReply(307, body.encode(), _located(base_headers("text/html; charset=utf-8"), location))


def _located(headers: dict[str, str], location: str) -> dict[str, str]:
    """Return the headers of a redirect, in the order of their names as Go writes them."""
    return dict(sorted({**headers, "Location": location}.items()))
