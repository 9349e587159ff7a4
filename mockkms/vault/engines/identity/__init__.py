"""Identity: one file for each family of endpoints."""

from mockkms.vault.engines.identity import (
    aliases,
    entities,
    group_aliases,
    groups,
    lookup,
    merge,
    oidc_keys,
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
    "oidc_keys",
    "oidc_tokens",
]
