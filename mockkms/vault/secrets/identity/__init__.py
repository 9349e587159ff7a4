"""The identity secrets engine: entities, groups, the OpenID Connect provider, and MFA."""

from __future__ import annotations

from mockkms.vault.framework.loading import load_endpoints
from mockkms.vault.secrets.identity.engine import engine

load_endpoints(
    __name__, "aliases", "entities", "group_aliases", "groups", "lookup", "merge", "mfa.enforcements",
    "mfa.methods", "mfa.secrets", "oidc.assignments", "oidc.authorize", "oidc.clients", "oidc.exchange",
    "oidc.keys", "oidc.providers", "oidc.tokens",
)  # fmt: skip

__all__ = ["engine"]
