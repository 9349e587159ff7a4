"""``replace``: fields of the JSON answer have another value."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from mockkms.faults.fields import change_field
from mockkms.faults.kinds import Kind
from mockkms.faults.parsing import FaultError, shown
from mockkms.faults.plan import Plan, Turn
from mockkms.faults.request_view import Reply


class Replace(Kind):
    """A mapping of dotted paths to values; a last step that is not there is added."""

    word = "replace"
    help = "{dotted path of a JSON field: value}"
    example: ClassVar[Any] = {"data.ciphertext": "vault:v1:AAAA"}

    def __init__(self, value: Any) -> None:
        if not isinstance(value, Mapping):
            raise FaultError(f"expected a mapping of fields, got {shown(value)}")
        self.values = {str(path): item for path, item in value.items()}

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.edits.append(self.edit)

    def edit(self, reply: Reply) -> Reply:
        """The answer with the fields replaced."""
        for path, item in self.values.items():
            reply = change_field(reply, path, partial(_instead, item), make=True)
        return reply


def _instead(value: Any, _: Any) -> Any:
    return value
