"""Refusing what a browser sends for a foreign page.

Any page that a developer opens can send requests to this machine, and can read the answers once its own host name
resolves to 127.0.0.1 (DNS rebinding); the default root token is public knowledge. A loopback listener therefore
answers a request with ``Origin`` or ``Sec-Fetch-*``, which only browsers send, only if ``Host`` and ``Origin`` are
names of this machine, names that were allowed, or origins that the CORS configuration of the world allows. Other
clients may send any ``Host``, as to the real server.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from mockkms.server.gateway.exchange import HttpReply, error_reply
from mockkms.vault.kernel.core import Core
from mockkms.vault.sys.config.cors import settings

_LOCAL_NAMES = frozenset(("localhost", "127.0.0.1", "::1"))


class BrowserGuard:
    """Refuses what browsers send for foreign pages."""

    def __init__(self, allowed_hosts: Iterable[str] = ()) -> None:
        self.allowed_hosts = frozenset(name.lower() for name in allowed_hosts)
        """Host names that count as this machine's; ``*`` allows every one."""

    def is_local(self, name: str) -> bool:
        """Return whether a host name is this machine's or allowed."""
        return name in _LOCAL_NAMES or name in self.allowed_hosts or is_loopback(name) or "*" in self.allowed_hosts

    def refusal(
        self, core: Core, target: str, headers: Mapping[str, str], *, forwarded: bool = False
    ) -> HttpReply | None:
        """Return the 403 for a request that a browser sent for a foreign page; None for every other request.

        Below ``/v1/``, CORS answers for itself where it is configured, and the server behind a proxy (``forwarded``)
        has a configuration of its own.
        """
        # Written out, as every request comes by here.
        if "Origin" not in headers and "Sec-Fetch-Site" not in headers and "Sec-Fetch-Mode" not in headers:
            return None
        host, origin = host_name(headers.get("Host", "")), headers.get("Origin", "")
        allowed = settings(core)
        if allowed is not None and origin and (allowed.origins == ["*"] or origin in allowed.origins):
            return None
        if not self.is_local(host):
            return _refused(f"the host name {host!r} is not one of this server", host)
        decided = target.startswith("/v1/") and (forwarded or allowed is not None)
        page = host_name(netloc(origin))
        if origin and not decided and not self.is_local(page):
            return _refused(f"pages of {origin} may not use this server", page)
        return None


def _refused(what: str, name: str) -> HttpReply:
    named = f"start it with --allow-host {name}, or " if name else ""
    return error_reply(403, f"mockkms: {what}; {named}allow the origin in sys/config/cors")


def host_name(host: str) -> str:
    """Return the name in a ``Host`` header, without port and brackets, in lower case; empty where there is none."""
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
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False
