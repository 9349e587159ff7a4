"""Reads the target of a request line as Go's ``url.ParseRequestURI`` does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address
from urllib.parse import quote

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_USER = re.compile(r"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*")
_HOST = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:\[\]<>\"\x80-\xff]|%[89A-Fa-f][0-9A-Fa-f]|%25)*")
_PORT = re.compile(r"(?::[0-9]*)?")
_VISIBLE = "".join(map(chr, range(0x21, 0x7F)))
"""Characters that are not escaped: a ``#`` has no meaning in a request line."""


@dataclass(frozen=True, slots=True)
class Target:
    """The target of a request line."""

    host: str
    path: str
    """As sent, percent-encoded; empty for an authority without path."""
    shown: str
    """Path and query; bytes that are not ASCII are escaped."""


def read_target(method: str, uri: str) -> Target:
    """Read a target, given as Latin-1. Raises ValueError for one that Go does not parse."""
    authority_only = method == "CONNECT" and not uri.startswith("/")
    text = "http://" + uri if authority_only else uri
    if not text or text.startswith(":") or _CONTROL.search(text) is not None:
        raise ValueError("malformed request target")
    if text == "*":
        return Target("", "*", "*")
    host = ""
    found = _SCHEME.match(text)
    scheme, rest = (found[1].lower(), text[found.end() :]) if found is not None else ("", text)
    path, mark, query = rest.partition("?")
    if not path.startswith("/"):
        if not scheme:
            raise ValueError("malformed request target")
        # Without a root, such as mailto:anna: Go stores it separately and leaves the path empty.
        path = ""
    elif scheme and path.startswith("//"):
        authority, slash, below = path[2:].partition("/")
        host, path = _host(scheme, authority), slash + below
    if _BAD_ESCAPE.search(path) is not None:
        raise ValueError("malformed request target")
    return Target(host, path, quote((path + mark + query).encode("latin-1"), safe=_VISIBLE))


def _host(scheme: str, authority: str) -> str:
    user, at, host = authority.rpartition("@")
    if at and (_USER.fullmatch(user) is None or _BAD_ESCAPE.search(user) is not None):
        raise ValueError("malformed request target")
    if "[" in host:
        address, bracket, port = host[1:].rpartition("]")
        if host.rfind("[") != 0 or not bracket:
            raise ValueError("malformed request target")
        IPv6Address(address.partition("%25")[0])  # Its AddressValueError is a ValueError.
    else:
        colon = host.find(":") if scheme in ("http", "https") else host.rfind(":")
        port = host[colon:] if colon >= 0 else ""
    if _PORT.fullmatch(port) is None or _HOST.fullmatch(host) is None:
        raise ValueError("malformed request target")
    return host
