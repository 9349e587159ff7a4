"""``identity`` of world files: entities with their aliases, groups, the OIDC provider, and MFA."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Required, TypedDict

from mockkms.vault.framework.captured import CapturedMount
from mockkms.vault.framework.message import ErrorResponse
from mockkms.vault.framework.shapes.collections import Boolean, Choice, Key, Late, ListOf, MapOf, RecordShape, Text
from mockkms.vault.framework.world_section import Filling, Steps, WorldSection, items_at, list_at, mapping_at
from mockkms.vault.identity.model import Alias, Entity, Group
from mockkms.vault.kernel import seeding
from mockkms.vault.mounts.table import Mount
from mockkms.vault.secrets.identity.mfa import world as mfa
from mockkms.vault.secrets.identity.oidc import world as oidc
from mockkms.vault.secrets.identity.references import Kind, all_exist

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context

_SOURCES = ("issuer", "external_id")
_ALIAS: Mapping[str, Kind] = {"mount": "mount"}


class AliasSpec(TypedDict, total=False):
    """An alias: who an entity, or an external group, is on one auth method."""

    mount: Required[str]
    """The path of the auth mount: ``auth/userpass/``."""
    name: Required[str]
    custom_metadata: Mapping[str, str]
    issuer: str
    external_id: str


class EntitySpec(TypedDict, total=False):
    """An entity."""

    id: str
    policies: list[str]
    metadata: Mapping[str, str]
    disabled: bool
    aliases: list[AliasSpec]


class GroupSpec(TypedDict, total=False):
    """A group."""

    type: str
    policies: list[str]
    metadata: Mapping[str, str]
    members: list[str]
    """Names of entities."""
    groups: list[str]
    """Names of member groups, which are written before."""
    alias: AliasSpec
    """Of an external group."""


def _keys(_type: str) -> dict[str, Key]:
    texts = ListOf(Text(), single=True)
    mount = Key(Text(), "path of the auth method: auth/userpass/", required=True)
    name = Key(Text(), "name of the entity or group there", required=True)
    metadata = MapOf(Text())
    sources = {"issuer": Key(Text(), "issuer of the alias"), "external_id": Key(Text(), "id at the issuer")}
    alias = RecordShape({"mount": mount, "name": name, "custom_metadata": Key(metadata, "set by users"), **sources})
    entity = RecordShape(
        {
            "id": Key(Text(), "default: generated"),
            "policies": Key(texts, "names of policies"),
            "metadata": Key(metadata, "any texts"),
            "disabled": Key(Boolean(), "its tokens are refused"),
            "aliases": Key(ListOf(alias), "its names on auth methods"),
        }
    )
    group = RecordShape(
        {
            "type": Key(Choice(("internal", "external"), "group type"), "default: internal"),
            "policies": Key(texts, "names of policies"),
            "metadata": Key(metadata, "any texts"),
            "members": Key(texts, "names of entities"),
            "groups": Key(texts, "names of member groups, described before this one"),
            "alias": Key(RecordShape({"mount": mount, "name": name}), "of an external group"),
        }
    )
    return {
        "entities": Key(MapOf(entity), "by name"),
        "groups": Key(MapOf(group), "by name"),
        "oidc": Key(Late(oidc.shape), "the OIDC provider"),
        "mfa": Key(Late(mfa.shape), "multi-factor authentication at login"),
    }


def _fill(to: Filling, mount: Mount, spec: Mapping[str, Any]) -> None:
    core, namespace = to.core, mount.namespace
    for name, entity in (spec.get("entities") or {}).items():
        with to.guard("entities", name):
            aliases: Steps = ("entities", name, "aliases")
            known = [all_exist(to, namespace, (*aliases, at), one, _ALIAS) for at, one in items_at(entity, "aliases")]
            if all(known):
                add_entity(core, name, entity, namespace)
    groups = spec.get("groups") or {}
    for place, (name, group) in enumerate(groups.items()):
        with to.guard("groups", name):
            at: Steps = ("groups", name)
            known = [
                all_exist(to, namespace, at, group, {"members": "entity", "groups": "group"}, [*groups][place + 1 :]),
                all_exist(to, namespace, (*at, "alias"), mapping_at(group, "alias"), _ALIAS),
            ]
            if all(known):
                add_group(core, name, group, namespace)
    oidc.fill(to.below("oidc"), namespace, spec.get("oidc") or {})
    mfa.fill(to.below("mfa"), namespace, spec.get("mfa") or {})


def _dump(core: Context, mount: Mount) -> dict[str, object]:
    namespace = mount.namespace
    shown = {
        "entities": dump_entities(core, namespace),
        "groups": dump_groups(core, namespace),
        "oidc": oidc.dump(core, namespace),
        "mfa": mfa.dump(core, namespace),
    }
    return {word: found for word, found in shown.items() if found}


def add_entity(core: Context, name: str, spec: EntitySpec, namespace: str = "") -> Entity:
    """Write an entity. Raises VaultError with the server's text."""
    identity = core.identity
    data = {key: value for key, value in spec.items() if key in ("policies", "metadata", "disabled")}
    seeding.write(core, _mount(core, namespace, "identity/"), "entity", {"name": name, **data})
    entity = identity.entity_named(namespace, name)
    assert entity is not None
    if spec.get("id"):
        del identity.state.entities[entity.id]
        entity.id = str(spec["id"])
        identity.put_entity(entity)
    for alias in spec.get("aliases", ()):
        mount = _mount(core, namespace, alias["mount"])
        wanted: dict[str, object] = {
            "name": alias["name"],
            "mount_accessor": mount.accessor,
            "canonical_id": entity.id,
        }
        if alias.get("custom_metadata"):
            wanted["custom_metadata"] = dict(alias["custom_metadata"])
        wanted.update({word: text for word, text in alias.items() if word in _SOURCES and text})
        seeding.write(core, _mount(core, namespace, "identity/"), "entity-alias", wanted)
    return entity


