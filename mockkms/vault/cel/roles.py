"""Roles that are CEL programs: the record, and how their endpoints create and change the program of one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeVar

from mockkms.vault.cel.program import Program, read_program
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, VaultError, refusing
from mockkms.vault.framework.records import Record
from mockkms.vault.golang.json_text import in_order
from mockkms.vault.products import Product

PROGRAM_FIELD = {
    "cel_program": Field(Kind.MAP, help="expression, and variables: a list of objects with name and expression.")
}
"""The parameter of the endpoints that holds the program."""
_UNDECODED = "failed to decode 'cel_program': "


@dataclass
class ProgramRole(Record):
    """A role that is a program; subclasses declare its further parameters."""

    program: Program = field(default_factory=Program)

    def shown(self, product: Product) -> dict[str, object]:
        """Return what a read in ``product`` shows."""
        return {"cel_program": in_order(self.program.shown()), **super().shown(product)}

    def changed(self) -> dict[str, object]:
        """Return the program, and the parameters that differ from those of a new role, for world dumps."""
        return {"cel_program": self.program.shown(), **super().changed()}


R = TypeVar("R", bound=ProgramRole)


def write_role(role: ProgramRole, call: Call, cel_program: dict[str, object], refusal: type[VaultError]) -> None:
    """Set the program and the parameters of ``role`` to those of a write; the caller validates the program.

    Raises ``refusal`` for a missing or malformed program.
    """
    if "cel_program" not in call:
        raise refusal("missing required field 'cel_program'")
    with refusing(_UNDECODED, refusal):
        role.program = read_program(cel_program)
    if not role.program.expression:
        raise refusal("cel_program.expression cannot be empty")
    role.replace_from(call)


def patched_role(found: R | None, call: Call, cel_program: dict[str, object]) -> R:
    """Return a copy of the role ``found`` with the members that a patch sent; the caller validates the program.

    Expression and variables of the program are replaced separately. Raises ErrorResponse for a missing role and for a
    malformed program.
    """
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
    return changed


def shown_role(role: ProgramRole, name: str, product: Product) -> dict[str, object]:
    """Return the data of a read or write of a role."""
    return {"name": name, **role.shown(product)}
