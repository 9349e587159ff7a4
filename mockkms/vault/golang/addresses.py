"""IP addresses and the queries of URLs, read as Go's ``net`` and ``net/url`` read them."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import parse_qs

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")


def parse_ip(text: str) -> Address:
    """Return the address of a text as ``net.ParseIP`` does: without a zone, and IPv4 for an IPv4-mapped address.

    Raises ValueError for any other text.
    """
    if "%" in text:
        raise ValueError(text)
    found = ipaddress.ip_address(text)
    return getattr(found, "ipv4_mapped", None) or found


def is_ip(text: str) -> bool:
    """Return whether ``parse_ip`` reads a text."""
    try:
        parse_ip(text)
    except ValueError:
        return False
    return True


def first_values(query: str) -> dict[str, str]:
    """Return the first value of each parameter of a query as ``url.Values.Get`` does.

    Pairs with a semicolon or an invalid percent escape are dropped.
    """
    pairs = "&".join(pair for pair in query.split("&") if ";" not in pair and not _BAD_ESCAPE.search(pair))
    return {name: values[0] for name, values in parse_qs(pairs, keep_blank_values=True).items()}