def add_group(core: Context, name: str, spec: GroupSpec, namespace: str = "") -> Group:
    """Write a group. Raises VaultError with the server's text."""
    identity = core.identity
    data = {key: value for key, value in spec.items() if key in ("type", "policies", "metadata")}
    if "members" in spec:
        data["member_entity_ids"] = [_named(identity.entity_named(namespace, n), n) for n in spec["members"]]
    if "groups" in spec:
        data["member_group_ids"] = [_named(identity.group_named(namespace, n), n) for n in spec["groups"]]
    at = _mount(core, namespace, "identity/")
    seeding.write(core, at, "group", {"name": name, **data})
    group = identity.group_named(namespace, name)
    assert group is not None
    if "alias" in spec:
        mount = _mount(core, namespace, spec["alias"]["mount"])
        wanted = {"name": spec["alias"]["name"], "mount_accessor": mount.accessor, "canonical_id": group.id}
        seeding.write(core, at, "group-alias", wanted)
    return group


def _mount(core: Context, namespace: str, path: str) -> Mount:
    mount = core.state.mounts.get(namespace, path.rstrip("/") + "/")
    if mount is None:
        raise ErrorResponse(f"no mount at {path}")
    return mount


def _named(found: Entity | Group | None, name: str) -> str:
    if found is None:
        raise ErrorResponse(f"no entity or group is named {name}")
    return found.id


def dump_entities(core: Context, namespace: str = "") -> dict[str, dict[str, object]]:
    """Return every entity of a namespace by name, as ``add_entity`` reads it."""
    found = {}
    for entity in core.state.identity.entities.values():
        if entity.namespace == namespace:
            shown: dict[str, object] = {"id": entity.id, "policies": entity.policies, "metadata": entity.metadata}
            shown["disabled"] = entity.disabled
            shown["aliases"] = [_alias(core, alias) for alias in entity.aliases]
            found[entity.name] = {key: value for key, value in shown.items() if value}
    return dict(sorted(found.items()))


