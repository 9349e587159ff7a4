"""``entity``, ``entity/id``, ``entity/name`` and ``entity/batch-delete``: the clients; ``persona`` is an old name."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response
from mockkms.vault.framework.storage_keys import refuse_bytes
from mockkms.vault.identity.checks import check_metadata, distinct, policy_names
from mockkms.vault.identity.model import Alias, Entity
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

_ID = Field(Kind.STRING, help="Id of the entity to change; absent: by name, or a new one.")
_NAME = Field(Kind.STRING, help="Name, unique in any case; generated if absent.")
_SETTINGS = {
    "metadata": Field(Kind.KV_PAIRS, help="Names and texts."),
    "policies": Field(Kind.COMMA_STRINGS, help="Policies that every token of the entity gets."),
    "disabled": Field(Kind.BOOL, help="Tokens of a disabled entity are refused."),
}
_PROVISIONED = {
    "scim_client_id": SCIM_CLIENT,
    "external_id": Field(Kind.STRING, help="Id of the entity at its source.", needs=Feature.IDENTITY_SOURCES),
}

_FIELDS = {"name": _NAME, **_SETTINGS, **_PROVISIONED}

entity = engine.path("entity", fields={"id": _ID, **_FIELDS}, help="Create an entity.", go_errors=True)
named = engine.path(
    "entity/name/{name:some}", fields={"id": _ID, **_FIELDS}, help="An entity by its name.", go_errors=True
)
one, ids = by_id("entity", _FIELDS, "An entity by its id.")
batch_delete = engine.path(
    "entity/batch-delete",
    fields={"entity_ids": Field(Kind.COMMA_STRINGS, help="Ids of the entities to delete.")},
    help="Delete several entities.",
    go_errors=True,
)
names = engine.path("entity/name[/]", help="List the names of all entities.")


@entity.on(Operation.UPDATE)
@named.on(Operation.UPDATE)
@one.on(Operation.UPDATE)
def write(
    state: object,
    call: Call,
    *,
    name: str,
    policies: list[str] | None = None,
    metadata: dict[str, str] | None = None,
    disabled: bool | None = None,
) -> Reply:
    """Create or change an entity. Raises ErrorResponse and BackendError."""
    return save(call, name, policies, metadata, disabled)


def save(
    call: Call,
    name: str,
    policies: list[str] | None = None,
    metadata: dict[str, str] | None = None,
    disabled: bool | None = None,
) -> Reply:
    """Create the entity that ``name`` and the parameter ``id`` identify, or set its values that are not None.

    Raises ErrorResponse and BackendError.
    """
    identity = store(call)
    found = _meant(call, name)
    lower = not call.core.product.has(Feature.IDENTITY_POLICY_CASE)
    names = None if policies is None else policy_names(policies, lower=lower)
    check_scim_client(call, new=found is None)
    check_metadata("entity", metadata)
    changed = found or identity.new_entity(call.request.namespace, name)
    if found is not None:
        found.settle()
        found.updated = call.now()
        found.name = name or found.name
    if names is not None:
        changed.policies = names
    if metadata is not None:
        changed.metadata = None if call.is_null("metadata") else metadata
    if disabled is not None:
        changed.disabled = disabled
    if call.get("external_id") and (found is None or call["id"]):
        changed.external_id = call["external_id"]
    refuse_bytes(call.request, "failed to marshal entity: string field contains invalid UTF-8")
    identity.put_entity(changed)
    if found is None:
        return {"aliases": None, "id": changed.id, "name": changed.name}
    return Response() if call.core.product.has(Feature.IDENTITY_ANSWERS) else None


def _meant(call: Call, name: str) -> Entity | None:
    identity, namespace = store(call), call.request.namespace
    found = None
    if call["id"]:
        found = own(call, identity.state.entities, call["id"])
        if found is None:
            named = f": {call['id']}" if call.core.product.has(Feature.IDENTITY_ANSWERS) else ""
            raise ErrorResponse(f"entity not found from id{named}")
    if call.get("external_id"):
        found = identity.entity_from_source(namespace, call["external_id"]) or found
    if name:
        by_name = identity.entity_named(namespace, name)
        if by_name is not None and found is not None and found.id != by_name.id:
            named = f" '{name}'" if call.core.product.has(Feature.IDENTITY_ANSWERS) else ""
            raise ErrorResponse(f"entity name{named} is already in use")
        found = found or by_name
    return found


@one.on(Operation.READ)
def read(state: object, call: Call) -> dict[str, object] | None:
    """Return an entity with its aliases and groups."""
    return shown(call, store(call).state.entities.get(call["id"]))


@named.on(Operation.READ)
def read_named(state: object, call: Call, *, name: str) -> dict[str, object] | None:
    """Return an entity by its name, in any case."""
    return shown(call, store(call).entity_named(call.request.namespace, name))


def shown(call: Call, entity: Entity | None) -> dict[str, object] | None:
    """Return an entity as responses show it; None if it is not of the request's namespace."""
    if entity is None or entity.namespace != call.request.namespace:
        return None
    identity = store(call)
    direct = identity.direct_groups(entity.id)
    direct_ids = [group.id for group in direct]
    inherited_ids = [group.id for group in identity.inherited_groups(direct)]
    return {
        "aliases": [
            {**alias_shown(call, alias), "custom_metadata": alias.custom_metadata, "local": alias.local}
            for alias in entity.aliases
        ],
        "creation_time": rfc3339(entity.created),
        "direct_group_ids": direct_ids,
        "disabled": entity.disabled,
        "group_ids": direct_ids + inherited_ids,
        "id": entity.id,
        "inherited_group_ids": inherited_ids,
        "last_update_time": rfc3339(entity.updated),
        "merged_entity_ids": entity.merged,
        "metadata": entity.metadata,
        "name": entity.name,
        "namespace_id": namespace_id(call, entity.namespace),
        "policies": distinct(entity.policies),
    }


