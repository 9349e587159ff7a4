"""URLs: ``urlsplit`` without a cache for long ones, and the addresses of servers.

The ``urlsplit`` of the standard library caches its last 128 results of any size, so long URLs in requests would stay in
memory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast
from urllib.parse import SplitResult
from urllib.parse import urlsplit as _cached

_LONGEST = 2048
"""Maximum length in characters of a cached URL."""
_uncached = cast("Callable[[str], SplitResult]", getattr(_cached, "__wrapped__", _cached))


def urlsplit(url: str) -> SplitResult:
    """Return the parts of a URL. Raises ValueError for a malformed one."""
    return _cached(url) if len(url) <= _LONGEST else _uncached(url)


def server_address(url: str) -> SplitResult:
    """Return the parts of the address of a server. Raises ValueError, which says what an address looks like."""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port  # Raises ValueError for an invalid port.
    except ValueError:
        valid = False
    if not valid or parts.query or parts.fragment:
        raise ValueError(f"{url!r} is not a valid server address; example: http://127.0.0.1:8200")
    return parts


def shown_host(host: str) -> str:
    """Return a host for URLs: the loopback address for a wildcard address."""
    host = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{host}]" if ":" in host else host
