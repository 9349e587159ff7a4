"""The token auth method, ``auth/token/``: one file per family of endpoints."""

from __future__ import annotations

from mockkms.vault.auth.token import create, lookup, renew, revoke, roles
from mockkms.vault.auth.token.model import engine

__all__ = ["create", "engine", "lookup", "renew", "revoke", "roles"]
