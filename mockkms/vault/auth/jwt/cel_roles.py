"""``cel/role/{name}``: roles that are programs in the Common Expression Language."""

from __future__ import annotations

from dataclasses import replace

from mockkms.vault.auth.jwt.model import JWT, CelRole, engine
from mockkms.vault.cel.program import read_program
from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, refusing
from mockkms.vault.products.features import Feature

DECLARED = frozenset(("claims", "now", "operation"))
"""The variables of every program."""
_UNDECODED = "failed to decode 'cel_program': "

roles = Collection[JWT, CelRole](
    engine,
    "cel/role/{name}",
    CelRole,
    lambda state: state.cel_roles,
    name=Field(Kind.STRING, help="Name of the role."),
    extra={
        "cel_program": Field(Kind.MAP, help="expression, and variables: a list of objects with name and expression.")
    },
    existence=False,
    needs=Feature.CEL_ROLES,
    supplies=(Operation.LIST, Operation.DELETE),
    help="A role that is a program; it returns a pb.Auth, or the reason for a refusal.",
    list_help="The names of all CEL roles.",
    go_errors=True,
)


@roles.one.on(Operation.READ)
def read(state: JWT, call: Call, *, name: str) -> Reply:
    """Return a role as it was written."""
    found = roles.find(state, call)
    return None if found is None else _shown(call, name, found)


@roles.write
def write(state: JWT, call: Call, name: str, role: CelRole, *, cel_program: dict[str, object]) -> Reply:
    """Create or replace a role. Raises ErrorResponse, and BackendError for an invalid program."""
    if "cel_program" not in call:
        raise ErrorResponse("missing required field 'cel_program'")
    with refusing(_UNDECODED):
        role.program = read_program(cel_program)
    if not role.program.expression:
        raise ErrorResponse("cel_program.expression cannot be empty")
    role.replace_from(call)
    _check(role)
    return _shown(call, name, role)


@roles.one.on(Operation.PATCH)
def patch(state: JWT, call: Call, *, name: str, cel_program: dict[str, object]) -> Reply:
    """Change the members that were sent; expression and variables of a program separately.

    Raises ErrorResponse and BackendError.
    """
    found = roles.find(state, call)
    if found is None:
        raise ErrorResponse("Unable to fetch cel role entry to patch")
    changed = found.copy()
    changed.update_from(call)
    if "cel_program" in call:
        with refusing(_UNDECODED):
            sent = read_program(cel_program)
        changed.program = replace(
            found.program,
            expression=sent.expression or found.program.expression,
            variables=sent.variables or found.program.variables,
        )
    _check(changed)
    state.cel_roles[name] = changed
    return _shown(call, name, changed)


def _check(role: CelRole) -> None:
    with refusing(error=BackendError):
        role.program.validate(DECLARED)


def _shown(call: Call, name: str, role: CelRole) -> dict[str, object]:
    return {"name": name, **role.shown(call.core.product)}
