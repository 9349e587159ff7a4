"""``cel/roles/{name}``: roles that are programs, which decide on certificates and describe them."""

from __future__ import annotations

from mockkms.vault.cel.roles import PROGRAM_FIELD, patched_role, shown_role, write_role
from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, Operation, Response, refusing
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki.cel.messages import CERTIFICATES, DECLARED
from mockkms.vault.secrets.pki.model import PKI, CelPkiRole, engine

roles = Collection[PKI, CelPkiRole](
    engine,
    "cel/roles/{name}",
    CelPkiRole,
    lambda state: state.cel_roles,
    name=Field(Kind.STRING, help="Name of the role."),
    extra=PROGRAM_FIELD,
    existence=False,
    needs=Feature.CEL_ROLES,
    supplies=(Operation.LIST,),
    help="A role that is a program; it returns a ValidationOutput, or the reason for a refusal.",
    list_help="The names of all CEL roles.",
    go_errors=True,
)


@roles.one.on(Operation.READ)
def read(state: PKI, call: Call, *, name: str) -> Reply:
    """Return a role as it was written; None if it does not exist."""
    found = roles.find(state, call)
    return None if found is None else shown_role(found, name, call.core.product)


@roles.write
def write(_state: PKI, call: Call, name: str, role: CelPkiRole, *, cel_program: dict[str, object]) -> Reply:
    """Create or replace a role. Raises BackendError."""
    write_role(role, call, cel_program, BackendError)
    _validate(role)
    return shown_role(role, name, call.core.product)


@roles.one.on(Operation.DELETE)
def delete(state: PKI, call: Call) -> Response:
    """Delete a role; the response has status 200, also for an unknown role (measured with OpenBao 2.6.2)."""
    state.cel_roles.pop(roles.name_in(call), None)
    return Response()


@roles.one.on(Operation.PATCH)
def patch(state: PKI, call: Call, *, name: str, cel_program: dict[str, object]) -> Reply:
    """Change the members that were sent. Raises ErrorResponse, and BackendError for an invalid program."""
    changed = patched_role(roles.find(state, call), call, cel_program)
    _validate(changed)
    state.cel_roles[name] = changed
    return shown_role(changed, name, call.core.product)


def _validate(role: CelPkiRole) -> None:
    with refusing(error=BackendError):
        role.program.validate(DECLARED, CERTIFICATES)
