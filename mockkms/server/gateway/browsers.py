"""Requests of browsers: those of foreign pages are refused, and CORS is applied as ``sys/config/cors`` configures it.

Any page that a developer opens can send requests to this machine, and can read the responses if its own host name
resolves to 127.0.0.1 (DNS rebinding); the default root token is public knowledge. A loopback listener therefore
answers a browser only if ``Host`` and the origin of the page are names of this machine, allowed names, or origins
allowed by the CORS configuration of the world. Other clients may send any ``Host``, as to the real server.

Browsers are recognized by ``Origin`` or ``Sec-Fetch-*``. A GET to the page's own origin has neither if that origin has
no TLS and is not ``localhost``, as after rebinding; it is recognized by headers that all browsers and no client
libraries send. Resources that a page of another site loads without ``Origin`` (images, scripts, frames) have
``Sec-Fetch-Site: cross-site``. A document opened by a link is allowed, because no page can read it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Iterable, Mapping

from mockkms.server.gateway.exchange import HttpReply, HttpRequest, base_headers, error_reply
from mockkms.urls import urlsplit
from mockkms.vault.kernel.core import Core
from mockkms.vault.sys.config.cors import decide, settings

_LOCAL_NAMES = frozenset(("localhost", "127.0.0.1", "::1"))
_PREFLIGHT = ("Cache-Control",)
"""The usual headers that the response to a preflight request has."""
_MOST_HOSTS, _LONGEST_HOST = 64, 256
"""Number of cached values of ``Host``, and their maximum length in characters."""


class BrowserGuard:
    """Refuses requests of browsers for foreign pages."""

    def __init__(self, allowed_hosts: Iterable[str] = ()) -> None:
        """Raises ValueError for an allowed name that no host can have; the empty one would allow pages without one."""
        self.allowed_hosts = frozenset(name.lower() for name in allowed_hosts)
        """Additional host names of this machine; ``*``: all."""
        for name in self.allowed_hosts - {"*"}:
            if name.split() != [name] or (host_name(name) != name and not _is_address(name)):
                raise ValueError(f"{name!r} is not a host name to allow; examples: app.test, ::1, * for all")
        self._local_hosts: set[str] = set()
        """Cached values of ``Host`` that name this machine."""

    def is_local(self, name: str) -> bool:
        """Return whether a host name is this machine's or allowed."""
        return name in _LOCAL_NAMES or name in self.allowed_hosts or is_loopback(name) or "*" in self.allowed_hosts

    def refusal(
        self, core: Core, target: str, headers: Mapping[str, str], *, forwarded: bool = False
    ) -> HttpReply | None:
        """Return the 403 for a request of a browser for a foreign page; else None.

        Below ``/v1/`` the CORS configuration decides, if there is one; with ``forwarded``, that of the real server.
        """
        if "Origin" not in headers and "Sec-Fetch-Site" not in headers and "Sec-Fetch-Mode" not in headers:
            host = headers.get("Host", "")
            if host in self._local_hosts or self._is_local_host(host):
                return None
        host, origin = host_name(headers.get("Host", "")), headers.get("Origin", "")
        allowed = settings(core)
        origins = [] if allowed is None else allowed.origins
        if origin and (origins == ["*"] or origin in origins):
            return None
        if not self.is_local(host):
            return _refused(f"the host name {host!r} is not one of this server", host)
        if not origin:
            return self._refusal_of_loaded(headers, origins)
        decided = target.startswith("/v1/") and (forwarded or allowed is not None)
        page = host_name(netloc(origin))
        if not decided and not self.is_local(page):
            return _refused(f"pages of {origin} may not use this server", page)
        return None

    def _refusal_of_loaded(self, headers: Mapping[str, str], origins: list[str]) -> HttpReply | None:
        """Return the 403 for a resource that a page of another site loads without ``Origin``."""
        if headers.get("Sec-Fetch-Site") != "cross-site" or origins == ["*"]:
            return None
        if headers.get("Sec-Fetch-Mode") == "navigate" and headers.get("Sec-Fetch-Dest") == "document":
            return None
        page = netloc(headers.get("Referer", ""))
        if page and (self.is_local(host_name(page)) or any(origin.partition("://")[2] == page for origin in origins)):
            return None
        return _refused(f"pages of {page or 'other sites'} may not use this server", host_name(page))

    def _is_local_host(self, host: str) -> bool:
        if not self.is_local(host_name(host)):
            return False
        if len(self._local_hosts) < _MOST_HOSTS and len(host) <= _LONGEST_HOST:
            self._local_hosts.add(host)
        return True


def _refused(what: str, name: str) -> HttpReply:
    named = f"start it with --allow-host {name}, or " if name else ""
    return error_reply(403, f"mockkms: {what}; {named}allow the origin in sys/config/cors")


def host_name(host: str) -> str:
    """Return the name in a ``Host`` header, without port and brackets, in lower case; empty if it cannot be one."""
    if len(host) > _LONGEST_HOST:
        return ""
    try:
        return (urlsplit("//" + host).hostname or "").lower()
    except ValueError:
        return ""


def netloc(origin: str) -> str:
    """Return host and port of an origin; empty for ``null`` and for a malformed origin."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def is_loopback(address: str) -> bool:
    """Return whether an IP address is one of this machine's loopback addresses."""
    address = address.partition("%")[0]
    return _is_address(address) and ipaddress.ip_address(address).is_loopback


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


Answer = HttpReply | Awaitable[HttpReply]


def with_cors(core: Core, http: HttpRequest, answer: Callable[[HttpRequest], Answer]) -> Answer:
    """Return the response with the headers of CORS, or the response of CORS itself: a refusal, or a preflight's."""
    if "cors" not in core.state.system:
        return answer(http)
    method = http.headers.get("Access-Control-Request-Method", "")
    decision = decide(core, http.method, http.headers.get("Origin", ""), method)
    if decision.status == 403:
        return error_reply(403, "origin not allowed")
    if decision.status:
        kept = {name: text for name, text in base_headers().items() if name in _PREFLIGHT}
        return HttpReply(decision.status, b"", {**kept, **dict(decision.headers)})
    reply = answer(http)
    if not isinstance(reply, HttpReply):
        return _later(reply, decision.headers)
    reply.headers.update(decision.headers)
    return reply


async def _later(reply: Awaitable[HttpReply], headers: Iterable[tuple[str, str]]) -> HttpReply:
    whole = await reply
    whole.headers.update(headers)
    return whole
