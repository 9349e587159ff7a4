"""The token auth method, ``auth/token/``: one file per family of endpoints."""

from __future__ import annotations

from mockkms.vault.auth.token.model import engine
from mockkms.vault.framework.loading import load_endpoints

load_endpoints(__name__, "create", "lookup", "renew", "revoke", "roles")

__all__ = ["engine"]
