"""The AppRole auth method: one file per family of endpoints."""

from __future__ import annotations

from mockkms.vault.auth.approle import fields, login, role, secretid
from mockkms.vault.auth.approle.model import engine

__all__ = ["engine", "fields", "login", "role", "secretid"]
