"""The SSH secrets engine: certificates for users and hosts, and one-time passwords."""

from __future__ import annotations

from mockkms.vault.secrets.ssh import issuers, otp, roles, signing
from mockkms.vault.secrets.ssh.engine import engine

__all__ = ["engine", "issuers", "otp", "roles", "signing"]
