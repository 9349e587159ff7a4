"""``cel/role/{name}``: roles that are programs in the Common Expression Language."""

from __future__ import annotations

from mockkms.vault.auth.jwt.model import JWT, CelRole, engine
from mockkms.vault.cel.roles import PROGRAM_FIELD, patched_role, shown_role, write_role
from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, refusing
from mockkms.vault.products.features import Feature

_DECLARED = frozenset(("claims", "now", "operation"))
"""The variables of every program."""

roles = Collection[JWT, CelRole](
    engine,
    "cel/role/{name}",
    CelRole,
    lambda state: state.cel_roles,
    name=Field(Kind.STRING, help="Name of the role."),
    extra=PROGRAM_FIELD,
    existence=False,
    needs=Feature.CEL_ROLES,
    supplies=(Operation.LIST, Operation.DELETE),
    help="A role that is a program; it returns a pb.Auth, or the reason for a refusal.",
    list_help="The names of all CEL roles.",
    go_errors=True,
)


@roles.one.on(Operation.READ)
def read(state: JWT, call: Call, *, name: str) -> Reply:
    """Return a role as it was written; None if it does not exist."""
    found = roles.find(state, call)
    return None if found is None else shown_role(found, name, call.core.product)


@roles.write
def write(_state: JWT, call: Call, name: str, role: CelRole, *, cel_program: dict[str, object]) -> Reply:
    """Create or replace a role. Raises ErrorResponse, and BackendError for an invalid program."""
    write_role(role, call, cel_program, ErrorResponse)
    _validate(role)
    return shown_role(role, name, call.core.product)


@roles.one.on(Operation.PATCH)
def patch(state: JWT, call: Call, *, name: str, cel_program: dict[str, object]) -> Reply:
    """Change the members that were sent. Raises ErrorResponse, and BackendError for an invalid program."""
    changed = patched_role(roles.find(state, call), call, cel_program)
    _validate(changed)
    state.cel_roles[name] = changed
    return shown_role(changed, name, call.core.product)


def _validate(role: CelRole) -> None:
    with refusing(error=BackendError):
        role.program.validate(_DECLARED)
