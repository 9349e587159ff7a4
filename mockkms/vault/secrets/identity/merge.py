"""``entity/merge``: merges entities with their aliases; their tokens become tokens of the remaining entity."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response
from mockkms.vault.golang.fmt import error_list, quote
from mockkms.vault.identity.checks import distinct
from mockkms.vault.identity.model import Alias, Entity, Group
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.identity import engine, mount_shown, own, store

merge = engine.path(
    "entity/merge[/]",
    fields={
        "from_entity_ids": Field(Kind.COMMA_STRINGS, help="Ids of the entities to merge; they are deleted."),
        "to_entity_id": Field(Kind.STRING, help="Id of the entity that is kept."),
        "conflicting_alias_ids_to_keep": Field(
            Kind.COMMA_STRINGS, help="Ids of the aliases to keep, of two on one mount."
        ),
        "force": Field(Kind.BOOL, help="Merge entities that both have an MFA secret of one method."),
    },
    help="Merge entities into one.",
    sudo=Feature.SUDO_FOR_MERGES,
    go_errors=True,
)


@merge.on(Operation.UPDATE)
def merge_entities(
    state: object,
    call: Call,
    *,
    to_entity_id: str,
    from_entity_ids: list[str],
    conflicting_alias_ids_to_keep: list[str],
    force: bool,
) -> Response | None:
    """Merge entities. Raises ErrorResponse; of aliases on one mount the response, with status 400, has a list."""
    if not to_entity_id:
        raise ErrorResponse("missing entity id to merge to")
    if not from_entity_ids:
        raise ErrorResponse("missing entity ids to merge from")
    identity = store(call)
    target = own(call, identity.state.entities, to_entity_id)
    if target is None:
        raise ErrorResponse("entity id to merge to is invalid")
    keep = conflicting_alias_ids_to_keep
    if len(from_entity_ids) > 1 and len(keep) > 1:
        raise ErrorResponse(
            "aliases conflicts cannot be resolved with multiple from entity ids - merge one entity at a time"
        )
    sources = [_source(call, target, entity_id) for entity_id in distinct(from_entity_ids)]
    refusal = None if keep else _clashes(call, target, sources)
    _check_mfa(target, sources, force=force)
    if refusal is not None:
        return refusal
    _check_choice(target, sources, keep)
    target.settle()
    groups: dict[str, Group] = {}
    for source in sources:
        groups.update({group.id: group for group in identity.leave_groups(source.id)})
        _absorb(call, target, source, keep)
    for group in groups.values():
        identity.join(group, target.id)
    identity.put_entity(target)
    return None


def _source(call: Call, target: Entity, entity_id: str) -> Entity:
    if entity_id == target.id:
        raise ErrorResponse("to_entity_id should not be present in from_entity_ids")
    source = own(call, store(call).state.entities, entity_id)
    if source is None:
        raise ErrorResponse("entity id to merge from is invalid")
    return source


def _clashes(call: Call, target: Entity, sources: list[Entity]) -> Response | None:
    texts: list[str] = []
    clashing: list[dict[str, str]] = []
    owners: dict[str, str] = {}
    for source in sources:
        for kept in target.aliases:
            for alias in source.aliases:
                if owners.setdefault(alias.mount_accessor, source.id) != source.id:
                    raise ErrorResponse(
                        f"mount accessor {alias.mount_accessor} found in multiple fromEntities, "
                        "merge should be done with one fromEntity at a time"
                    )
                if kept.mount_accessor == alias.mount_accessor:
                    texts.append(
                        f"mountAccessor: {kept.mount_accessor}, toEntity ID: {target.id}, "
                        f"fromEntity ID: {source.id}, conflicting toEntity alias ID: {kept.id}, "
                        f"conflicting fromEntity alias ID: {alias.id}"
                    )
                    clashing += [_clash(call, target, kept), _clash(call, source, alias)]
    if not texts:
        return None
    texts.insert(
        0,
        "toEntity and at least one fromEntity have aliases with the same mount accessor, "
        "repeat the merge request specifying exactly one fromEntity, clashes: ",
    )
    return Response(status=400, document={"errors": [error_list(texts)], "data": clashing})


def _clash(call: Call, entity: Entity, alias: Alias) -> dict[str, str]:
    mount = mount_shown(call, alias.mount_accessor)
    return {
        "alias": alias.name,
        "entity": entity.name,
        "entity_id": entity.id,
        "mount": mount.get("mount_type", ""),
        "mount_path": mount.get("mount_path", ""),
    }


def _check_mfa(target: Entity, sources: list[Entity], *, force: bool) -> None:
    for source in sources:
        for method in source.mfa:
            if method in target.mfa and not force:
                raise BackendError(f"conflicting MFA config ID {quote(method)} in entity ID {quote(source.id)}")


def _check_choice(target: Entity, sources: list[Entity], keep: list[str]) -> None:
    for source in sources:
        for alias in source.aliases:
            for kept in target.aliases:
                if kept.mount_accessor == alias.mount_accessor and kept.id not in keep and alias.id not in keep:
                    raise ErrorResponse(
                        "conflicting mount accessors in following alias IDs and neither were present in "
                        f"conflicting_alias_ids_to_keep: {alias.id}, {kept.id}"
                    )


def _absorb(call: Call, target: Entity, source: Entity, keep: list[str]) -> None:
    identity = store(call)
    source.settle()
    for alias in source.aliases:
        for kept in [present for present in target.aliases if present.mount_accessor == alias.mount_accessor]:
            if kept.id not in keep:
                identity.drop_alias(kept.id)
        alias.canonical_id = target.id
        alias.merged_from = [*(alias.merged_from or []), source.id]
        identity.put_alias(alias)
        target.aliases.append(alias)
    target.merged = [*(target.merged or []), *(source.merged or []), source.id]
    # With force, secrets of the source take precedence, contrary to the parameter's description.
    target.mfa.update(source.mfa)
    source.aliases = []
    identity.state.entities.pop(source.id, None)
