"""Identity: one file for each family of endpoints."""

from mockkms.vault.engines.identity import (
    aliases,
    entities,
    group_aliases,
    groups,
    lookup,
    merge,
    mfa_enforcements,
    mfa_methods,
    mfa_secrets,
    oidc_assignments,
    oidc_authorize,
    oidc_clients,
    oidc_exchange,
    oidc_keys,
    oidc_providers,
    oidc_tokens,
)
from mockkms.vault.engines.identity.engine import engine

__all__ = [
    "aliases",
    "engine",
    "entities",
    "group_aliases",
    "groups",
    "lookup",
    "merge",
    "mfa_enforcements",
    "mfa_methods",
    "mfa_secrets",
    "oidc_assignments",
    "oidc_authorize",
    "oidc_clients",
    "oidc_exchange",
    "oidc_keys",
    "oidc_providers",
    "oidc_tokens",
]
