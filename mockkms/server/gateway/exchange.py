"""One HTTP exchange: the request as a gateway sees it, the reply that it makes, and the usual replies.

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
    """One HTTP request as the gateways see it, free of aiohttp."""

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
    """The address of this machine that it came to."""
    client_certificates: tuple[bytes, ...] | None = None
    """DER, the client's own first; None where the connection is not encrypted."""
    prefix: str = ""
    """What stood before ``target`` on the wire: the tenant, ``/t/<id>``, or nothing."""
    bare_mark: bool = False
    """There was a ``?`` with nothing behind it."""
    whole: bool = False
    """The answer is wanted in one piece, for rules may change it."""
    body_fault: str = ""
    """What Go's reader says of a body that did not come whole, or as it should; empty for a good one."""
    memo: list[HeaderFacts] = field(default_factory=list)
    """Its ``header_facts`` once they are known; shared by requests with the same headers."""
    decoded: Request | Refused | None = None
    """The Vault request that this is, once somebody asked: see ``request_of``."""

    @property
    def header_facts(self) -> HeaderFacts:
        """What is read of the headers of every request."""
        memo = self.memo
        if not memo:
            memo.append(header_facts.read(self.headers))
        return memo[0]


class Rest(Protocol):
    """The body of an answer that is still coming."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Its pieces; raises EOFError if it ends too early."""

    def close(self) -> None:
        """Take no more of it."""


@dataclass(slots=True)
class HttpReply:
    """One HTTP answer as the gateways make it."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    request: Request | None = None
    """The Vault request that was answered, for the journal."""
    repeated: tuple[tuple[str, str], ...] = ()
    """Further lines of headers that came more than once; their names are spelt as in ``headers``."""
    rest: Rest | None = None
    """The body, where it is still coming; ``body`` is empty then."""


class Refused(Exception):
    """The HTTP layer answers itself, before the core."""

    def __init__(self, reply: HttpReply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def base_headers(content_type: str = JSON) -> dict[str, str]:
    """The headers of every answer."""
    return {
        "Cache-Control": "no-store",
        "Content-Type": content_type,
        "Strict-Transport-Security": STRICT_TRANSPORT_SECURITY,
    }


def error_reply(status: int, *errors: str) -> HttpReply:
    """An error in the real server's form."""
    body = '{"errors":[' + ",".join(go_json.encode(error) for error in errors) + "]}\n"
    return HttpReply(status, body.encode("utf-8", "replace"), base_headers())


def redirect_reply(method: str, location: str) -> HttpReply:
    """A 307 as Go's ``http.Redirect`` writes it: a link for GET and HEAD, nothing for the rest."""
    if method not in ("GET", "HEAD"):
        headers = base_headers()
        del headers["Content-Type"]
        return HttpReply(307, b"", {**headers, "Location": location})
    body = f'<a href="{location}">Temporary Redirect</a>.\n\n'
    return HttpReply(307, body.encode(), {**base_headers("text/html; charset=utf-8"), "Location": location})
