"""``mfa/login-enforcement``: whose logins need a second proof, and by which methods."""

from __future__ import annotations

from collections.abc import Callable

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation
from mockkms.vault.identity.mfa import Enforcement
from mockkms.vault.secrets.identity import engine, listed, namespace_id, own, store

one = engine.path(
    "mfa/login-enforcement/{name}",
    {
        "name": Field(Kind.STRING, help="Name of the enforcement."),
        "mfa_method_ids": Field(Kind.STRING_SLICE, help="Ids of the methods, any of which will do."),
        "auth_method_accessors": Field(Kind.STRING_SLICE, help="Logins on the auth mounts with these accessors."),
        "auth_method_types": Field(Kind.STRING_SLICE, help="Logins on auth mounts of these types."),
        "identity_group_ids": Field(Kind.STRING_SLICE, help="Logins of members of these groups."),
        "identity_entity_ids": Field(Kind.STRING_SLICE, help="Logins of these entities."),
    },
    help="A login enforcement.",
)
listing = engine.path("mfa/login-enforcement[/]", help="List the login enforcements.")


def shown(call: Call, one: Enforcement) -> dict[str, object]:
    """An enforcement as it is answered."""
    return {
        "id": one.id,
        "name": one.name,
        "namespace_path": one.namespace,
        "namespace_id": namespace_id(call, one.namespace),
        "mfa_method_ids": one.method_ids,
        "auth_method_accessors": one.accessors,
        "auth_method_types": one.types,
        "identity_group_ids": one.group_ids,
        "identity_entity_ids": one.entity_ids,
    }


@listing.on(Operation.LIST)
def list_enforcements(state: object, call: Call) -> dict[str, object]:
    """Those of the namespace."""
    found = {one.name: one for one in call.core.mfa.enforcements() if one.namespace == call.request.namespace}
    return listed({name: shown(call, one) for name, one in found.items()})


@one.on(Operation.READ)
def read(state: object, call: Call, *, name: str) -> dict[str, object] | None:
    """One of the namespace."""
    found = call.core.mfa.enforcement(call.request.namespace, name)
    return shown(call, found) if found else None


@one.on(Operation.DELETE)
def delete(state: object, call: Call, *, name: str) -> None:
    """Its logins need no second proof any more."""
    if call.core.mfa.enforcement(call.request.namespace, name) is not None:
        del call.core.mfa.state(call.request.namespace).enforcements[name]


@one.on(Operation.UPDATE)
def write(state: object, call: Call, *, mfa_method_ids: list[str]) -> None:
    """Make one, or change what was sent of one; the methods have to be named each time."""
    own, name = call.request.namespace, call["name"]
    found = call.core.mfa.enforcement(own, name)
    changed = Enforcement(**vars(found)) if found else Enforcement(call.core.entropy.uuid(), name, own)
    if "mfa_method_ids" not in call:
        raise ErrorResponse("missing method ids")
    _check_methods(call)
    changed.method_ids = mfa_method_ids
    subjects = ("auth_method_accessors", "auth_method_types", "identity_group_ids", "identity_entity_ids")
    for word, put in zip(subjects, ("accessors", "types", "group_ids", "entity_ids"), strict=True):
        if word in call:
            known, fault = _KNOWN[word](call)
            if not all(item in known for item in call[word]):
                raise ErrorResponse(fault)
            setattr(changed, put, call[word])
    if not any(word in call for word in subjects):
        raise ErrorResponse(f"One of {', '.join(subjects)} must be specified")
    call.core.mfa.state(own).enforcements[name] = changed


def _check_methods(call: Call) -> None:
    for method_id in call["mfa_method_ids"]:
        if not method_id:
            raise BackendError("missing config id")
        method = call.core.mfa.method(method_id)
        if method is None:
            raise ErrorResponse("one of the provided method ids doesn't exist")
        if not call.request.namespace.startswith(method.namespace):
            raise ErrorResponse("one of the provided method ids is in an incompatible namespace and can't be used")


def _accessors(call: Call) -> tuple[set[str], str]:
    mounts = call.core.state.mounts.of(call.request.namespace, auth=True)
    return {mount.accessor for mount in mounts}, "one of the auth method accessors provided is invalid"


def _types(call: Call) -> tuple[set[str], str]:
    mounts = call.core.state.mounts.of(call.request.namespace, auth=True)
    return {mount.type for mount in mounts}, "one of the auth method types provided is invalid"


def _groups(call: Call) -> tuple[set[str], str]:
    groups = store(call).state.groups
    found = {group_id for group_id in groups if own(call, groups, group_id)}
    return found, "one of the provided group ids doesn't exist"


def _entities(call: Call) -> tuple[set[str], str]:
    entities = store(call).state.entities
    found = {entity_id for entity_id in entities if own(call, entities, entity_id)}
    return found, "one of the provided entity ids doesn't exist"


_KNOWN: dict[str, Callable[[Call], tuple[set[str], str]]] = {
    "auth_method_accessors": _accessors,
    "auth_method_types": _types,
    "identity_group_ids": _groups,
    "identity_entity_ids": _entities,
}
"""What may be named under each parameter, and the refusal of anything else."""
