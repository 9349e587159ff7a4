"""The auth method ``aws``: settings, roles, role tags and lists as in Vault; logins are checked, and not carried out.

Rules: the API pages of the method, its published source, and recordings of roles and of logins without credentials.
"""

from mockkms.vault.auth.cloud.aws import accounts, config, lists, login, roles, tags
from mockkms.vault.auth.cloud.aws.engine import engine

__all__ = ["accounts", "config", "engine", "lists", "login", "roles", "tags"]
