"""Entities, aliases and groups as plain data. Times are seconds since the epoch, namespaces ``""`` or ``a/b/``."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from mockkms.lazy_dataclass import dataclass
from mockkms.vault.identity.mfa.model import MfaState, Secret
from mockkms.world.stored import stored

INTERNAL = "internal"
EXTERNAL = "external"


@stored("identity.Alias")
@dataclass
class Alias:
    """The name of an entity or an external group on one auth mount."""

    id: str
    name: str
    mount_accessor: str
    canonical_id: str
    """Id of the entity or group."""
    namespace: str
    created: float
    updated: float
    metadata: dict[str, str] | None = None
    """Set by the auth method at login."""
    custom_metadata: dict[str, str] | None = None
    """Set by users."""
    merged_from: list[str] | None = None
    """Ids of the entities that this alias belonged to before merges."""
    local: bool = False
    issuer: str = ""
    external_id: str = ""
    """Where the alias comes from, and its id there; they are only shown."""

    @property
    def factors(self) -> tuple[str, str]:
        """The unique key of an alias: mount accessor and name in lower case."""
        return self.mount_accessor, self.name.lower()


@stored("identity.Entity")
@dataclass
class Entity:
    """One client, across auth methods."""

    id: str
    name: str
    namespace: str
    created: float
    updated: float
    metadata: dict[str, str] | None = None
    policies: list[str] = field(default_factory=list)
    disabled: bool = False
    aliases: list[Alias] = field(default_factory=list)
    merged: list[str] | None = None
    """Ids of the entities that were merged into this one; their tokens live on as this entity's."""
    mfa: dict[str, Secret] = field(default_factory=dict)
    """MFA secrets by method id."""
    external_id: str = ""
    """Its id at its source, by which writes find it; it is not shown."""

    def settle(self) -> None:
        """Turn empty maps into null, as the real server does when it copies a stored object to change it."""
        self.metadata = self.metadata or None
        for alias in self.aliases:
            settle_alias(alias)


@stored("identity.Group")
@dataclass
class Group:
    """Entities and groups that share policies."""

    id: str
    name: str
    namespace: str
    created: float
    updated: float
    type: str = INTERNAL
    policies: list[str] | None = None
    members: list[str] | None = None
    """Entity ids."""
    parents: list[str] | None = None
    """Ids of the groups that this one is a member of."""
    metadata: dict[str, str] | None = None
    alias: Alias | None = None
    modify_index: int = 0

    def settle(self) -> None:
        """Turn empty maps and lists into null, as the real server does before a change."""
        self.metadata = self.metadata or None
        self.policies = self.policies or None
        self.members = self.members or None
        self.parents = self.parents or None
        if self.alias is not None:
            settle_alias(self.alias)


def settle_alias(alias: Alias) -> None:
    """Turn empty maps into null."""
    alias.metadata = alias.metadata or None
    alias.custom_metadata = alias.custom_metadata or None
    alias.merged_from = alias.merged_from or None


@stored("identity.IdentityState")
@dataclass
class IdentityState:
    """The identity data of all namespaces."""

    entities: dict[str, Entity] = field(default_factory=dict)
    aliases: dict[str, Alias] = field(default_factory=dict)
    factors: dict[tuple[str, str], str] = field(default_factory=dict)
    """Alias id by (mount accessor, name in lower case)."""
    groups: dict[str, Group] = field(default_factory=dict)
    group_aliases: dict[str, Alias] = field(default_factory=dict)
    generation: int = 0
    """Counts changes, so that what is derived from them can be cached."""
    oidc: dict[str, Any] = field(default_factory=dict)
    """The OIDC token service by namespace; its model is the identity engine's."""
    mfa: dict[str, MfaState] = field(default_factory=dict)
    """MFA by namespace."""
