"""An index of the groups: by name, by alias, by member and by parent, so that logins do not look at every group."""

from __future__ import annotations

from collections.abc import Iterable, KeysView
from dataclasses import dataclass

from mockkms.vault.identity.model import Group


@dataclass(frozen=True, slots=True)
class _Entry:
    """What the index knows of a group."""

    name: tuple[str, str]
    alias: tuple[str, str] | None
    members: tuple[str, ...]
    parents: tuple[str, ...]


class GroupIndex:
    """The groups of all namespaces. A group that was changed has to be put in again."""

    def __init__(self, groups: Iterable[Group]) -> None:
        self._entries: dict[str, _Entry] = {}
        self._names: dict[tuple[str, str], str] = {}
        self._aliases: dict[tuple[str, str], str] = {}
        self._of_member: dict[str, dict[str, None]] = {}
        self._below: dict[str, dict[str, None]] = {}
        for group in groups:
            self.put(group)

    def put(self, group: Group) -> None:
        """Take in a group, or what changed of it."""
        self.drop(group.id)
        entry = _Entry(
            (group.namespace, group.name.lower()),
            None if group.alias is None else group.alias.factors,
            tuple(group.members or ()),
            tuple(group.parents or ()),
        )
        self._entries[group.id] = entry
        self._names.setdefault(entry.name, group.id)
        if entry.alias is not None:
            self._aliases[entry.alias] = group.id
        for where, keys in ((self._of_member, entry.members), (self._below, entry.parents)):
            for key in keys:
                where.setdefault(key, {})[group.id] = None

    def drop(self, group_id: str) -> None:
        """Leave out a group, if it is known."""
        entry = self._entries.pop(group_id, None)
        if entry is None:
            return
        if self._names.get(entry.name) == group_id:
            del self._names[entry.name]
        if entry.alias is not None and self._aliases.get(entry.alias) == group_id:
            del self._aliases[entry.alias]
        for where, keys in ((self._of_member, entry.members), (self._below, entry.parents)):
            for key in keys:
                found = where.get(key, {})
                found.pop(group_id, None)
                if not found:
                    where.pop(key, None)

    def named(self, namespace: str, name: str) -> str:
        """Return the id of the group with this name, ignoring case; empty without one."""
        return self._names.get((namespace, name.lower()), "")

    def with_alias(self, accessor: str, name: str) -> str:
        """Return the id of the group whose alias has this name on this mount; empty without one."""
        return self._aliases.get((accessor, name.lower()), "")

    def of_member(self, entity_id: str) -> KeysView[str]:
        """Return the ids of the groups with this entity as a direct member."""
        return self._of_member.get(entity_id, {}).keys()

    def below(self, group_id: str) -> KeysView[str]:
        """Return the ids of the groups that are direct members of this one."""
        return self._below.get(group_id, {}).keys()
