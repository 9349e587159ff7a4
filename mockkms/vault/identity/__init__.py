"""Who the clients are, whichever way they log in: entities, aliases, groups."""

from mockkms.vault.identity.model import Alias, Entity, Group, IdentityState
from mockkms.vault.identity.store import IdentityStore

__all__ = ["Alias", "Entity", "Group", "IdentityState", "IdentityStore"]
