"""The headers that the gateway reads from every request, read once for all requests with the same headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

_OF_ANSWERS = ("X-Vault-Wrap-TTL", "X-Vault-Wrap-Format", "X-Vault-MFA")
_OF_BROWSERS = (
    "Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Accept-Language", "Referer", "Sec-CH-UA",
    "Upgrade-Insecure-Requests",
)  # fmt: skip
"""Headers that browsers send and client libraries do not."""
FORWARD_INCONSISTENT = "forward-active-node"


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
    forwarding: str
    """The header that asks for forwarding to the active node, as Vault names it in its refusal; empty if none does."""


def read(headers: Mapping[str, str]) -> HeaderFacts:
    """Read the headers of a request."""
    return HeaderFacts(
        token_of(headers),
        headers.get("X-Vault-Namespace", ""),
        headers.get("Content-Type", ""),
        any(name in headers for name in _OF_ANSWERS),
        any(name in headers for name in _OF_BROWSERS) or headers.get("User-Agent", "").startswith("Mozilla/"),
        _forwarding(headers),
    )


def token_of(headers: Mapping[str, str]) -> str:
    """Return the token of a request: ``X-Vault-Token``, else ``Authorization: Bearer`` (case matters)."""
    token = headers.get("X-Vault-Token", "")
    if token:
        return token
    authorization = headers.get("Authorization", "")
    return authorization[7:].strip() if authorization.startswith("Bearer ") else ""


def _forwarding(headers: Mapping[str, str]) -> str:
    if headers.get("X-Vault-Forward"):
        return "X-Vault-Forward"
    asked = headers.get("X-Vault-Inconsistent", "") == FORWARD_INCONSISTENT
    return f"X-Vault-Inconsistent={FORWARD_INCONSISTENT}" if asked else ""
