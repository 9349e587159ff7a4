"""URLs: ``urlsplit`` without a cache for long ones, what Go's parser says of malformed ones, and how Go writes others.

The ``urlsplit`` of the standard library caches its last 128 results of any size, so long URLs in requests would stay in
memory.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast
from urllib.parse import SplitResult, quote, unquote_to_bytes
from urllib.parse import urlsplit as _cached

_LONGEST = 2048
"""Maximum length in characters of a cached URL."""
_uncached = cast("Callable[[str], SplitResult]", getattr(_cached, "__wrapped__", _cached))


_IN_HOSTS = "-_.~!$&'()*+,;=:[]<>\"%"
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
_WRITABLE = re.compile(r"[A-Za-z0-9\-_.~!$&'()*+,/:;=@\[\]%]*", re.ASCII)
_ESCAPES = {"\\": "\\\\"}
_IN_USERS = re.compile(r"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*")
_BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2}).{0,2}", re.DOTALL)
_BAD_HOST_ESCAPE = re.compile(r"%(?!25|[89a-fA-F][0-9a-fA-F]).{0,2}", re.DOTALL)
"""Host names escape no ASCII but the percent sign of a zone."""


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


def path_in_go(parts: SplitResult) -> str:
    """Return the path that Go's ``url.Parse`` finds: what follows a scheme without a slash is opaque, not a path."""
    opaque = parts.scheme and not parts.netloc and not parts.path.startswith("/")
    return "" if opaque else parts.path


def parse_fault(url: str) -> str:
    """Return the error of Go's URL parser for a text; empty for a valid URL."""
    fault = "missing protocol scheme" if url.startswith(":") else ""
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in url):
        fault = "net/url: invalid control character in URL"
    try:
        _ = urlsplit(url).port
    except ValueError:
        port = urlsplit(url).netloc.rpartition(":")[2] if "[" not in url else ""
        if not (port.isascii() and port.isdigit()):  # A number is not too large before a connection is made.
            fault = fault or (f'invalid port ":{port}" after host' if port else "missing ']' in host")
    fault = fault or _host_fault(url) or user_fault(urlsplit(url).netloc) or _escape_fault(url)
    first = re.split("[/?#]", url, maxsplit=1)[0]
    if not fault and ":" in first and not _SCHEME.match(first):
        fault = "first path segment in URL cannot contain colon"
    shown = url.replace("\\", "\\\\").replace('"', '\\"')
    return f'parse "{shown}": {fault}' if fault else ""


def _host_fault(url: str) -> str:
    """Return the error text of Go for an invalid character in a host name; empty if there is none."""
    host = urlsplit(url).netloc.rpartition("@")[2]
    odd = next((letter for letter in host if letter.isascii() and not letter.isalnum() and letter not in _IN_HOSTS), "")
    return f'invalid character "{_ESCAPES.get(odd, odd)}" in host name' if odd else ""


def user_fault(authority: str) -> str:
    """Return the error text of Go for an invalid character in the user or password of a host; empty without one."""
    return "" if _IN_USERS.fullmatch(authority.rpartition("@")[0]) else "net/url: invalid userinfo"


def _escape_fault(url: str) -> str:
    """Return the error text of Go for an invalid percent escape outside the query; empty if there is none."""
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    texts = (
        (_BAD_HOST_ESCAPE, host),
        (_BAD_ESCAPE, user),
        (_BAD_ESCAPE, path_in_go(parts)),
        (_BAD_ESCAPE, parts.fragment),
    )
    for pattern, text in texts:
        found = pattern.search(text)
        if found is not None:
            return f'invalid URL escape "{found[0]}"'
    return ""


def shown_host(host: str) -> str:
    """Return a host for URLs: the loopback address for a wildcard address."""
    host = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{host}]" if ":" in host else host


def shown(text: str) -> str:
    """Return a valid URL as Go writes a parsed one: characters not allowed in its path or fragment are escaped."""
    found = _SCHEME.match(text)
    scheme = found[0][:-1].lower() if found else ""
    rest = text[len(scheme) + 1 :] if scheme else text
    rest, hash_sign, fragment = rest.partition("#")
    if hash_sign:
        hash_sign, fragment = ("#", _escaped(fragment)) if fragment else ("", "")
    if scheme and not rest.startswith("/"):
        return f"{scheme}:{rest}{hash_sign}{fragment}"
    rest, mark, query = rest.partition("?")
    host, path = "", rest
    if rest.startswith("//"):
        host, slash, path = rest[2:].partition("/")
        path = slash + path
        user, at, host = host.rpartition("@")
        host = user + at + quote(host, safe="!$&'()*+,;=:[]<>\"%-_.~")
        host = f"//{host}" if host or path else ""
    return f"{scheme}{':' if scheme else ''}{host}{_escaped(path)}{mark}{query}{hash_sign}{fragment}"


def _escaped(text: str) -> str:
    """Return a path or fragment unchanged if all its characters are allowed there; else unescape and escape it."""
    return text if _WRITABLE.fullmatch(text) else quote(unquote_to_bytes(text), safe="/$&+,:;=@~")
