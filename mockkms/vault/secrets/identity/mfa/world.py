"""``identity.mfa`` of world files: methods by name, enforcements, keys of entities, and the answers of the services."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Required, TypedDict, TypeVar

from mockkms.crypto.encoding import b64
from mockkms.vault.framework.message import ErrorResponse
from mockkms.vault.framework.shapes.collections import Choice, Key, ListOf, MapOf, RecordShape, Tagged, Text
from mockkms.vault.framework.shapes.parameters import parameters
from mockkms.vault.framework.world_section import Filling
from mockkms.vault.identity.mfa.model import DUO, OKTA, PINGID, TOTP, Enforcement, MfaMethod, MfaState, Secret
from mockkms.vault.identity.mfa.services import ANSWERS
from mockkms.vault.kernel import seeding
from mockkms.vault.mounts.table import Mount
from mockkms.vault.secrets.identity.references import Kind, all_exist

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context

_TYPES = ("totp", "duo", "okta", "pingid")
_NAMED: Mapping[str, Kind] = {"methods": "method", "mounts": "mount", "groups": "group", "entities": "entity"}
_PINGID = ("use_base64_key", "use_signature", "token", "idp_url", "org_alias", "admin_url", "authenticator_url")


_Found = TypeVar("_Found")


class EnforcementSpec(TypedDict, total=False):
    """An enforcement: names of methods, one of which suffices, and the logins that require one."""

    methods: Required[list[str]]
    mounts: list[str]
    """Paths of auth mounts: ``auth/userpass/``."""
    types: list[str]
    """Types of auth methods."""
    groups: list[str]
    """Names."""
    entities: list[str]
    """Names."""


def _base32(text: str) -> str | None:
    try:
        base64.b32decode(text + "=" * (-len(text) % 8))
    except (binascii.Error, ValueError):
        return "not base32 without padding"
    return None


def shape() -> RecordShape:
    """Return the shape of ``identity.mfa``."""
    texts = ListOf(Text(), single=True)
    variants = {method_type: parameters("identity", f"mfa/method/{method_type}") for method_type in _TYPES}
    for keys in variants.values():
        del keys["method_name"]
    method = Tagged("type", variants, {"id": Key(Text(), "default: generated")}, "MFA method")
    enforcement = RecordShape(
        {
            "methods": Key(texts, "names of methods; one of them suffices", required=True),
            "mounts": Key(texts, "logins on these auth methods: auth/userpass/"),
            "types": Key(texts, "logins on auth methods of these types"),
            "groups": Key(texts, "logins of members of groups with these names"),
            "entities": Key(texts, "logins of entities with these names"),
        }
    )
    return RecordShape(
        {
            "services": Key(Choice(ANSWERS, "answer"), "what Duo, Okta and PingID answer; default: unreachable"),
            "methods": Key(MapOf(method), "by name"),
            "enforcements": Key(MapOf(enforcement), "by name"),
            "keys": Key(MapOf(MapOf(Text("base32", _base32))), "TOTP keys by method and entity, by name"),
        }
    )


def fill(to: Filling, namespace: str, spec: Mapping[str, Any]) -> None:
    """Write the MFA of a namespace."""
    core = to.core
    if spec.get("services"):
        core.mfa.state(namespace).services = spec["services"]
    for name, one in (spec.get("methods") or {}).items():
        with to.guard("methods", name):
            add_method(core, namespace, name, one)
    for name, one in (spec.get("enforcements") or {}).items():
        with to.guard("enforcements", name):
            if all_exist(to, namespace, ("enforcements", name), one, _NAMED):
                add_enforcement(core, namespace, name, one)
    for name, keys in (spec.get("keys") or {}).items():
        for entity, key in keys.items():
            with to.guard("keys", name, entity):
                add_key(core, namespace, name, entity, key)


def _identity(core: Context, namespace: str) -> Mount:
    mount = core.state.mounts.get(namespace, "identity/")
    assert mount is not None
    return mount


def _method(core: Context, namespace: str, name: str) -> MfaMethod:
    methods = core.mfa.state(namespace).methods.values()
    found = next((one for one in methods if one.name == name), None)
    if found is None:
        raise ErrorResponse(f'no MFA method is named "{name}"')
    return found


def add_method(core: Context, namespace: str, name: str, spec: Mapping[str, object]) -> MfaMethod:
    """Write a method: its ``type``, the parameters of that type, and perhaps ``id``. Raises VaultError."""
    data = {key: value for key, value in spec.items() if key not in ("type", "id")}
    seeding.write(core, _identity(core, namespace), f"mfa/method/{spec['type']}", {**data, "method_name": name})
    method = _method(core, namespace, name)
    if spec.get("id"):
        methods = core.mfa.state(namespace).methods
        del methods[method.id]
        method.id = str(spec["id"])
        methods[method.id] = method
    return method


def add_enforcement(core: Context, namespace: str, name: str, spec: EnforcementSpec) -> Enforcement:
    """Write an enforcement. Raises VaultError."""
    identity, mounts = core.identity, core.state.mounts
    data: dict[str, object] = {"mfa_method_ids": [_method(core, namespace, one).id for one in spec["methods"]]}
    if "mounts" in spec:
        found = [(path, mounts.get(namespace, path.rstrip("/") + "/")) for path in spec["mounts"]]
        data["auth_method_accessors"] = [_there(mount, path).accessor for path, mount in found]
    if "types" in spec:
        data["auth_method_types"] = spec["types"]
    if "groups" in spec:
        data["identity_group_ids"] = [_there(identity.group_named(namespace, n), n).id for n in spec["groups"]]
    if "entities" in spec:
        data["identity_entity_ids"] = [_there(identity.entity_named(namespace, n), n).id for n in spec["entities"]]
    seeding.write(core, _identity(core, namespace), f"mfa/login-enforcement/{name}", data)
    return core.mfa.state(namespace).enforcements[name]


def _there(found: _Found | None, name: str) -> _Found:
    if found is None:
        raise ErrorResponse(f"not found: {name}")
    return found


def add_key(core: Context, namespace: str, name: str, entity_name: str, key: str) -> None:
    """Give an entity its key (base32 without padding) of a TOTP method. Raises ErrorResponse."""
    method = _method(core, namespace, name)
    entity = _there(core.identity.entity_named(namespace, entity_name), entity_name)
    if method.type != TOTP:
        raise ErrorResponse(f"the method {name} cannot have keys: its type is not totp")
    config = method.config
    core.mfa.state(namespace).keys[method.id, entity.id] = key
    entity.mfa[method.id] = Secret(name, config["period"], config["digits"], config["skew"], config["algorithm"])
    core.identity.changed()


def dump(core: Context, namespace: str) -> dict[str, object]:
    """Describe the MFA of a namespace; what lacks a name is left to the exact part of a dump."""
    state = core.state.identity.mfa.get(namespace, MfaState())
    named = {method.id: method.name for method in state.methods.values() if method.name}
    shown: dict[str, object] = {"services": state.services} if state.services != "unreachable" else {}
    shown["methods"] = {
        m.name: _method_shown(m) for m in sorted(state.methods.values(), key=lambda m: m.name) if m.name
    }
    shown["enforcements"] = {
        name: _enforcement_shown(core, one, named)
        for name, one in sorted(state.enforcements.items())
        if all(method_id in named for method_id in one.method_ids)
    }
    keys: dict[str, dict[str, str]] = {}
    for (method_id, entity_id), key in state.keys.items():
        entity = core.state.identity.entities.get(entity_id)
        if method_id in named and entity is not None and method_id in entity.mfa:
            keys.setdefault(named[method_id], {})[entity.name] = key
    return {word: found for word, found in {**shown, "keys": keys}.items() if found}


def _method_shown(method: MfaMethod) -> dict[str, object]:
    config = dict(method.config)
    if method.type == PINGID:
        lines = [f"{word}={str(config[word]).lower() if word == 'use_signature' else config[word]}" for word in _PINGID]
        config = {"settings_file_base64": b64.encode("\n".join(lines).encode())}
    elif method.type == OKTA and not config["base_url"]:
        del config["base_url"]
    elif method.type == OKTA:
        del config["production"]
    shown = {"type": method.type, "id": method.id, **config}
    if method.type in (OKTA, DUO, PINGID) and method.username_format:
        shown["username_format"] = method.username_format
    return shown


def _enforcement_shown(core: Context, one: Enforcement, named: Mapping[str, str]) -> dict[str, object]:
    identity, mounts = core.state.identity, core.state.mounts
    found = [mounts.by_accessor(accessor) for accessor in one.accessors]
    groups = [identity.groups.get(object_id) for object_id in one.group_ids]
    entities = [identity.entities.get(object_id) for object_id in one.entity_ids]
    shown: dict[str, object] = {"methods": [named[object_id] for object_id in one.method_ids], "types": one.types}
    shown["mounts"] = [mount.path for mount in found if mount is not None]
    shown["groups"] = [group.name for group in groups if group is not None]
    shown["entities"] = [entity.name for entity in entities if entity is not None]
    if not any(shown[word] for word in ("types", "mounts", "groups", "entities")):
        return {"methods": shown["methods"], "types": []}
    return {word: names for word, names in shown.items() if names or word == "methods"}
