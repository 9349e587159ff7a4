"""``oidc/assignment`` and ``oidc/scope``: who may log in to a client, and which claims a client can request."""

from __future__ import annotations

from collections.abc import Iterable

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation
from mockkms.vault.secrets.identity import engine
from mockkms.vault.secrets.identity.oidc.model import ALLOW_ALL, Assignment, Scope, service
from mockkms.vault.secrets.identity.oidc.tokens import check_template, decoded_template

OPENID = "openid"
"""The scope that every request must name."""

assignment = engine.path(
    "oidc/assignment/{name}",
    fields={
        "name": Field(Kind.STRING, help="Name of the assignment."),
        "entity_ids": Field(Kind.COMMA_STRINGS, help="Ids of entities."),
        "group_ids": Field(Kind.COMMA_STRINGS, help="Ids of groups."),
    },
    help="Who may log in to a client.",
)
assignments = engine.path("oidc/assignment[/]", help="The names of all assignments.")
scope = engine.path(
    "oidc/scope/{name}",
    fields={
        "name": Field(Kind.STRING, help="Name of the scope."),
        "template": Field(Kind.STRING, help="JSON of claims, with identity templates; base64 will do."),
        "description": Field(Kind.STRING, help="What it is for."),
    },
    help="Claims that a client can ask for.",
)
scopes = engine.path("oidc/scope[/]", help="The names of all scopes.")


def distinct(items: Iterable[str]) -> list[str]:
    """Without repetitions, blanks and empty texts; sorted."""
    return sorted({item.strip() for item in items} - {""})


def _lowered(given: str) -> str:
    """An id in lower case; the id of its namespace stays."""
    bare, dot, namespace = given.partition(".")
    return bare.lower() + dot + namespace


def listed_names(names: Iterable[str]) -> dict[str, object]:
    """A plain list answer; empty where there is nothing, which is a 404."""
    keys = sorted(names)
    return {"keys": keys} if keys else {}


@assignment.existence
def _assignment_exists(state: object, call: Call, *, name: str) -> bool:
    return name in service(call).assignments


@assignment.on(Operation.CREATE, Operation.UPDATE)
def write_assignment(state: object, call: Call, *, name: str) -> None:
    """Make an assignment, or change what was sent of one. Raises ErrorResponse for the one that allows all."""
    if name == ALLOW_ALL:
        raise ErrorResponse(f'modification of assignment "{ALLOW_ALL}" not allowed')
    found = service(call).assignments.setdefault(name, Assignment())
    found.entity_ids = distinct(map(_lowered, call.get("entity_ids", found.entity_ids)))
    found.group_ids = distinct(map(_lowered, call.get("group_ids", found.group_ids)))


@assignment.on(Operation.READ)
def read_assignment(state: object, call: Call, *, name: str) -> dict[str, object] | None:
    """An assignment."""
    found = service(call).assignments.get(name)
    return {"entity_ids": found.entity_ids, "group_ids": found.group_ids} if found else None


@assignment.on(Operation.DELETE)
def delete_assignment(state: object, call: Call) -> None:
    """Delete an assignment. Raises ErrorResponse for the one that allows all, and while clients use it."""
    oidc, name = service(call), call["name"]
    if name == ALLOW_ALL:
        raise ErrorResponse(f'deletion of assignment "{ALLOW_ALL}" not allowed')
    users = sorted(client.name for client in oidc.clients.values() if name in client.assignments)
    if users:
        raise ErrorResponse(
            f'unable to delete assignment "{name}" because it is currently referenced by these clients: '
            f"{', '.join(users)}"
        )
    oidc.assignments.pop(name, None)


@assignments.on(Operation.LIST)
def list_assignments(state: object, call: Call) -> dict[str, object]:
    """The names of all assignments."""
    return listed_names(service(call).assignments)


@scope.existence
def _scope_exists(state: object, call: Call, *, name: str) -> bool:
    return name in service(call).scopes


@scope.on(Operation.CREATE, Operation.UPDATE)
def write_scope(state: object, call: Call) -> None:
    """Make a scope, or change what was sent of one. Raises ErrorResponse for its name or template."""
    name, known = call["name"], service(call).scopes
    if name == OPENID:
        raise ErrorResponse(f'the "{OPENID}" scope name is reserved')
    found = known.get(name, Scope())
    template = decoded_template(call.get("template", found.template))
    check_template(template, call.now())
    known[name] = Scope(template, call.get("description", found.description))


@scope.on(Operation.READ)
def read_scope(state: object, call: Call, *, name: str) -> dict[str, object] | None:
    """A scope."""
    found = service(call).scopes.get(name)
    return {"description": found.description, "template": found.template} if found else None


@scope.on(Operation.DELETE)
def delete_scope(state: object, call: Call) -> None:
    """Delete a scope. Raises ErrorResponse while providers offer it."""
    oidc, name = service(call), call["name"]
    users = sorted(provider for provider, entry in oidc.providers.items() if name in entry.scopes_supported)
    if users:
        raise ErrorResponse(
            f'unable to delete scope "{name}" because it is currently referenced by these providers: {", ".join(users)}'
        )
    oidc.scopes.pop(name, None)


@scopes.on(Operation.LIST)
def list_scopes(state: object, call: Call) -> dict[str, object]:
    """The names of all scopes."""
    return listed_names(service(call).scopes)
