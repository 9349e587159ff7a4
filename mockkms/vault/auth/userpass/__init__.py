"""Userpass: users with passwords, and their logins."""

from mockkms.vault.auth.userpass.endpoints import engine

__all__ = ["engine"]
