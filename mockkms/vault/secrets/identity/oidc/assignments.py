"""``oidc/assignment`` and ``oidc/scope``: who may log in to a client, and which claims a client can request."""

from __future__ import annotations

from collections.abc import Iterable

from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import ErrorResponse, Operation
from mockkms.vault.golang.fmt import quote
from mockkms.vault.secrets.identity import engine
from mockkms.vault.secrets.identity.oidc.model import ALLOW_ALL, Assignment, OidcCollection, OidcScope, service
from mockkms.vault.secrets.identity.oidc.tokens import checked_template

OPENID = "openid"
"""The scope that every request must name."""

assignments = OidcCollection(
    engine,
    "oidc/assignment/{name}",
    Assignment,
    lambda oidc: oidc.assignments,
    help="Who may log in to a client.",
    list_help="The names of all assignments.",
    paged=False,
    supplies=(Operation.LIST, Operation.READ),
)
scopes = OidcCollection(
    engine,
    "oidc/scope/{name}",
    OidcScope,
    lambda oidc: oidc.scopes,
    help="Claims that a client can request.",
    list_help="The names of all scopes.",
    paged=False,
    supplies=(Operation.LIST, Operation.READ),
)


def distinct(items: Iterable[str]) -> list[str]:
    """Return items without repetitions, surrounding blanks and empty texts; sorted."""
    return sorted({item.strip() for item in items} - {""})


def _lowered(given: str) -> str:
    """Return an id in lower case, except for the id of its namespace."""
    bare, dot, namespace = given.partition(".")
    return bare.lower() + dot + namespace


@assignments.write
def write_assignment(state: object, call: Call, name: str, assignment: Assignment) -> None:
    """Create or change an assignment. Raises ErrorResponse for ``allow_all``."""
    if name == ALLOW_ALL:
        raise ErrorResponse(f"modification of assignment {quote(ALLOW_ALL)} not allowed")
    assignment.update_from(call)
    assignment.entity_ids = distinct(map(_lowered, assignment.entity_ids))
    assignment.group_ids = distinct(map(_lowered, assignment.group_ids))


@assignments.one.on(Operation.DELETE)
def delete_assignment(state: object, call: Call, *, name: str) -> None:
    """Delete an assignment. Raises ErrorResponse for ``allow_all``, and while clients use it."""
    oidc = service(call)
    if name == ALLOW_ALL:
        raise ErrorResponse(f"deletion of assignment {quote(ALLOW_ALL)} not allowed")
    users = sorted(client for client, entry in oidc.clients.items() if name in entry.assignments)
    if users:
        raise ErrorResponse(
            f"unable to delete assignment {quote(name)} because it is currently referenced by these clients: "
            f"{', '.join(users)}"
        )
    oidc.assignments.pop(name, None)


@scopes.write
def write_scope(state: object, call: Call, name: str, scope: OidcScope) -> None:
    """Create or change a scope. Raises ErrorResponse for its name or template."""
    if name == OPENID:
        raise ErrorResponse(f"the {quote(OPENID)} scope name is reserved")
    scope.update_from(call)
    scope.template = checked_template(scope.template, call.now())


@scopes.one.on(Operation.DELETE)
def delete_scope(state: object, call: Call, *, name: str) -> None:
    """Delete a scope. Raises ErrorResponse while providers offer it."""
    oidc = service(call)
    users = sorted(provider for provider, entry in oidc.providers.items() if name in entry.scopes_supported)
    if users:
        raise ErrorResponse(
            f"unable to delete scope {quote(name)} because it is currently referenced by these "
            f"providers: {', '.join(users)}"
        )
    oidc.scopes.pop(name, None)
