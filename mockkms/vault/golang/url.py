"""URLs, parsed as by Go's ``net/url``."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import unquote

from mockkms.urls import user_fault

_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.\-]*(?=:)")
_BAD = re.compile(r"[\x00-\x1f\x7f]|%(?![0-9a-fA-F]{2})")
_HOST_ESCAPE = re.compile(r"%(?!25)[0-7][0-9a-fA-F]")
"""An escape in a host that Go refuses: of an ASCII character other than the percent sign of a zone."""


def split(text: str) -> tuple[str, str] | None:
    """Return scheme and host of an address, None if Go cannot parse it."""
    if _BAD.search(text) or text.startswith(":"):
        return None
    found = _SCHEME.match(text)
    scheme = found[0] if found else ""
    rest = text[len(scheme) + 1 :] if scheme else text
    if not scheme and ":" in rest.split("/", 1)[0] and not rest.startswith("/"):
        return None
    host = re.split(r"[/?#]", rest[2:], maxsplit=1)[0] if rest.startswith("//") else ""
    named = host.rsplit("@", 1)[-1]
    if " " in host or user_fault(host) or _HOST_ESCAPE.search(named) or not _literal(named):
        return None
    if not re.fullmatch(r"[^:]*|.*:\d*|.*\]", named):
        return None
    return scheme.lower(), host


def _literal(host: str) -> bool:
    """Return whether a host has no brackets, or is an IPv6 address in brackets."""
    if not host.startswith("["):
        return "[" not in host
    address, bracket, _ = host[1:].partition("]")
    try:
        return bool(bracket) and ipaddress.IPv6Address(unquote(address)) is not None
    except ValueError:
        return False
