"""``group``, ``group/id`` and ``group/name``: entities and groups that share policies."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation
from mockkms.vault.identity import Group
from mockkms.vault.identity.checks import check_metadata, distinct, policy_names
from mockkms.vault.identity.model import EXTERNAL, INTERNAL
from mockkms.vault.secrets.identity import (
    SCIM_CLIENT,
    alias_shown,
    by_id,
    engine,
    listed,
    mount_shown,
    names_of,
    namespace_id,
    own,
    store,
)
from mockkms.world.clock import rfc3339

_ID = Field(Kind.STRING, help="Group to change; without it one is made or found by name.")
_NAME = Field(Kind.STRING, help="Name, unique in any case; generated if absent.")
_SETTINGS = {
    "type": Field(Kind.STRING, help="internal, or external: its members come from an auth method's groups."),
    "metadata": Field(Kind.KV_PAIRS, help="Names and texts of your own."),
    "policies": Field(Kind.COMMA_STRINGS, help="Policies that every member's tokens have."),
    "member_group_ids": Field(Kind.COMMA_STRINGS, help="Groups that are members."),
    "member_entity_ids": Field(Kind.COMMA_STRINGS, help="Entities that are members."),
    "scim_client_id": SCIM_CLIENT,
}

group = engine.path("group", fields={"id": _ID, "name": _NAME, **_SETTINGS}, help="Create a group.")
one, ids = by_id("group", {"name": _NAME, **_SETTINGS}, "A group by its id.")
named = engine.path(
    "group/name/{name:some}", fields={"id": _ID, "name": _NAME, **_SETTINGS}, help="A group by its name."
)
names = engine.path("group/name[/]", help="List the names of all groups.")


@group.on(Operation.UPDATE)
def register(state: object, call: Call) -> dict[str, object] | None:
    """Make a group, or change the one with this id or name."""
    if "id" in call:
        return _write_by_id(call)
    return _write_by_name(call) if "name" in call else _write(call, None)


@one.on(Operation.UPDATE)
def write(state: object, call: Call) -> dict[str, object] | None:
    """Change what was sent of a group."""
    return _write_by_id(call)


def _write_by_id(call: Call) -> dict[str, object] | None:
    if not call["id"]:
        raise ErrorResponse("empty group ID")
    found = own(call, store(call).state.groups, call["id"])
    if found is None:
        raise ErrorResponse("invalid group ID")
    return _write(call, found)


@named.on(Operation.UPDATE)
def write_named(state: object, call: Call) -> dict[str, object] | None:
    """Make a group, or change the one with this name."""
    return _write_by_name(call)


def _write_by_name(call: Call) -> dict[str, object] | None:
    if not call["name"]:
        raise ErrorResponse("empty group name")
    return _write(call, store(call).group_named(call.request.namespace, call["name"]))


def _write(call: Call, found: Group | None) -> dict[str, object] | None:
    identity, now = store(call), call.now()
    policies = policy_names(call["policies"]) if "policies" in call else None
    group_type = _type(call, found)
    if call["name"]:
        other = identity.group_named(call.request.namespace, call["name"])
        if other is not None and other is not found:
            raise ErrorResponse("group name is already in use")
    if group_type == EXTERNAL and "member_entity_ids" in call:
        raise ErrorResponse("member entities can't be set manually for external groups")
    if group_type == EXTERNAL and "member_group_ids" in call:
        raise ErrorResponse("member groups can't be set for external groups")
    check_metadata("group", call.get("metadata"))
    members = _entities(call) if "member_entity_ids" in call else None
    below = _groups(call, found) if "member_group_ids" in call else None
    changed = found or Group(
        identity.new_id(call.request.namespace),
        call["name"] or identity.new_name("group", call.request.namespace),
        call.request.namespace,
        now,
        now,
    )
    changed.settle()
    changed.updated, changed.type, changed.name = now, group_type, call["name"] or changed.name
    if policies is not None:
        changed.policies = policies
    if "metadata" in call:
        changed.metadata = call["metadata"]
    if members is not None:
        changed.members = members
    if below is not None:
        _set_member_groups(call, changed, below)
    changed.modify_index += 1
    identity.state.groups[changed.id] = changed
    identity.changed()
    return None if found else {"id": changed.id, "name": changed.name}


def _type(call: Call, found: Group | None) -> str:
    group_type: str = call.get("type", found.type if found else INTERNAL)
    if found is not None and group_type != found.type:
        raise ErrorResponse("group type cannot be changed")
    group_type = group_type or INTERNAL
    if group_type not in (INTERNAL, EXTERNAL):
        raise ErrorResponse(f'invalid group type "{group_type}"')
    return group_type


def _entities(call: Call) -> list[str]:
    members = distinct(call["member_entity_ids"])
    for entity_id in members:
        if own(call, store(call).state.entities, entity_id) is None:
            raise BackendError(f'invalid entity ID "{entity_id}"')
    return members


def _groups(call: Call, parent: Group | None) -> list[str]:
    groups = store(call).state.groups
    below = distinct(call["member_group_ids"])
    for group_id in below:
        member = own(call, groups, group_id)
        if member is None:
            raise BackendError(f'invalid member group ID "{group_id}"')
        if parent is None or parent.id in (member.parents or ()):
            continue
        if parent.id == group_id:
            raise BackendError(f'member group ID "{group_id}" is same as the ID of the group')
        if _reaches(groups, group_id, parent.id):
            raise ErrorResponse(f'cyclic relationship detected for member group ID "{group_id}"')
    return below


def _reaches(groups: dict[str, Group], start: str, wanted: str) -> bool:
    seen: set[str] = set()
    queue = [start]
    while queue:
        group_id = queue.pop()
        if group_id == wanted:
            return True
        if group_id not in seen:
            seen.add(group_id)
            queue += [group.id for group in groups.values() if group_id in (group.parents or ())]
    return False


def _set_member_groups(call: Call, parent: Group, below: list[str]) -> None:
    for member in store(call).state.groups.values():
        inside = parent.id in (member.parents or ())
        if inside != (member.id in below):
            member.settle()
            others = [group_id for group_id in member.parents or () if group_id != parent.id]
            member.parents = others if inside else [*others, parent.id]
            member.modify_index += 1


@one.on(Operation.READ)
def read(state: object, call: Call) -> dict[str, object] | None:
    """A group with its members."""
    return shown(call, own(call, store(call).state.groups, call["id"]))


@named.on(Operation.READ)
def read_named(state: object, call: Call, *, name: str) -> dict[str, object] | None:
    """A group by its name, in any case."""
    return shown(call, store(call).group_named(call.request.namespace, name))


def shown(call: Call, group: Group | None) -> dict[str, object] | None:
    """A group as it is answered."""
    if group is None:
        return None
    below = sorted(g.id for g in store(call).state.groups.values() if group.id in (g.parents or ()))
    return {
        "alias": alias_shown(call, group.alias) if group.alias else {},
        "creation_time": rfc3339(group.created),
        "id": group.id,
        "last_update_time": rfc3339(group.updated),
        "member_entity_ids": group.members,
        "member_group_ids": below or None,
        "metadata": group.metadata,
        "modify_index": group.modify_index,
        "name": group.name,
        "namespace_id": namespace_id(call, group.namespace),
        "parent_group_ids": group.parents,
        "policies": group.policies,
        "type": group.type,
    }


@one.on(Operation.DELETE)
def delete(state: object, call: Call) -> None:
    """Delete a group."""
    _delete(call, own(call, store(call).state.groups, call["id"]))


@named.on(Operation.DELETE)
def delete_named(state: object, call: Call, *, name: str) -> None:
    """Delete a group by its name."""
    _delete(call, store(call).group_named(call.request.namespace, name))


def _delete(call: Call, group: Group | None) -> None:
    if group is not None:
        store(call).delete_group(group)


@ids.on(Operation.LIST)
def list_ids(state: object, call: Call) -> dict[str, object]:
    """The ids of all groups of the namespace."""
    return listed(_infos(call))


@names.on(Operation.LIST)
def list_names(state: object, call: Call) -> dict[str, object]:
    """The names of all groups of the namespace, in the order of their ids, and nothing more."""
    return names_of(_infos(call))


def _infos(call: Call) -> dict[str, dict[str, object]]:
    """Return what lists say of each group of the namespace, by id and in the order of ids."""
    groups = [g for g in store(call).state.groups.values() if g.namespace == call.request.namespace]
    groups.sort(key=lambda group: group.id)
    info: dict[str, dict[str, object]] = {}
    for group in groups:
        info[group.id] = {
            "name": group.name,
            "num_member_entities": len(group.members or ()),
            "num_parent_groups": len(group.parents or ()),
        }
        if group.alias is not None:
            info[group.id]["alias"] = {
                "id": group.alias.id,
                "name": group.alias.name,
                "mount_accessor": group.alias.mount_accessor,
                **mount_shown(call, group.alias.mount_accessor),
            }
    return info
