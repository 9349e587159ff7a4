"""Lookups of tokens: by token, of the requesting token, by accessor; and the list of accessors."""

from __future__ import annotations

from mockkms.vault.auth.token.model import TokenRoles, engine
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, refusing
from mockkms.vault.tokens.token import Token
from mockkms.world.clock import rfc3339

accessors = engine.path("accessors[/]", sudo=True, help="The accessors of all tokens of this namespace.")
lookup = engine.path("lookup", {"token": Field(Kind.STRING, help="The token; default: the requesting one.")}, help=(
    "The properties of a token."))  # fmt: skip
lookup_accessor = engine.path("lookup-accessor", {"accessor": Field(Kind.STRING, help="The token's accessor.")}, help=(
    "The properties of the token of an accessor, without the token itself."))  # fmt: skip
lookup_self = engine.path("lookup-self", {"token": Field(Kind.STRING, help="Ignored.")}, help=(
    "The properties of the requesting token."))  # fmt: skip


@accessors.on(Operation.LIST)
def list_accessors(state: TokenRoles, call: Call) -> Reply:
    """Return the accessors of the service tokens of the namespace."""
    tokens = call.core.state.tokens.by_id.values()
    return {"keys": [t.accessor for t in tokens if t.namespace == call.request.namespace and t.num_uses >= 0]}


@lookup.on(Operation.READ, Operation.UPDATE)
def lookup_token(state: TokenRoles, call: Call, *, token: str) -> Reply:
    """Return the properties of a token, by default the request's own. Raises ErrorResponse."""
    with refusing():
        found = call.core.tokens.checked(token or call.request.token, tainted=True)
    if found is None:
        raise ErrorResponse("bad token", status=403)
    return describe(call, found)


@lookup_self.on(Operation.READ, Operation.UPDATE)
def lookup_own(state: TokenRoles, call: Call) -> Reply:
    """Return the properties of the request's own token. Raises ErrorResponse."""
    token = call.request.client
    if token is None or call.request.inline:
        raise ErrorResponse("bad token", status=403)
    return describe(call, token)


@lookup_accessor.on(Operation.UPDATE)
def lookup_by_accessor(state: TokenRoles, call: Call, *, accessor: str) -> Reply:
    """Return the properties of the token with this accessor, without its id. Raises VaultError."""
    token = by_accessor(call, accessor)
    return {**describe(call, token), "id": ""}


def by_accessor(call: Call, accessor: str) -> Token:
    """Return the token of an accessor. Raises BackendError 400 without one, or for an unknown one."""
    if not accessor:
        raise BackendError("missing accessor", status=400)
    check_namespace(call, accessor)
    token = call.core.tokens.by_accessor(accessor)
    if token is None:
        raise BackendError("invalid accessor", status=400)
    return token


def check_namespace(call: Call, accessor: str) -> None:
    """Raise BackendError 500 for an accessor of another namespace than the request's."""
    core, own = call.core, call.request.namespace
    _, dot, namespace_id = accessor.rpartition(".")
    if dot:
        namespace = core.namespaces.by_id(namespace_id)
        if namespace is not None and namespace != own:
            raise BackendError("cannot lookup token in different namespace")
    elif own:
        raise BackendError("cannot lookup token in different namespace")


def _entity_id(call: Call, token: Token) -> str:
    """Return the entity of a token; outside the root namespace, the real server takes its id for one of the token's."""
    if not token.entity_id or not token.namespace:
        return token.entity_id
    ending = f".{call.core.namespaces.id_of(token.namespace)}"
    return token.entity_id if token.entity_id.endswith(ending) else token.entity_id + ending


def describe(call: Call, token: Token) -> dict[str, object]:
    """Return ``data`` of a lookup."""
    leases = call.core.leases
    data: dict[str, object] = {
        "id": token.id,
        "accessor": token.accessor,
        # A batch token carries no empty list.
        "policies": token.policies or (None if token.type == "batch" else []),
        "path": token.path,
        "meta": token.meta,
        "display_name": token.display_name,
        "num_uses": token.num_uses,
        "orphan": token.orphan,
        "creation_time": token.creation_time,
        "creation_ttl": token.ttl,
        "expire_time": None,
        "ttl": 0,
        "explicit_max_ttl": token.explicit_max_ttl,
        "entity_id": _entity_id(call, token),
        "type": token.type,
    }
    optional = {
        "role": token.role,
        "period": token.period,
        "bound_cidrs": token.bound_cidrs,
        "namespace_path": token.namespace,
    }
    data.update({name: value for name, value in optional.items() if value})
    # The id of a lease of the root namespace names none: the real server looks for it in that of the request.
    found = token.namespace or not call.request.namespace or token.type == "batch"
    entry = leases.of_token(token) if found else None
    if entry is not None:
        if entry.last_renewal:
            data["last_renewal_time"] = int(entry.last_renewal)
            data["last_renewal"] = rfc3339(entry.last_renewal)
        if entry.expires:
            data["expire_time"] = rfc3339(entry.expires)
            data["ttl"] = leases.ttl_left(entry)
        data["renewable"] = leases.renewable(entry)
        data["issue_time"] = rfc3339(entry.issued)
    entity = call.core.identity.entity(token.entity_id)
    # A child of a token in another namespace has the entity of its parent, which is unknown there.
    if entity is not None and entity.namespace == token.namespace and not token.no_identity_policies:
        derived = dict(call.core.identity.policies_of(token.entity_id))
        if derived:
            data["identity_policies"] = derived.pop(token.namespace, None)
            namespaces = call.core.namespaces
            data["external_namespace_policies"] = {namespaces.id_of(path): names for path, names in derived.items()}
    return data
