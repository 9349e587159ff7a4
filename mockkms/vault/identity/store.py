"""The identity store: look-ups, and changes that keep entities, aliases and groups consistent."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mockkms.vault.framework.message import LoginAlias, PermissionDenied
from mockkms.vault.identity.checks import check_metadata, without_one
from mockkms.vault.identity.group_index import GroupIndex
from mockkms.vault.identity.model import EXTERNAL, Alias, Entity, Group, IdentityState
from mockkms.vault.mounts.table import Mount
from mockkms.vault.products.features import Feature
from mockkms.vault.telemetry.events import namespace_label

if TYPE_CHECKING:
    from typing import Protocol

    from mockkms.vault.framework.context import Environment, WithNamespaces

    class IdentityServices(Environment, WithNamespaces, Protocol):
        """What the identity store needs of the server."""


class IdentityStore:
    """Entities, their aliases, and groups. Look-ups by tokens and policies are cached until something changes."""

    def __init__(self, core: IdentityServices) -> None:
        self.core = core
        self._cache: dict[str, dict[str, list[str]]] = {}
        self._cached: tuple[IdentityState | None, int] = (None, 0)
        self._named: IdentityState | None = None
        self._names: dict[tuple[str, str], str] = {}
        """Ids of entities by namespace and name in lower case, in the state ``_named``; old names may be among them."""
        self._absorbed: dict[str, str] = {}
        """Ids of entities by those of the entities that were merged into them, as old as ``_names``."""
        self._index = GroupIndex(())
        self._indexed: tuple[IdentityState | None, int] = (None, 0)
        """The state, and its generation, to which ``_index`` belongs."""

    @property
    def state(self) -> IdentityState:
        """The identity data of the current state."""
        return self.core.state.identity

    @property
    def generation(self) -> int:
        """A counter that increases with every change."""
        return self.state.generation

    def changed(self) -> None:
        """Drop the caches; to be called after every change of an entity or alias that is not put."""
        current = self._is_indexed
        self.state.generation += 1
        if current:
            self._indexed = (self.state, self.state.generation)

    @property
    def _is_indexed(self) -> bool:
        return self._indexed[0] is self.state and self._indexed[1] == self.state.generation

    @property
    def group_index(self) -> GroupIndex:
        """The index of the groups, made when it is first needed in a state."""
        if not self._is_indexed:
            self._index = GroupIndex(self.state.groups.values())
            self._indexed = (self.state, self.state.generation)
        return self._index

    def _find_entities(self) -> None:
        """Make the tables of entities by name, if the state was replaced."""
        if self._named is self.state:
            return
        self._named, self._names, self._absorbed = self.state, {}, {}
        for entity in self.state.entities.values():
            self._names[entity.namespace, entity.name.lower()] = entity.id
            self._absorbed.update(dict.fromkeys(entity.merged or (), entity.id))

    # -- for tokens and policies ---------------------------------------------------------------------------------

    def entity(self, entity_id: str) -> Entity | None:
        """Return the entity with this id, or the one it was merged into."""
        found = self.state.entities.get(entity_id)
        if found is None and entity_id:
            self._find_entities()
            found = self.state.entities.get(self._absorbed.get(entity_id, ""))
        return found

    def entity_in(self, entity_id: str, namespace: str) -> Entity | None:
        """Return the entity with this id if it is of a namespace; those of others and merged ones are unknown there."""
        found = self.state.entities.get(entity_id)
        return found if found is not None and found.namespace == namespace else None

    def policies_of(self, entity_id: str) -> dict[str, list[str]]:
        """Return the policies that an entity has directly, and those that it has through its groups, by namespace."""
        stamp = (self.state, self.state.generation)
        if self._cached[0] is not stamp[0] or self._cached[1] != stamp[1]:
            self._cache, self._cached = {}, stamp
        known = self._cache.get(entity_id)
        if known is None:
            known = self._cache[entity_id] = self._derive(entity_id)
        return known

    def _derive(self, entity_id: str) -> dict[str, list[str]]:
        entity = self.entity(entity_id)
        if entity is None:
            return {}
        names: dict[str, list[str]] = {}
        if entity.policies:
            names[entity.namespace] = list(entity.policies)
        of_groups: dict[str, set[str]] = {}
        for group in self.groups_of(entity.id):
            if group.policies:
                of_groups.setdefault(group.namespace, set()).update(group.policies)
        for namespace, found in of_groups.items():
            names.setdefault(namespace, []).extend(sorted(found))
        return names

    def groups_of(self, entity_id: str) -> list[Group]:
        """Return the groups of an entity: first those with it as a member, then the groups that contain them."""
        direct = self.direct_groups(entity_id)
        return direct + self.inherited_groups(direct)

    def direct_groups(self, entity_id: str) -> list[Group]:
        """Return the groups with the entity as a direct member, by id."""
        return [self.state.groups[group_id] for group_id in sorted(self.group_index.of_member(entity_id))]

    def inherited_groups(self, direct: list[Group]) -> list[Group]:
        """Return the groups that contain these, at any depth."""
        seen = {group.id for group in direct}
        found: list[Group] = []
        queue = list(direct)
        while queue:
            for parent_id in queue.pop(0).parents or ():
                parent = self.state.groups.get(parent_id)
                if parent is not None and parent.id not in seen:
                    seen.add(parent.id)
                    found.append(parent)
                    queue.append(parent)
        return found

    def login(
        self,
        mount: Mount,
        alias: LoginAlias,
        group_aliases: list[LoginAlias],
        custom_metadata: dict[str, str] | None = None,
    ) -> str:
        """Return the id of the entity behind a proven alias, created now if it is new; external groups follow.

        ``alias`` and ``group_aliases`` hold ``name`` and perhaps ``metadata``; ``custom_metadata`` is for an alias that
        this login creates. Raises ErrorResponse 403 for a disabled entity, BackendError for a new alias's metadata.
        """
        metadata = alias.get("metadata") or None
        known = self.by_factors(mount.accessor, alias["name"])
        entity = self.state.entities.get(known.canonical_id) if known is not None else None
        if entity is None or known is None:
            check_metadata("alias", metadata)  # The real server does not check what replaces the metadata of an alias.
            entity = self.new_entity(mount.namespace)
            known = self.new_alias(mount, alias["name"], entity.id, metadata)
            known.custom_metadata = dict(custom_metadata) if custom_metadata else None
            entity.aliases.append(known)
            self.put_alias(known)
            self.put_entity(entity)
            self.core.events.count(
                "identity.entity.creation",
                namespace=namespace_label(mount.namespace), auth_method=mount.type, mount_point=mount.path,
            )  # fmt: skip
        elif (known.metadata or None) != metadata:
            entity.settle()
            known.metadata, known.updated = metadata, self.core.clock.now()
            self.changed()
        if entity.disabled:
            raise PermissionDenied
        self.follow_groups(entity.id, mount, group_aliases)
        return entity.id

    def follow_groups(self, entity_id: str, mount: Mount, group_aliases: list[LoginAlias]) -> None:
        """Make an entity a member of exactly those external groups of a mount that ``group_aliases`` name.

        Names without a group are removed from the list, so that a renewal looks up the others only. If the entity is a
        member already, a group that is named more than once lists it once more.
        """
        named = [(item, self.group_with_alias(mount.accessor, str(item["name"]))) for item in group_aliases]
        group_aliases[:] = [item for item, group in named if group is not None]
        wanted = Counter(group.id for _item, group in named if group is not None and group.type == EXTERNAL)
        for group in self.direct_groups(entity_id):
            of_mount = group.alias is None or group.alias.mount_accessor == mount.accessor
            times = wanted.pop(group.id, 0)
            if times > 1:
                # As on the real server, which compares the memberships with one of the names only.
                self.join(group, entity_id)
            elif not times and group.type == EXTERNAL and of_mount:
                self._set_members(group, without_one(group.members, entity_id))
        for group_id in wanted:
            self.join(self.state.groups[group_id], entity_id)

    def _set_members(self, group: Group, members: list[str]) -> None:
        group.settle()
        group.members = members
        group.modify_index += 1
        self.put_group(group)

    def leave_groups(self, entity_id: str) -> list[Group]:
        """Remove an entity from its groups, once from each; return these groups."""
        left = self.direct_groups(entity_id)
        for group in left:
            self._set_members(group, without_one(group.members, entity_id))
        return left

    def join(self, group: Group, entity_id: str) -> None:
        """Make an entity the last member of a group, which may list it before."""
        self._set_members(group, [*(group.members or ()), entity_id])

    # -- look-ups -----------------------------------------------------------------------------------------------

    def by_factors(self, accessor: str, name: str) -> Alias | None:
        """Return the entity alias with this name on this mount; names are compared in lower case."""
        return self.state.aliases.get(self.state.factors.get((accessor, name.lower()), ""))

    def entity_named(self, namespace: str, name: str) -> Entity | None:
        """Return the entity with this name in a namespace, ignoring case."""
        key = (namespace, name.lower())
        self._find_entities()
        found = self.state.entities.get(self._names.get(key, ""))
        return found if found is not None and (found.namespace, found.name.lower()) == key else None

    def entity_from_source(self, namespace: str, external_id: str) -> Entity | None:
        """Return the entity of a namespace that has this id at its source."""
        entities = self.state.entities.values()
        return next((made for made in entities if (made.namespace, made.external_id) == (namespace, external_id)), None)

    def group_named(self, namespace: str, name: str) -> Group | None:
        """Return the group with this name in a namespace, ignoring case."""
        return self.state.groups.get(self.group_index.named(namespace, name))

    def group_with_alias(self, accessor: str, name: str) -> Group | None:
        """Return the group whose alias has this name on this mount."""
        return self.state.groups.get(self.group_index.with_alias(accessor, name))

    def group_by_factors(self, accessor: str, name: str) -> Alias | None:
        """Return the group alias with this name on this mount."""
        found = self.group_with_alias(accessor, name)
        return None if found is None else found.alias

    # -- making -------------------------------------------------------------------------------------------------

    def new_id(self, namespace: str) -> str:
        """Return a new id, with the namespace's suffix outside the root namespace."""
        drawn = self.core.entropy.uuid()
        return f"{drawn}.{self.core.namespaces.id_of(namespace)}" if namespace else drawn

    def new_name(self, kind: str, namespace: str) -> str:
        """Return a generated name such as ``entity_1a2b3c4d``, with the id of its namespace if the product adds it."""
        ending = f".{self.core.namespaces.id_of(namespace)}"
        named = self.core.product.has(Feature.NAMES_IN_NAMESPACE)
        return f"{kind}_{self.core.entropy.hex(4)}{ending if named else ''}"

    def new_entity(self, namespace: str, name: str = "") -> Entity:
        """Create an entity without storing it."""
        now = self.core.clock.now()
        entity_id = self.new_id(namespace)
        return Entity(entity_id, name or self.new_name("entity", namespace), namespace, now, now)

    def new_alias(self, mount: Mount, name: str, canonical_id: str, metadata: dict[str, str] | None = None) -> Alias:
        """Create an alias without storing it."""
        now = self.core.clock.now()
        alias_id = self.new_id(mount.namespace)
        return Alias(
            alias_id, name, mount.accessor, canonical_id, mount.namespace, now, now, metadata, local=mount.local
        )

    def put_entity(self, entity: Entity) -> None:
        """Store an entity. Raises BackendError for its metadata."""
        check_metadata("entity", entity.metadata)
        self.state.entities[entity.id] = entity
        if self._named is self.state:
            self._names[entity.namespace, entity.name.lower()] = entity.id
            self._absorbed.update(dict.fromkeys(entity.merged or (), entity.id))
        self.changed()

    def put_group(self, group: Group) -> None:
        """Store a group, or what changed of it."""
        self.state.groups[group.id] = group
        self.group_index.put(group)
        self.changed()

    def put_alias(self, alias: Alias) -> None:
        """Store an entity alias, replacing its entry under an earlier name."""
        previous = self.state.aliases.get(alias.id)
        if previous is not None and self.state.factors.get(alias.factors) != alias.id:
            self._forget_name(previous)
        self.state.aliases[alias.id] = alias
        self.state.factors[alias.factors] = alias.id
        self.changed()

    def drop_alias(self, alias_id: str) -> None:
        """Forget an entity alias."""
        dropped = self.state.aliases.pop(alias_id, None)
        if dropped is not None:
            self._forget_name(dropped)
            self.changed()

    def _forget_name(self, alias: Alias) -> None:
        """Forget by which name an alias is found. The name may have changed since it was put."""
        factors = self.state.factors
        if factors.get(alias.factors) == alias.id:
            del factors[alias.factors]
            return
        for key in [key for key, known_id in factors.items() if known_id == alias.id]:
            del factors[key]

    def delete_entity(self, entity: Entity) -> None:
        """Forget an entity, its aliases and its memberships."""
        self.leave_groups(entity.id)
        for alias in entity.aliases:
            self.drop_alias(alias.id)
        self.state.entities.pop(entity.id, None)
        self.changed()

    def delete_group(self, group: Group) -> None:
        """Forget a group and its alias."""
        if group.alias is not None:
            self.state.group_aliases.pop(group.alias.id, None)
        self.group_index.drop(group.id)
        self.state.groups.pop(group.id, None)
        self.changed()

    def forget_namespace(self, namespace: str) -> None:
        """Remove the identity data of a namespace that is being deleted."""
        for entity in [e for e in self.state.entities.values() if e.namespace == namespace]:
            self.delete_entity(entity)
        for group in [g for g in self.state.groups.values() if g.namespace == namespace]:
            self.delete_group(group)
        self.state.oidc.pop(namespace, None)
        self.state.mfa.pop(namespace, None)
