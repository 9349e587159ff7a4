"""What the gateway reads of the headers of every request: read once, where many requests have the same headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

_OF_ANSWERS = ("X-Vault-Wrap-TTL", "X-Vault-Wrap-Format", "X-Vault-MFA")
_OF_BROWSERS = (
    "Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Accept-Language", "Referer", "Sec-CH-UA",
    "Upgrade-Insecure-Requests",
)  # fmt: skip
"""Headers that browsers send and client libraries do not."""


class HeaderFacts(NamedTuple):
    """What is read of the headers of every request."""

    token: str
    namespace: str
    """As sent in ``X-Vault-Namespace``."""
    content_type: str
    asks_more: bool
    """There are headers about wrapping or second proofs."""
    of_a_browser: bool
    """A browser sent them: a page can change the values of these headers, but not leave them all out."""


def read(headers: Mapping[str, str]) -> HeaderFacts:
    """Return the facts."""
    return HeaderFacts(
        token_of(headers),
        headers.get("X-Vault-Namespace", ""),
        headers.get("Content-Type", ""),
        any(name in headers for name in _OF_ANSWERS),
        any(name in headers for name in _OF_BROWSERS) or headers.get("User-Agent", "").startswith("Mozilla/"),
    )


def token_of(headers: Mapping[str, str]) -> str:
    """Return the token of a request: ``X-Vault-Token``, else ``Authorization: Bearer`` (case matters)."""
    token = headers.get("X-Vault-Token", "")
    if token:
        return token
    authorization = headers.get("Authorization", "")
    return authorization[7:].strip() if authorization.startswith("Bearer ") else ""
