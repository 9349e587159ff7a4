"""``lookup/entity`` and ``lookup/group``: find an object by its id, its name, or an alias."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation
from mockkms.vault.secrets.identity import engine, entities, groups, own, store

_QUERY = {
    "id": Field(Kind.STRING, help="Id."),
    "name": Field(Kind.STRING, help="Name."),
    "alias_id": Field(Kind.STRING, help="Id of an alias."),
    "alias_name": Field(Kind.STRING, help="Name of an alias, together with alias_mount_accessor."),
    "alias_mount_accessor": Field(Kind.STRING, help="Accessor of the mount of that alias."),
}

entity = engine.path("lookup/entity", fields=_QUERY, help="Find an entity.")
group = engine.path("lookup/group", fields=_QUERY, help="Find a group.")


@entity.on(Operation.UPDATE)
def find_entity(
    state: object, call: Call, *, name: str, alias_id: str, alias_mount_accessor: str, alias_name: str
) -> Reply:
    """Return the entity that the query means, or None."""
    _check(call, alias_name, alias_mount_accessor)
    identity = store(call)
    known = identity.state.entities
    if call["id"]:
        return entities.shown(call, known.get(call["id"]))
    if name:
        return entities.shown(call, identity.entity_named(call.request.namespace, name))
    alias = identity.state.aliases.get(alias_id) if alias_id else identity.by_factors(alias_mount_accessor, alias_name)
    return entities.shown(call, known.get(alias.canonical_id)) if alias is not None else None


@group.on(Operation.UPDATE)
def find_group(
    state: object, call: Call, *, name: str, alias_id: str, alias_mount_accessor: str, alias_name: str
) -> Reply:
    """Return the group that the query means, or None."""
    _check(call, alias_name, alias_mount_accessor)
    identity = store(call)
    known = identity.state.groups
    if call["id"]:
        return groups.shown(call, own(call, known, call["id"]))
    if name:
        return groups.shown(call, identity.group_named(call.request.namespace, name))
    if alias_id:
        alias = identity.state.group_aliases.get(alias_id)
    else:
        alias = identity.group_by_factors(alias_mount_accessor, alias_name)
    return groups.shown(call, own(call, known, alias.canonical_id)) if alias is not None else None


def _check(call: Call, alias_name: str, accessor: str) -> None:
    count = sum(name in call for name in _QUERY)
    if count == 0:
        raise ErrorResponse("query parameter not supplied")
    if count == 1 and (alias_name or accessor):
        raise ErrorResponse("both 'alias_name' and 'alias_mount_accessor' needs to be set")
    if count > 1 and not (count == 2 and alias_name and accessor):
        raise ErrorResponse("query parameter conflict; please supply distinct set of query parameters")
