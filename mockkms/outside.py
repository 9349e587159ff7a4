"""The one place that asks a server of the user's own: a stand-in that a test started on this machine, and no other."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

_PATIENCE = 10.0
"""Seconds; what is asked runs on the same machine."""
_LARGEST = 1 << 20


def is_here(url: str) -> bool:
    """Whether a URL points at this machine: only such a one is ever asked."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def get(url: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
    """Status and body of the answer to a GET. Raises OSError where nobody answers, or the URL is not of this machine.

    The call blocks for at most some seconds.
    """
    from http.client import HTTPConnection, HTTPException, HTTPSConnection

    parts = urlsplit(url)
    if not is_here(url) or not parts.hostname:
        raise OSError(f"{url} is not on this machine")
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=_PATIENCE)
    try:
        connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""), headers=dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read(_LARGEST)
    except HTTPException as error:
        raise OSError(str(error)) from None
    finally:
        connection.close()


def refusal(host: str, port: int | str) -> str:
    """What Go says of an address that nobody answers at: a name is not found, a number refuses."""
    try:
        here = host == "localhost" or bool(ip_address(host))
    except ValueError:
        here = False
    if not here:
        return f"dial tcp: lookup {host}: no such host"
    address = "127.0.0.1" if host == "localhost" else host
    return f"dial tcp {f'[{address}]' if ':' in address else address}:{port}: connect: connection refused"
