"""The headers that the gateway reads from every request, read once for all requests with the same headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from multidict import MultiMapping

_OF_ANSWERS = ("X-Vault-Wrap-TTL", "X-Vault-Wrap-Format", "X-Vault-MFA")
_OF_BROWSERS = (
    "Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Accept-Language", "Referer", "Sec-CH-UA",
    "Upgrade-Insecure-Requests",
)  # fmt: skip
"""Headers that browsers send and client libraries do not."""
_BEARER = "Bearer "


class HeaderFacts(NamedTuple):
    """The headers that are read from every request."""

    token: str
    namespace: str
    """As sent in ``X-Vault-Namespace``."""
    content_type: str
    asks_more: bool
    """Whether there are headers for wrapping or MFA."""
    of_a_browser: bool
    """Whether a browser sent them: a page can change the values of these headers, but not omit all of them."""
    longest_token: int
    """Size in bytes of the longest token in ``X-Vault-Token`` and ``Authorization``."""


def read(headers: Mapping[str, str]) -> HeaderFacts:
    """Read the headers of a request."""
    return HeaderFacts(
        token_of(headers),
        headers.get("X-Vault-Namespace", ""),
        headers.get("Content-Type", ""),
        any(name in headers for name in _OF_ANSWERS),
        any(name in headers for name in _OF_BROWSERS) or headers.get("User-Agent", "").startswith("Mozilla/"),
        _longest_token(headers),
    )


def token_of(headers: Mapping[str, str]) -> str:
    """Return the token of a request: ``X-Vault-Token``, else ``Authorization: Bearer`` (case matters)."""
    token = headers.get("X-Vault-Token", "")
    if token:
        return token
    authorization = headers.get("Authorization", "")
    return authorization[len(_BEARER) :].strip() if authorization.startswith(_BEARER) else ""


def _longest_token(headers: Mapping[str, str]) -> int:
    longest = len(headers.get("X-Vault-Token", "").encode("utf-8", "surrogateescape"))
    if "Authorization" not in headers:
        return longest
    values = headers.getall("Authorization") if isinstance(headers, MultiMapping) else [headers["Authorization"]]
    bearers = [value for value in values if value.startswith(_BEARER)]
    return max([longest, *(len(value[len(_BEARER) :].encode("utf-8", "surrogateescape")) for value in bearers)])
