"""``entity-alias``: the names of entities on auth mounts; ``alias`` and ``persona`` are older names of it."""

from __future__ import annotations

from dataclasses import replace

from mockkms.vault.framework.custom_metadata import faults_of
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation
from mockkms.vault.golang.fmt import error_list, quote
from mockkms.vault.identity.model import Alias, Entity, settle_alias
from mockkms.vault.mounts.table import Mount
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.identity import (
    alias_shown,
    by_id,
    elsewhere,
    engine,
    listed,
    mount_shown,
    namespace_id,
    own,
    own_objects,
    store,
)
from mockkms.vault.secrets.identity.entities import save as save_entity

_ID = Field(Kind.STRING, help="Id of the alias to change.")
_FIELDS = {
    "entity_id": Field(Kind.STRING, deprecated=True, help="Older name of canonical_id."),
    "canonical_id": Field(Kind.STRING, help="Id of the entity that the alias belongs to; absent: a new one."),
    "mount_accessor": Field(Kind.STRING, help="Accessor of the auth mount."),
    "name": Field(Kind.STRING, help="Name of the entity there."),
}
_SOURCES = {
    "issuer": Field(Kind.STRING, help="Issuer of the alias.", needs=Feature.IDENTITY_SOURCES),
    "external_id": Field(Kind.STRING, help="Id of the alias at its issuer.", needs=Feature.IDENTITY_SOURCES),
}
_CUSTOM = {"custom_metadata": Field(Kind.KV_PAIRS, help="Names and texts.")}
_PERSONA = {
    "entity_id": Field(Kind.STRING, help="Entity that the persona belongs to."),
    "mount_accessor": Field(Kind.STRING, help="Accessor of the auth mount."),
    "name": Field(Kind.STRING, help="Name of the entity there."),
    "metadata": Field(Kind.KV_PAIRS, help="Names and texts."),
}

alias = engine.path(
    "entity-alias", fields={"id": _ID, **_FIELDS, **_CUSTOM, **_SOURCES}, help="Create an alias.", go_errors=True
)
one, ids = by_id("entity-alias", {**_FIELDS, **_CUSTOM, **_SOURCES}, "An alias by its id.")
old_alias = engine.path("alias", fields={"id": _ID, **_FIELDS, **_SOURCES}, help="Create an alias (older name).")
old_one, old_ids = by_id("alias", _FIELDS, "An alias by its id (older name).")
persona = engine.path("persona", fields={"id": _ID, **_PERSONA}, help="Create a persona (older name).", go_errors=True)
persona_one, persona_ids = by_id("persona", _PERSONA, "A persona by its id (older name).")


# On the real server a persona is written as an entity and read as an alias (recorded).
@persona.on(Operation.UPDATE)
@persona_one.on(Operation.UPDATE)
def write_persona(state: object, call: Call, *, name: str, metadata: dict[str, str] | None = None) -> Reply:
    """Create or change an entity. Raises ErrorResponse and BackendError."""
    return save_entity(call, name, metadata=metadata)


@alias.on(Operation.UPDATE)
@one.on(Operation.UPDATE)
def write(
    state: object,
    call: Call,
    *,
    name: str,
    mount_accessor: str,
    canonical_id: str,
    entity_id: str,
    custom_metadata: dict[str, str] | None = None,
) -> Reply:
    """Create an alias, or update the parameters that were sent. Raises ErrorResponse and BackendError."""
    faults = faults_of(custom_metadata or {})
    if faults:
        # One error gets the core's frame, several errors get one more.
        raise BackendError(faults[0] if len(faults) == 1 else error_list(faults))
    return _write(call, name, mount_accessor, canonical_id or entity_id, custom_metadata)


@old_alias.on(Operation.UPDATE)
@old_one.on(Operation.UPDATE)
def write_old(state: object, call: Call, *, name: str, mount_accessor: str, canonical_id: str, entity_id: str) -> Reply:
    """Create an alias, or update the parameters that were sent. Raises ErrorResponse and BackendError."""
    return _write(call, name, mount_accessor, canonical_id or entity_id, None)


