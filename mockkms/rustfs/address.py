"""Check URLs as the server's URL parser does."""

from __future__ import annotations

import re

from mockkms.vault.golang.number import of_digits

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")
_AUTHORITY = re.compile(r"[/\\]*(?:[^/\\?#@]*@)*([^/\\?#]*)")
_HOST_PORT = re.compile(r"(\[[^\]]*\]|[^:]*)(?::(.*))?$")
_FORBIDDEN = re.compile(r"[\x00-\x20#/<>?@\[\\\]^|%\x7f]")
_IPV6 = re.compile(r"\[[0-9A-Fa-f:.]{2,}\]$")


def url_fault(text: str) -> str | None:
    """Return the parser's error for ``text`` as an absolute URL, None if it is valid."""
    text = text.strip()
    match = _SCHEME.match(text)
    if match is None:
        return "relative URL without a base"
    if match.group(1).lower() not in ("http", "https", "ws", "wss", "ftp"):
        return None
    authority = _AUTHORITY.match(text, match.end())
    found = _HOST_PORT.match(authority.group(1) if authority else "")
    host, port = (found.group(1), found.group(2)) if found else ("", None)
    if not host:
        return "empty host"
    if host.startswith("["):
        if not _IPV6.match(host):
            return "invalid IPv6 address"
    elif _FORBIDDEN.search(host):
        return "invalid international domain name"
    if port and not (port.isascii() and port.isdigit() and of_digits(port) <= 65535):
        return "invalid port number"
    return None


def scheme(text: str) -> str:
    """Return the scheme of a URL in lower case, empty if it has none."""
    match = _SCHEME.match(text.strip())
    return match.group(1).lower() if match else ""
