"""``group``, ``group/id`` and ``group/name``: entities and groups that share policies."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation
from mockkms.vault.framework.records import Record, param
from mockkms.vault.framework.storage_keys import refuse_bytes
from mockkms.vault.golang.fmt import quote
from mockkms.vault.identity.checks import check_metadata, distinct, one_of_each_case, policy_names
from mockkms.vault.identity.group_index import GroupIndex
from mockkms.vault.identity.model import EXTERNAL, INTERNAL, Group
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.identity import (
    SCIM_CLIENT,
    alias_shown,
    alias_within,
    by_id,
    check_scim_client,
    engine,
    listed,
    names_of,
    namespace_id,
    own,
    own_objects,
    store,
)
from mockkms.world.clock import rfc3339

_ID = Field(Kind.STRING, help="Id of the group to change; absent: by name, or a new one.")


@dataclass
class GroupParams(Record):
    """The parameters of a group."""

    name: Annotated[str, param(Kind.STRING, help="Name, unique in any case; generated if absent.")] = ""
    type: Annotated[
        str, param(Kind.STRING, help="internal, or external: its members come from an auth method's groups.")
    ] = ""
    metadata: Annotated[dict[str, str], param(Kind.KV_PAIRS, help="Names and texts.")] = field(default_factory=dict)
    policies: Annotated[list[str], param(Kind.COMMA_STRINGS, help="Policies that the tokens of every member get.")] = (
        field(default_factory=list)
    )
    member_group_ids: Annotated[list[str], param(Kind.COMMA_STRINGS, help="Groups that are members.")] = field(
        default_factory=list
    )
    member_entity_ids: Annotated[list[str], param(Kind.COMMA_STRINGS, help="Entities that are members.")] = field(
        default_factory=list
    )


def _fields() -> dict[str, Field]:
    return {**GroupParams.fields(), "scim_client_id": SCIM_CLIENT}


def _fields_and_id() -> dict[str, Field]:
    return {"id": _ID, **_fields()}


group = engine.path("group", _fields_and_id, help="Create a group.", go_errors=True)
one, ids = by_id("group", _fields, "A group by its id.")
named = engine.path("group/name/{name:some}", _fields_and_id, help="A group by its name.", go_errors=True)
names = engine.path("group/name[/]", help="List the names of all groups.")


@group.on(Operation.UPDATE)
def register(state: object, call: Call, *, name: str | None = None) -> Reply:
    """Create a group, or change the one with this id or name."""
    if "id" in call:
        return _write_by_id(call)
    return _write(call, None) if name is None else _write_by_name(call, name)


@one.on(Operation.UPDATE)
def write(state: object, call: Call) -> Reply:
    """Update the parameters of a group that were sent."""
    return _write_by_id(call)


@named.on(Operation.UPDATE)
def write_named(state: object, call: Call, *, name: str) -> Reply:
    """Create a group, or change the one with this name."""
    return _write_by_name(call, name)


def _write_by_id(call: Call) -> Reply:
    if not call["id"]:
        raise ErrorResponse("empty group ID")
    found = own(call, store(call).state.groups, call["id"])
    if found is None:
        raise ErrorResponse("invalid group ID")
    return _write(call, found)


def _write_by_name(call: Call, name: str) -> Reply:
    if not name:
        raise ErrorResponse("empty group name")
    return _write(call, store(call).group_named(call.request.namespace, name))


def _write(call: Call, found: Group | None) -> Reply:
    identity, now = store(call), call.now()
    sent = GroupParams.from_call(call)
    lower = not call.core.product.has(Feature.IDENTITY_POLICY_CASE)
    policies = policy_names(one_of_each_case(sent.policies), lower=lower) if "policies" in call else None
    group_type = _type(sent.type if "type" in call else None, found)
    if sent.name:
        other = identity.group_named(call.request.namespace, sent.name)
        if other is not None and other is not found:
            raise ErrorResponse("group name is already in use")
    if group_type == EXTERNAL and "member_entity_ids" in call:
        raise ErrorResponse("member entities can't be set manually for external groups")
    if group_type == EXTERNAL and "member_group_ids" in call:
        raise ErrorResponse("member groups can't be set for external groups")
    check_scim_client(call, new=found is None)
    check_metadata("group", sent.metadata)
    kept = None if found is None else found.members
    members = checked_members(call, sent.member_entity_ids if "member_entity_ids" in call else kept)
    below = _groups(call, sent.member_group_ids, found) if "member_group_ids" in call else None
    changed = found or Group(
        identity.new_id(call.request.namespace),
        sent.name or identity.new_name("group", call.request.namespace),
        call.request.namespace,
        now,
        now,
    )
    changed.settle()
    changed.updated, changed.type, changed.name = now, group_type, sent.name or changed.name
    if policies is not None:
        changed.policies = policies
    if "metadata" in call:
        changed.metadata = None if call.is_null("metadata") else sent.metadata
    if members is not None:
        changed.members = members
    if below is not None:
        _set_member_groups(call, changed, below)
    changed.modify_index += 1
    refuse_bytes(call.request, "string field contains invalid UTF-8")
    identity.put_group(changed)
    return None if found else {"id": changed.id, "name": changed.name}


def _type(sent: str | None, found: Group | None) -> str:
    if sent is None:
        return found.type if found else INTERNAL
    if found is not None and sent != found.type:
        raise ErrorResponse("group type cannot be changed")
    if (sent or INTERNAL) not in (INTERNAL, EXTERNAL):
        raise ErrorResponse(f"invalid group type {quote(sent)}")
    return sent or INTERNAL


def checked_members(call: Call, sent: list[str] | None) -> list[str] | None:
    """Return ids of entities, those sent or those that the group has, sorted and each once.

    None is returned as it is. Raises BackendError if there is no such entity.
    """
    if sent is None:
        return None
    members = distinct(sent)
    for entity_id in members:
        if own(call, store(call).state.entities, entity_id) is None:
            raise BackendError(f"invalid entity ID {quote(entity_id)}")
    return members


def _groups(call: Call, sent: list[str], parent: Group | None) -> list[str]:
    identity = store(call)
    below = distinct(sent)
    for group_id in below:
        member = own(call, identity.state.groups, group_id)
        if member is None:
            raise BackendError(f"invalid member group ID {quote(group_id)}")
        if parent is None or parent.id in (member.parents or ()):
            continue
        if parent.id == group_id:
            raise BackendError(f"member group ID {quote(group_id)} is same as the ID of the group")
        if _reaches(identity.group_index, group_id, parent.id):
            raise ErrorResponse(f"cyclic relationship detected for member group ID {quote(group_id)}")
    return below


def _reaches(groups: GroupIndex, start: str, wanted: str) -> bool:
    seen: set[str] = set()
    queue = [start]
    while queue:
        group_id = queue.pop()
        if group_id == wanted:
            return True
        if group_id not in seen:
            seen.add(group_id)
            queue += groups.below(group_id)
    return False


def _set_member_groups(call: Call, parent: Group, below: list[str]) -> None:
    identity = store(call)
    inside = set(identity.group_index.below(parent.id))
    for member in [identity.state.groups[group_id] for group_id in sorted(inside ^ set(below))]:
        member.settle()
        others = [group_id for group_id in member.parents or () if group_id != parent.id]
        member.parents = others if member.id in inside else [*others, parent.id]
        member.modify_index += 1
        identity.put_group(member)


@one.on(Operation.READ)
def read(state: object, call: Call) -> dict[str, object] | None:
    """Return a group with its members."""
    return shown(call, own(call, store(call).state.groups, call["id"]))


@named.on(Operation.READ)
def read_named(state: object, call: Call, *, name: str) -> dict[str, object] | None:
    """Return a group by its name, in any case."""
    return shown(call, store(call).group_named(call.request.namespace, name))


def shown(call: Call, group: Group | None) -> dict[str, object] | None:
    """Return a group as responses show it."""
    if group is None:
        return None
    below = sorted(store(call).group_index.below(group.id))
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
    """Return the ids of all groups of the namespace."""
    return listed(_infos(call))


@names.on(Operation.LIST)
def list_names(state: object, call: Call) -> dict[str, object]:
    """Return the names of all groups of the namespace, in the order of their ids."""
    return names_of(_infos(call))


def _infos(call: Call) -> dict[str, dict[str, object]]:
    """Return the ``key_info`` of the namespace's groups, by id and in the order of ids."""
    info: dict[str, dict[str, object]] = {}
    for group in own_objects(call, store(call).state.groups):
        info[group.id] = {
            "name": group.name,
            "num_member_entities": len(group.members or ()),
            "num_parent_groups": len(group.parents or ()),
        }
        if group.alias is not None:
            info[group.id]["alias"] = alias_within(call, group.alias)
    return info
