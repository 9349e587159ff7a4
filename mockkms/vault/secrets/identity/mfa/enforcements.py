"""``mfa/login-enforcement``: which logins require MFA, and by which methods."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation
from mockkms.vault.identity.mfa.model import Enforcement
from mockkms.vault.secrets.identity import engine, listed, namespace_id, store

one = engine.path(
    "mfa/login-enforcement/{name}",
    {
        "name": Field(Kind.STRING, help="Name of the enforcement."),
        "mfa_method_ids": Field(Kind.STRING_SLICE, help="Ids of the methods; one of them suffices."),
        "auth_method_accessors": Field(Kind.STRING_SLICE, help="Accessors of auth mounts: logins on them."),
        "auth_method_types": Field(Kind.STRING_SLICE, help="Types of auth methods: logins on their mounts."),
        "identity_group_ids": Field(Kind.STRING_SLICE, help="Ids of groups: logins of their members."),
        "identity_entity_ids": Field(Kind.STRING_SLICE, help="Ids of entities: their logins."),
    },
    help="A login enforcement.",
    go_errors=True,
)
listing = engine.path("mfa/login-enforcement[/]", help="List the login enforcements.")


def shown(call: Call, one: Enforcement) -> dict[str, object]:
    """Return an enforcement as responses show it."""
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
    """Return the enforcements of the namespace."""
    found = {one.name: one for one in call.core.mfa.enforcements() if one.namespace == call.request.namespace}
    return listed({name: shown(call, one) for name, one in found.items()})


@one.on(Operation.READ)
def read(state: object, call: Call, *, name: str) -> dict[str, object] | None:
    """Return an enforcement of the namespace, or None."""
    found = call.core.mfa.enforcement(call.request.namespace, name)
    return shown(call, found) if found else None


@one.on(Operation.DELETE)
def delete(state: object, call: Call, *, name: str) -> None:
    """Delete an enforcement of the namespace."""
    if call.core.mfa.enforcement(call.request.namespace, name) is not None:
        del call.core.mfa.state(call.request.namespace).enforcements[name]


@one.on(Operation.UPDATE)
def write(
    state: object,
    call: Call,
    *,
    name: str,
    mfa_method_ids: list[str] | None = None,
    auth_method_accessors: list[str] | None = None,
    auth_method_types: list[str] | None = None,
    identity_group_ids: list[str] | None = None,
    identity_entity_ids: list[str] | None = None,
) -> None:
    """Create or change an enforcement; the methods are required each time. Raises ErrorResponse and BackendError."""
    namespace = call.request.namespace
    found = call.core.mfa.enforcement(namespace, name)
    changed = Enforcement(**vars(found)) if found else Enforcement(call.core.entropy.uuid(), name, namespace)
    if mfa_method_ids is None:
        raise ErrorResponse("missing method ids")
    _check_methods(call, mfa_method_ids)
    changed.method_ids = mfa_method_ids
    mounts, identity = call.core.state.mounts.of(namespace, auth=True), store(call).state
    if auth_method_accessors is not None:
        accessors = {mount.accessor for mount in mounts}
        _check(auth_method_accessors, accessors, "one of the auth method accessors provided is invalid")
        changed.accessors = auth_method_accessors
    if auth_method_types is not None:
        _check(auth_method_types, {mount.type for mount in mounts}, "one of the auth method types provided is invalid")
        changed.types = auth_method_types
    if identity_group_ids is not None:
        if "" in identity_group_ids:
            raise BackendError("missing group ID")
        groups = {group.id for group in identity.groups.values() if group.namespace == namespace}
        _check(identity_group_ids, groups, "one of the provided group ids doesn't exist")
        changed.group_ids = identity_group_ids
    if identity_entity_ids is not None:
        if "" in identity_entity_ids:
            raise BackendError("missing entity id")
        entities = {entity.id for entity in identity.entities.values() if entity.namespace == namespace}
        _check(identity_entity_ids, entities, "one of the provided entity ids doesn't exist")
        changed.entity_ids = identity_entity_ids
    subjects = ("auth_method_accessors", "auth_method_types", "identity_group_ids", "identity_entity_ids")
    if not any(subject in call for subject in subjects):
        raise ErrorResponse(f"One of {', '.join(subjects)} must be specified")
    call.core.mfa.state(namespace).enforcements[name] = changed


def _check(given: list[str], known: set[str], refusal: str) -> None:
    if not known.issuperset(given):
        raise ErrorResponse(refusal)


def _check_methods(call: Call, method_ids: list[str]) -> None:
    for method_id in method_ids:
        if not method_id:
            raise BackendError("missing config id")
        method = call.core.mfa.method(method_id)
        if method is None:
            raise ErrorResponse("one of the provided method ids doesn't exist")
        if not call.request.namespace.startswith(method.namespace):
            raise ErrorResponse("one of the provided method ids is in an incompatible namespace and can't be used")