def dump_groups(core: Context, namespace: str = "") -> dict[str, dict[str, object]]:
    """Return every group of a namespace by name, as ``add_group`` reads it; member groups come first."""
    state = core.state.identity
    inside = [group for group in state.groups.values() if group.namespace == namespace]
    found: dict[str, dict[str, object]] = {}
    while len(found) < len(inside):
        for group in inside:
            below = [other for other in inside if group.id in (other.parents or ())]
            if group.name in found or any(other.name not in found for other in below):
                continue
            shown: dict[str, object] = {"type": group.type, "policies": group.policies, "metadata": group.metadata}
            if group.type == "internal":
                members = (state.entities.get(member_id) for member_id in group.members or ())
                shown["members"] = sorted(entity.name for entity in members if entity is not None)
                shown["groups"] = sorted(other.name for other in below)
            shown["alias"] = _alias(core, group.alias) if group.alias else None
            found[group.name] = {key: value for key, value in shown.items() if value}
    return found


def _alias(core: Context, alias: Alias) -> dict[str, object]:
    mount = core.state.mounts.by_accessor(alias.mount_accessor)
    shown: dict[str, object] = {"mount": mount.path if mount else "", "name": alias.name}
    if alias.custom_metadata:
        shown["custom_metadata"] = dict(alias.custom_metadata)
    shown.update({word: text for word in _SOURCES if (text := getattr(alias, word))})
    return shown


def _captured(server: CapturedMount) -> dict[str, object]:
    """Return entities and groups with their aliases."""
    entities: dict[str, object] = {}
    groups: dict[str, Mapping[str, object]] = {}
    for name in server.names_of_ids("entity").values():
        data = server.read(f"entity/name/{name}") or {}
        aliases = [_captured_alias(one) for one in list_at(data, "aliases") if isinstance(one, Mapping)]
        shown = {word: data[word] for word in ("policies", "metadata", "disabled") if data.get(word)}
        entities[name] = {**shown, **({"aliases": aliases} if aliases else {})}
    for name in server.names_of_ids("group").values():
        groups[name] = server.read(f"group/name/{name}") or {}
    found = {"entities": entities, "groups": _captured_groups(server, groups)}
    return {word: value for word, value in found.items() if value}


def _captured_groups(server: CapturedMount, groups: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    """Return groups, member groups first."""
    found: dict[str, object] = {}
    waiting = list(groups)
    while waiting:
        ready = [name for name in waiting if not _names_in(server, "group", groups[name]) & {*waiting} - {name}]
        for name in ready or waiting:
            found[name] = _captured_group(server, groups[name])
        waiting = [name for name in waiting if name not in found]
    return found


def _captured_group(server: CapturedMount, data: Mapping[str, object]) -> dict[str, object]:
    shown: dict[str, object] = {word: data[word] for word in ("policies", "metadata") if data.get(word)}
    if data.get("type") == "external":
        alias = data.get("alias")
        shown["type"] = "external"
        return {**shown, "alias": _captured_alias(alias)} if isinstance(alias, Mapping) and alias else shown
    for word, kind in (("members", "entity"), ("groups", "group")):
        names = sorted(_names_in(server, kind, data))
        if names:
            shown[word] = names
    return shown


def _names_in(server: CapturedMount, kind: str, data: Mapping[str, object]) -> set[str]:
    known = server.names_of_ids(kind)
    return {known[str(one)] for one in list_at(data, f"member_{kind}_ids") if str(one) in known}


def _captured_alias(data: Mapping[str, object]) -> dict[str, object]:
    custom = data.get("custom_metadata")
    shown = {"mount": data.get("mount_path", ""), "name": data.get("name", "")}
    return {**shown, "custom_metadata": custom} if custom else shown


section = WorldSection(_keys, _fill, _dump, help="entities and groups", capture=_captured)
