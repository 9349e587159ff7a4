"""Entities, aliases and groups, which identify clients across auth methods, and login MFA."""

from mockkms.vault.identity.model import Alias, Entity, Group, IdentityState
from mockkms.vault.identity.store import IdentityStore

__all__ = ["Alias", "Entity", "Group", "IdentityState", "IdentityStore"]