def _write(call: Call, name: str, accessor: str, canonical: str, custom: dict[str, str] | None) -> Reply:
    """Create or change an alias; custom metadata that was not sent is None."""
    identity = store(call)
    sources: dict[str, str] = {source: call[source] for source in _SOURCES if source in call}
    empty: dict[str, str] | None = None if call.is_null("custom_metadata") else {}
    if call["id"]:
        stored = own(call, identity.state.aliases, call["id"])
        if stored is None:
            raise ErrorResponse("invalid alias ID provided")
        if not name and not accessor and not canonical and custom is None and not sources:
            return None
        changed = replace(stored)
        settle_alias(changed)
        kept = changed.custom_metadata if custom is None else custom or empty
        return _update(call, changed, canonical, name or stored.name, accessor or stored.mount_accessor, kept, sources)
    if not accessor or not name:
        raise ErrorResponse("'id' or 'mount_accessor' and 'name' must be provided")
    mount = _mount(call, accessor, "matching mount is in a different namespace than request")
    known = identity.by_factors(accessor, name)
    if known is not None:
        return _update(call, known, canonical, name, accessor, custom or empty, sources)
    return _create(call, canonical, name, accessor, mount, custom or empty, sources)


def _mount(call: Call, accessor: str, refusal: str) -> Mount:
    mount = call.core.state.mounts.by_accessor(accessor)
    if mount is None:
        raise ErrorResponse(f"invalid mount accessor {quote(accessor)}")
    if mount.namespace != call.request.namespace:
        raise elsewhere(refusal)
    return mount


def _create(
    call: Call,
    canonical: str,
    name: str,
    accessor: str,
    mount: Mount,
    custom: dict[str, str] | None,
    sources: dict[str, str],
) -> dict[str, object]:
    identity = store(call)
    namespace = call.request.namespace
    entity = own(call, identity.state.entities, canonical) if canonical else identity.new_entity(namespace)
    if entity is None:
        raise ErrorResponse("invalid canonical ID")
    if any(present.mount_accessor == accessor for present in entity.aliases):
        raise ErrorResponse(f"{_word(call)} already exists for requested entity and mount accessor")
    entity.settle()
    made = identity.new_alias(mount, name, entity.id)
    made.mount_accessor, made.custom_metadata = accessor, custom
    made.issuer, made.external_id = sources.get("issuer", ""), sources.get("external_id", "")
    entity.aliases.append(made)
    identity.put_alias(made)
    identity.put_entity(entity)
    return {"canonical_id": entity.id, "id": made.id}


def _update(
    call: Call,
    changed: Alias,
    canonical: str,
    name: str,
    accessor: str,
    custom: dict[str, str] | None,
    sources: dict[str, str],
) -> dict[str, object] | None:
    identity = store(call)
    moved = bool(canonical) and canonical != changed.canonical_id
    renamed = (name, accessor, custom or {}) != (changed.name, changed.mount_accessor, changed.custom_metadata or {})
    if not renamed and not moved and all(getattr(changed, word) == text for word, text in sources.items()):
        return None
    changed.updated = call.now()
    current = identity.state.entities.get(changed.canonical_id)
    if current is None:
        raise ErrorResponse("given alias is not associated with an entity")
    if accessor != changed.mount_accessor and not moved and _has(current, accessor):
        raise ErrorResponse(
            f"{_word(call)} cannot be updated as the entity already has an alias for the given 'mount_accessor' "
        )
    if renamed:
        _mount(call, accessor, "given mount accessor is not in the same namespace as the existing alias")
        clash = identity.by_factors(accessor, name)
        if clash is not None and clash.id != changed.id:
            raise ErrorResponse("alias with combination of mount accessor and name already exists")
    relocated = (name, accessor) != (changed.name, changed.mount_accessor)
    # As on the real server, an alias that was found by its name keeps these even if its move is refused below.
    changed.name, changed.mount_accessor = name, accessor
    if renamed:
        changed.custom_metadata = custom
    changed.issuer, changed.external_id = (
        sources.get(word, getattr(changed, word)) for word in ("issuer", "external_id")
    )
    mount = call.core.state.mounts.by_accessor(accessor)
    if mount is None:
        raise BackendError(f"invalid mount accessor {quote(accessor)}")
    if mount.local and not moved and relocated:
        # The real server looks for the alias by its new name, and adds one with that name.
        raise BackendError("duplicate identity name")
    target = _target(call, canonical, accessor, mount) if moved else current
    place = next((at for at, one in enumerate(current.aliases) if one.id == changed.id), len(current.aliases))
    current.aliases = [present for present in current.aliases if present.id != changed.id]
    current.settle()
    target.settle()
    # One that stays with its entity keeps its place.
    target.aliases.insert(len(target.aliases) if moved else place, changed)
    changed.canonical_id = target.id
    identity.put_alias(changed)
    return {"canonical_id": target.id, "id": changed.id}


