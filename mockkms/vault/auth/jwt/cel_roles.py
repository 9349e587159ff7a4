"""``cel/role/{name}``: roles that are programs in the Common Expression Language."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mockkms.vault.auth.jwt.model import JWT, CelRole, engine
from mockkms.vault.cel import read_program
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, refusing
from mockkms.vault.framework.pages import page
from mockkms.vault.products.features import Feature

DECLARED = frozenset(("claims", "now", "operation"))
"""What every program finds there."""
_OWN = {
    "message": Field(Kind.STRING, help="Error message if the program fails."),
    "expiration_leeway": Field(
        Kind.SIGNED_SECONDS, default=150, help="Leeway in seconds if ``exp`` is missing; -1 is none."
    ),
    "not_before_leeway": Field(
        Kind.SIGNED_SECONDS, default=150, help="Leeway in seconds if ``nbf`` is missing; -1 is none."
    ),
    "clock_skew_leeway": Field(Kind.SIGNED_SECONDS, default=60, help="How far clocks may differ; -1 is none."),
    "bound_audiences": Field(Kind.COMMA_STRINGS, help="Accepted aud claims; one must match."),
}

listing = engine.path(
    "cel/role[/]",
    fields={
        "after": Field(Kind.STRING, query=True, help="Name after which to start."),
        "limit": Field(Kind.INT, query=True, help="Most names to show."),
    },
    help="The names of all CEL roles.",
    needs=Feature.CEL_ROLES,
)
role = engine.path(
    "cel/role/{name}",
    fields={
        "name": Field(Kind.STRING, help="Name of the role."),
        "cel_program": Field(Kind.MAP, help="expression, and variables: a list of objects with name and expression."),
        **_OWN,
    },
    help="A role that is a program: it answers a pb.Auth, or why not.",
    needs=Feature.CEL_ROLES,
)


@listing.on(Operation.LIST)
def list_roles(state: JWT, call: Call, *, after: str, limit: int) -> Reply:
    """Return the names of all CEL roles."""
    names = page(sorted(state.cel_roles), after, limit)
    return {"keys": names} if names else {}


@role.on(Operation.READ)
def read(state: JWT, call: Call, *, name: str) -> Reply:
    """Return a role as it was written."""
    found = state.cel_roles.get(name)
    return None if found is None else _shown(name, found)


@role.on(Operation.UPDATE)
def write(state: JWT, call: Call, *, cel_program: dict[str, object]) -> Reply:
    """Create or replace a role. Raises ErrorResponse, and BackendError for an invalid program."""
    if "cel_program" not in call:
        raise ErrorResponse("missing required field 'cel_program'")
    with refusing("failed to decode 'cel_program': "):
        program = read_program(cel_program)
    if not program.expression:
        raise ErrorResponse("cel_program.expression cannot be empty")
    return _keep(state, call, CelRole(program, **{name: call[name] for name in _OWN}))


@role.on(Operation.PATCH)
def patch(state: JWT, call: Call, *, cel_program: dict[str, object]) -> Reply:
    """Change what was sent; of a program, each half by itself. Raises ErrorResponse and BackendError."""
    found = state.cel_roles.get(call["name"])
    if found is None:
        raise ErrorResponse("Unable to fetch cel role entry to patch")
    changed = replace(found, **{name: call[name] for name in _OWN if name in call})
    if "cel_program" in call:
        with refusing("failed to decode 'cel_program': "):
            asked = read_program(cel_program)
        changed.program = replace(
            found.program,
            expression=asked.expression or found.program.expression,
            variables=asked.variables or found.program.variables,
        )
    return _keep(state, call, changed)


@role.on(Operation.DELETE)
def delete(state: JWT, call: Call, *, name: str) -> None:
    """Delete a role."""
    state.cel_roles.pop(name, None)


def _keep(state: JWT, call: Call, made: CelRole) -> dict[str, Any]:
    with refusing(error=BackendError):
        made.program.validate(DECLARED)
    state.cel_roles[call["name"]] = made
    return _shown(call["name"], made)


def _shown(name: str, role: CelRole) -> dict[str, Any]:
    return {"name": name, "cel_program": role.program.shown(), **{field: getattr(role, field) for field in _OWN}}
