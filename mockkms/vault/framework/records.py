"""Records: dataclasses whose members are parameters of the API, each declared once.

    @dataclass
    class Role(Record):
        ttl: Annotated[int, param(Kind.SECONDS, help="Lifetime in seconds.")] = 0

The declaration gives the fields of endpoints (``engine.path("role/{name}", Role.fields)``) and with them conversion,
help texts, the OpenAPI document and the keys of a world file (``kernel/record_section.py``); what a write changes
(``role.update_from(call)``), what a read shows (``role.shown(product)``) and what a world dump writes
(``role.changed()``).

Declarations are evaluated once for each class, at its first use, so that a server starts fast. The
names in an annotation must therefore be imported at run time, not for type checkers only.
"""

from __future__ import annotations

import copy
import inspect
import sys
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, is_dataclass, replace
from dataclasses import fields as members_of
from enum import Enum, auto
from typing import ClassVar, Self

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind, zero
from mockkms.vault.products import Product
from mockkms.vault.products.features import Feature


class Show(Enum):
    """When a read shows a parameter."""

    ALWAYS = auto()
    SET = auto()
    """Unless it is empty, zero or false."""
    NEVER = auto()
    """For secrets, and for members that a handler shows in another form."""


@dataclass(frozen=True, slots=True)
class Param:
    """The declaration of one member of a record."""

    field: Field
    show: Show = Show.ALWAYS
    old: str = ""
    """The deprecated name of the parameter, if it has one. A record lists in ``old_names`` those that it accepts."""


def param(
    kind: Kind,
    *,
    help: str,
    default: object = None,
    deprecated: bool = False,
    needs: Feature | None = None,
    show: Show = Show.ALWAYS,
    old: str = "",
) -> Param:
    """Declare a member of a record as a parameter.

    Args:
        kind: How the parameter is converted.
        help: One sentence for help texts and the OpenAPI document.
        default: The value of an absent parameter. None: the member's default, if it has one other than the kind's
            zero value. Give the zero value where only a new record, not the endpoint, has the member's default.
        deprecated: Whether the OpenAPI document marks the parameter as deprecated.
        needs: Only products with this feature have the parameter.
        show: When a read shows it.
        old: Its deprecated name.
    """
    return Param(Field(kind, default, help, deprecated=deprecated, needs=needs), show, old)


class Record:
    """Base of dataclasses whose members are declared with ``param``; every member has a default."""

    old_names: ClassVar[tuple[str, ...]] = ()
    """The deprecated names of parameters that this record accepts."""
    declared_params: ClassVar[Mapping[str, Param] | None] = None
    declared_fields: ClassVar[Mapping[str, Field] | None] = None
    readable_params: ClassVar[dict[str, tuple[tuple[str, bool], ...]] | None] = None

    @classmethod
    def params(cls) -> Mapping[str, Param]:
        """Return the declared members by name, those of base classes first."""
        if cls.__dict__.get("declared_params") is None:
            cls.declared_params = _params(cls)
        return cls.declared_params or {}

    @classmethod
    def fields(cls, *names: str) -> dict[str, Field]:
        """Return the fields of an endpoint that writes this record; with ``names`` only those."""
        if cls.__dict__.get("declared_fields") is None:
            cls.declared_fields = _fields(cls)
        every = cls.declared_fields or {}
        return {name: every[name] for name in names} if names else dict(every)

    @classmethod
    def readable(cls, product: Product) -> tuple[tuple[str, bool], ...]:
        """Return the members that reads in ``product`` show, each with whether it is shown even if it is empty."""
        known = cls.__dict__.get("readable_params")
        if known is None:
            known = cls.readable_params = {}
        found = known.get(product.name)
        if found is None:
            found = known[product.name] = tuple(
                (name, declared.show is Show.ALWAYS)
                for name, declared in cls.params().items()
                if declared.show is not Show.NEVER and declared.field.known_to(product)
            )
        return found

    @classmethod
    def from_call(cls, call: Call) -> Self:
        """Return a record of the parameters of ``call``; those that were not sent have their defaults."""
        known = call.endpoint.fields
        return cls(**{name: call[name] for name in cls.params() if name in known})

    def update_from(self, call: Call, *names: str) -> None:
        """Set the members whose parameters were sent; with ``names`` only those."""
        for name in names or self.params():
            if name in call:
                setattr(self, name, call[name])

    def replace_from(self, call: Call) -> None:
        """Set all members to the parameters of ``call``; those that were not sent get their defaults."""
        for name in self.params():
            setattr(self, name, call[name])

    def copy(self) -> Self:
        """Return a copy that can be changed without a change of this record."""
        return copy.deepcopy(self)

    def shown(self, product: Product) -> dict[str, object]:
        """Return what a read in ``product`` shows."""
        data: dict[str, object] = {}
        for name, always in self.readable(product):
            value = getattr(self, name)
            if value or always:
                data[name] = copy.copy(value) if isinstance(value, (dict, list)) else value
        return data

    def changed(self) -> dict[str, object]:
        """Return the parameters that differ from those of a new record, for world dumps."""
        fresh = type(self)()
        return {name: getattr(self, name) for name in self.params() if getattr(self, name) != getattr(fresh, name)}


def _params(cls: type[Record]) -> Mapping[str, Param]:
    found: dict[str, Param] = {}
    for base in reversed(cls.__mro__):
        for name, annotation in inspect.get_annotations(base).items():
            declared = _declared(base, annotation)
            if declared is not None:
                found[name] = declared
    assert is_dataclass(cls)
    defaults = {member.name: member.default for member in members_of(cls)}
    return {name: _with_default(declared, defaults[name]) for name, declared in found.items()}


def _declared(owner: type, annotation: object) -> Param | None:
    """Return the declaration in an annotation, or None; postponed evaluation leaves annotations as text."""
    if isinstance(annotation, str):
        if not annotation.startswith("Annotated["):
            return None
        annotation = eval(annotation, vars(sys.modules[owner.__module__]))
    metadata: tuple[object, ...] = getattr(annotation, "__metadata__", ())
    return next((one for one in metadata if isinstance(one, Param)), None)


def _with_default(declared: Param, default: object) -> Param:
    """Return the declaration with the member's default as that of the parameter, unless it has its own."""
    field = declared.field
    if field.default is not None or default in (MISSING, None) or default == zero(field.kind):
        return declared
    return replace(declared, field=replace(field, default=default))


def _fields(cls: type[Record]) -> Mapping[str, Field]:
    params = _params(cls)
    fields = {name: declared.field for name, declared in params.items()}
    renamed = {declared.old: name for name, declared in params.items() if declared.old}
    for old in cls.old_names:
        name = renamed[old]
        fields[old] = Field(fields[name].kind, help=f"The former name of {name}.", deprecated=True)
    return fields