@one.on(Operation.DELETE)
def delete(state: object, call: Call) -> None:
    """Delete an entity; its tokens are refused from now on."""
    _delete(call, store(call).state.entities.get(call["id"]))


@named.on(Operation.DELETE)
def delete_named(state: object, call: Call, *, name: str) -> None:
    """Delete an entity by its name."""
    _delete(call, store(call).entity_named(call.request.namespace, name))


@batch_delete.on(Operation.UPDATE)
def delete_batch(state: object, call: Call, *, entity_ids: list[str]) -> None:
    """Delete several entities; ignore unknown ids."""
    if not entity_ids:
        raise ErrorResponse("missing entity ids to delete")
    for entity_id in entity_ids:
        if not entity_id:
            raise BackendError("missing entity id")
        _delete(call, store(call).state.entities.get(entity_id))


def _delete(call: Call, entity: Entity | None) -> None:
    if entity is not None and entity.namespace == call.request.namespace:
        store(call).delete_entity(entity)


@ids.on(Operation.LIST)
def list_ids(state: object, call: Call) -> dict[str, object]:
    """Return the ids of all entities of the namespace."""
    return listed(_infos(call))


@names.on(Operation.LIST)
def list_names(state: object, call: Call) -> dict[str, object]:
    """Return the names of all entities of the namespace, in the order of their ids."""
    return names_of(_infos(call))


def _infos(call: Call) -> dict[str, dict[str, object]]:
    """Return the ``key_info`` of the namespace's entities, by id and in the order of ids."""
    return {entity.id: _listed(call, entity) for entity in own_objects(call, store(call).state.entities)}


def _listed(call: Call, entity: Entity) -> dict[str, object]:
    timed = call.core.product.has(Feature.ENTITY_TIMES_LISTED)
    info: dict[str, object] = {"name": entity.name}
    if timed:
        info |= {"disabled": entity.disabled, **_times(entity)}
    if entity.aliases:
        info["aliases"] = [alias_within(call, alias) | (_times(alias) if timed else {}) for alias in entity.aliases]
    return info


def _times(made: Entity | Alias) -> dict[str, object]:
    return {"creation_time": rfc3339(made.created), "last_update_time": rfc3339(made.updated)}
