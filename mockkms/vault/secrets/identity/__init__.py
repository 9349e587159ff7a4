"""The identity secrets engine: entities, groups, the OpenID Connect provider, and MFA.

The data is not in the mount but in ``core.state.identity``, where logins and policies use it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from mockkms.vault.framework.context import Identities
from mockkms.vault.framework.endpoint import Call, Endpoint, Field, Fields
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.loading import load_endpoints
from mockkms.vault.framework.message import ErrorResponse, Operation, Response
from mockkms.vault.golang import json_text
from mockkms.vault.identity.model import Alias, Entity, Group
from mockkms.vault.products.features import Feature
from mockkms.world.clock import rfc3339

_Kept = TypeVar("_Kept", Entity, Group, Alias)

engine = Engine(
    "identity",
    kind="secret",
    new_state=dict,
    help="Entities, groups, and identity tokens.",
    slow={"oidc/": 0, "mfa/method/totp/": 1},
    takes_long=lambda state, request, captures, now: request.operation is Operation.LIST,
)


SCIM_CLIENT = Field(Kind.STRING, help="SCIM client that manages it, and sets this.", needs=Feature.IDENTITY_SOURCES)


def by_id(stem: str, fields: Fields | Callable[[], Fields], help: str) -> tuple[Endpoint, Endpoint]:
    """Declare ``stem/id/{id}`` and the list ``stem/id``."""

    def fields_and_id() -> Fields:
        return {"id": Field(Kind.STRING, help="Id."), **(fields() if callable(fields) else fields)}

    one = engine.path(stem + "/id/{id}", fields_and_id, help=help, go_errors=True)
    return one, engine.path(stem + "/id[/]", help=f"List the ids ({stem}).")


def check_scim_client(call: Call, *, new: bool) -> None:
    """Raise ErrorResponse for a SCIM client: only a request of one may set it, which the community edition has not."""
    if call.get("scim_client_id"):
        raise ErrorResponse("cannot set scim_client_id" if new else "cannot update scim_client_id")


def store(call: Call) -> Identities:
    """Return the identity store."""
    return call.core.identity


def mount_shown(call: Call, accessor: str) -> dict[str, str]:
    """Return ``mount_path`` and ``mount_type`` of an accessor; nothing for a deleted mount."""
    mount = call.core.state.mounts.by_accessor(accessor)
    return {"mount_path": mount.path, "mount_type": mount.type} if mount else {}


def alias_shown(call: Call, alias: Alias) -> dict[str, object]:
    """Return what every response about an alias shows."""
    return {
        "canonical_id": alias.canonical_id,
        "creation_time": rfc3339(alias.created),
        "id": alias.id,
        "last_update_time": rfc3339(alias.updated),
        "merged_from_canonical_ids": alias.merged_from,
        "metadata": alias.metadata,
        "mount_accessor": alias.mount_accessor,
        "name": alias.name,
        **mount_shown(call, alias.mount_accessor),
    }


def alias_within(call: Call, alias: Alias) -> dict[str, object]:
    """Return an alias as lists of entities and groups show it."""
    return {
        "id": alias.id,
        "name": alias.name,
        "mount_accessor": alias.mount_accessor,
        **mount_shown(call, alias.mount_accessor),
    }


def listed(info: Mapping[str, object]) -> dict[str, object]:
    """Return a list, sorted, with ``key_info``; the empty list is an empty object, which the server sends as a 404."""
    return {"keys": sorted(info), "key_info": info} if info else {}


def bare_json(document: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a JSON document outside the envelope, as the OIDC endpoints send it, with its members in their order."""
    body = json_text.encode(document, ordered=True).encode("utf-8", "replace")
    return Response(raw=body, status=status, headers=headers or {})


def namespace_id(call: Call, namespace: str) -> str:
    """Return ``root`` or the short id of a namespace."""
    return call.core.namespaces.id_of(namespace)


def own(call: Call, known: Mapping[str, _Kept], object_id: str) -> _Kept | None:
    """Return the object with this id if it is of the request's namespace: namespaces share no identities."""
    found = known.get(object_id)
    return found if found is not None and found.namespace == call.request.namespace else None


def own_objects(call: Call, known: Mapping[str, _Kept]) -> list[_Kept]:
    """Return the objects of the request's namespace, in the order of their ids."""
    return [known[object_id] for object_id in sorted(known) if known[object_id].namespace == call.request.namespace]


def elsewhere(text: str) -> ErrorResponse:
    """Return the error for a reference to another namespace."""
    return ErrorResponse(text, status=403)


def names_of(info: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    """Return a list of names, from the ``key_info`` of the list of ids; empty like that of ``listed``."""
    return {"keys": [one["name"] for one in info.values()]} if info else {}


load_endpoints(
    __name__, "aliases", "entities", "group_aliases", "groups", "lookup", "merge", "mfa.enforcements",
    "mfa.methods", "mfa.secrets", "oidc.assignments", "oidc.authorize", "oidc.clients", "oidc.exchange",
    "oidc.keys", "oidc.providers", "oidc.tokens",
)  # fmt: skip
