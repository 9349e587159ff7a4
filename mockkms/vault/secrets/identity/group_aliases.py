"""``group-alias``: the names of external groups on auth mounts."""

from __future__ import annotations

from dataclasses import replace

from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation
from mockkms.vault.golang.fmt import quote
from mockkms.vault.identity.model import EXTERNAL, Alias, Group
from mockkms.vault.mounts.table import Mount
from mockkms.vault.secrets.identity import by_id, elsewhere, engine, own, store
from mockkms.vault.secrets.identity.aliases import aliases_listed, shown
from mockkms.vault.secrets.identity.groups import checked_members

_FIELDS = {
    "name": Field(Kind.STRING, help="Name of the group there."),
    "mount_accessor": Field(Kind.STRING, help="Accessor of the auth mount."),
    "canonical_id": Field(Kind.STRING, help="Id of the external group that the alias belongs to; absent: a new one."),
}

alias = engine.path(
    "group-alias",
    fields={"id": Field(Kind.STRING, help="Id of the alias to change."), **_FIELDS},
    help="Create a group alias.",
)
one, ids = by_id("group-alias", _FIELDS, "A group alias by its id.")


@alias.on(Operation.UPDATE)
def register(state: object, call: Call, *, name: str, mount_accessor: str, canonical_id: str) -> Reply:
    """Create a group alias, or change the one with this id."""
    found = _found(call) if "id" in call else None
    return _write(call, found, name, mount_accessor, canonical_id)


@one.on(Operation.UPDATE)
def write(state: object, call: Call, *, name: str, mount_accessor: str, canonical_id: str) -> Reply:
    """Change a group alias."""
    return _write(call, _found(call), name, mount_accessor, canonical_id)


def _found(call: Call) -> Alias:
    if not call["id"]:
        raise ErrorResponse("empty group alias ID")
    found = own(call, store(call).state.group_aliases, call["id"])
    if found is None:
        raise ErrorResponse("invalid group alias ID")
    return found


def _write(call: Call, found: Alias | None, name: str, accessor: str, canonical: str) -> Reply:
    identity = store(call)
    if not name:
        raise ErrorResponse("missing alias name")
    if not accessor:
        raise ErrorResponse("missing mount_accessor")
    unchanged = found is not None and (found.name, found.mount_accessor) == (name, accessor)
    if found is not None and unchanged and canonical in ("", found.canonical_id):
        return None
    target = _target(call, canonical) if canonical else None
    mount = _mount(call, accessor)
    clash = identity.group_by_factors(mount.accessor, name)
    if clash is not None and (found is None or clash.id != found.id):
        raise ErrorResponse("combination of mount and group alias name is already in use")
    previous = identity.state.groups.get(found.canonical_id) if found is not None else None
    if found is not None and previous is None:
        raise BackendError("group alias is not associated with a group")
    target = target or previous or _new_group(call)
    members = checked_members(call, target.members)
    if found is None:
        changed = identity.new_alias(mount, name, target.id)
        changed.mount_accessor = accessor
    else:
        changed = replace(found, name=name, mount_accessor=accessor, canonical_id=target.id, updated=call.now())
    if previous is not None and previous is not target:
        previous.settle()
        _set(call, previous, None)
    target.settle()
    target.members = members
    _set(call, target, changed)
    target.updated = call.now()
    return {"canonical_id": target.id, "id": changed.id}


def _target(call: Call, canonical: str) -> Group:
    target = own(call, store(call).state.groups, canonical)
    if target is None:
        raise ErrorResponse("invalid group ID given in 'canonical_id'")
    if target.type != EXTERNAL:
        raise ErrorResponse("alias can't be set on an internal group")
    return target


def _mount(call: Call, accessor: str) -> Mount:
    mount = call.core.state.mounts.by_accessor(accessor)
    if mount is None:
        raise ErrorResponse(f"invalid mount accessor {quote(accessor)}")
    if mount.local:
        raise ErrorResponse(f"mount accessor {quote(accessor)} is a local mount")
    if mount.namespace != call.request.namespace:
        raise elsewhere("mount referenced via 'mount_accessor' not in the same namespace as alias")
    return mount


def _new_group(call: Call) -> Group:
    identity, namespace, now = store(call), call.request.namespace, call.now()
    group_id = identity.new_id(namespace)
    group = Group(group_id, identity.new_name("group", namespace), namespace, now, now, type=EXTERNAL)
    identity.put_group(group)
    return group


def _set(call: Call, group: Group, alias: Alias | None) -> None:
    identity = store(call)
    if group.alias is not None:
        identity.state.group_aliases.pop(group.alias.id, None)
    group.alias = alias
    if alias is not None:
        identity.state.group_aliases[alias.id] = alias
    group.modify_index += 1
    identity.put_group(group)


@one.on(Operation.READ)
def read(state: object, call: Call) -> dict[str, object] | None:
    """Return a group alias."""
    return shown(call, own(call, store(call).state.group_aliases, call["id"]))


@one.on(Operation.DELETE)
def delete(state: object, call: Call) -> None:
    """Remove an alias from its group."""
    identity = store(call)
    found = own(call, identity.state.group_aliases, call["id"])
    if found is None:
        return
    group = identity.state.groups.get(found.canonical_id)
    if group is None:
        raise BackendError("alias not associated to a group")
    group.settle()
    _set(call, group, None)


@ids.on(Operation.LIST)
def list_ids(state: object, call: Call) -> dict[str, object]:
    """Return the ids of all group aliases of the namespace."""
    return aliases_listed(call, store(call).state.group_aliases)