def _word(call: Call) -> str:
    """Return the word as the start of an error message."""
    return "alias" if call.core.product.has(Feature.ALIAS_ISSUERS) else "Alias"


def _has(entity: Entity, accessor: str) -> bool:
    return any(alias.mount_accessor == accessor for alias in entity.aliases)


def _target(call: Call, canonical: str, accessor: str, mount: Mount) -> Entity:
    if mount.local:
        raise ErrorResponse("local aliases can't be moved between entities")
    entity = own(call, store(call).state.entities, canonical)
    if entity is None:
        raise ErrorResponse("given 'canonical_id' is not associated with an entity")
    if _has(entity, accessor):
        raise ErrorResponse(f"{_word(call)} cannot be updated as the given entity already has an alias for this mount ")
    return entity


@one.on(Operation.READ)
@old_one.on(Operation.READ)
@persona_one.on(Operation.READ)
def read(state: object, call: Call) -> dict[str, object] | None:
    """Return an alias."""
    return shown(call, own(call, store(call).state.aliases, call["id"]))


def shown(call: Call, alias: Alias | None) -> dict[str, object] | None:
    """Return an alias of an entity or a group as responses show it."""
    if alias is None:
        return None
    return {
        **alias_shown(call, alias),
        **(
            {"external_id": alias.external_id, "issuer": alias.issuer}
            if call.core.product.has(Feature.ALIAS_ISSUERS)
            else {}
        ),
        "custom_metadata": alias.custom_metadata,
        "local": alias.local,
        "namespace_id": namespace_id(call, alias.namespace),
    }


@one.on(Operation.DELETE)
@old_one.on(Operation.DELETE)
@persona_one.on(Operation.DELETE)
def delete(state: object, call: Call) -> None:
    """Remove an alias from its entity."""
    identity = store(call)
    found = own(call, identity.state.aliases, call["id"])
    if found is None:
        return
    entity = identity.state.entities.get(found.canonical_id)
    if entity is None:
        raise BackendError("alias not associated to an entity")
    entity.settle()
    entity.aliases = [present for present in entity.aliases if present.id != found.id]
    identity.drop_alias(found.id)


@ids.on(Operation.LIST)
@old_ids.on(Operation.LIST)
@persona_ids.on(Operation.LIST)
def list_ids(state: object, call: Call) -> dict[str, object]:
    """Return the ids of all aliases of the namespace."""
    return aliases_listed(call, store(call).state.aliases)


def aliases_listed(call: Call, aliases: dict[str, Alias]) -> dict[str, object]:
    """Return the aliases of the namespace, of entities or of groups, as a list."""
    info = {
        alias.id: {
            "name": alias.name,
            "canonical_id": alias.canonical_id,
            "mount_accessor": alias.mount_accessor,
            "custom_metadata": alias.custom_metadata,
            "metadata": alias.metadata,
            "local": alias.local,
            **mount_shown(call, alias.mount_accessor),
        }
        for alias in own_objects(call, aliases)
    }
    return listed(info)
