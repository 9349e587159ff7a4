"""``cel/roles/{name}``: roles that are programs, which decide on certificates and describe them."""

from __future__ import annotations

from dataclasses import replace

from mockkms.vault.cel.program import read_program
from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response, refusing
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki.cel.messages import CERTIFICATES, DECLARED
from mockkms.vault.secrets.pki.model import PKI, CelPkiRole, engine

_UNDECODED = "failed to decode 'cel_program': "

roles = Collection[PKI, CelPkiRole](
    engine,
    "cel/roles/{name}",
    CelPkiRole,
    lambda state: state.cel_roles,
    name=Field(Kind.STRING, help="Name of the role."),
    extra={
        "cel_program": Field(Kind.MAP, help="expression, and variables: a list of objects with name and expression.")
    },
    existence=False,
    needs=Feature.CEL_ROLES,
    supplies=(Operation.LIST,),
    help="A role that is a program; it returns a ValidationOutput, or the reason for a refusal.",
    list_help="The names of all CEL roles.",
    go_errors=True,
)


@roles.one.on(Operation.READ)
def read(state: PKI, call: Call, *, name: str) -> Reply:
    """Return a role as it was written."""
    found = roles.find(state, call)
    return None if found is None else _shown(name, found)


@roles.write
def write(_state: PKI, call: Call, name: str, role: CelPkiRole, *, cel_program: dict[str, object]) -> Reply:
    """Create or replace a role. Raises BackendError."""
    if "cel_program" not in call:
        raise BackendError("missing required field 'cel_program'")
    with refusing(_UNDECODED, BackendError):
        role.program = read_program(cel_program)
    if not role.program.expression:
        raise BackendError("cel_program.expression cannot be empty")
    _check(role)
    return _shown(name, role)


@roles.one.on(Operation.DELETE)
def delete(state: PKI, call: Call) -> Response:
    """Delete a role; the answer has status 200, whether it existed or not (measured with OpenBao 2.6.2)."""
    state.cel_roles.pop(roles.name_in(call), None)
    return Response()


@roles.one.on(Operation.PATCH)
def patch(state: PKI, call: Call, *, name: str, cel_program: dict[str, object]) -> Reply:
    """Change the members of the program that were sent. Raises ErrorResponse and BackendError."""
    found = roles.find(state, call)
    if found is None:
        raise ErrorResponse("Unable to fetch cel role entry to patch")
    changed = found.copy()
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
    return _shown(name, changed)


def _check(role: CelPkiRole) -> None:
    with refusing(error=BackendError):
        role.program.validate(DECLARED, CERTIFICATES)


def _shown(name: str, role: CelPkiRole) -> dict[str, object]:
    return {"name": name, "cel_program": role.program.shown()}
