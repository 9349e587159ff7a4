"""Roles of methods that verify logins with a cloud: bounds by name, and token parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mockkms.vault.auth.token_params import TokenParams
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind, zero
from mockkms.vault.framework.message import ErrorResponse, Operation


@dataclass
class CloudRole(TokenParams):
    """One role."""

    old_names: ClassVar = ("policies", "num_uses", "ttl", "max_ttl", "period")

    settings: dict[str, Any] = field(default_factory=dict)
    """The bounds and whatever else the method's roles have, by their names."""


@dataclass
class Cloud:
    """State of a mount: settings by endpoint, and roles."""

    config: dict[str, Any] | None = None
    identity: dict[str, Any] = field(default_factory=dict)
    roles: dict[str, CloudRole] = field(default_factory=dict)


Check = Callable[[CloudRole], None]


def declare(
    engine: Engine, bounds: Mapping[str, Field], check: Check, *, lists: tuple[str, ...] = ("role[/]",)
) -> None:
    """Declare ``role/{name}`` and the lists of roles on an engine.

    ``check`` raises ErrorResponse for a role that cannot be.
    """
    one = engine.path(
        "role/{name}",
        fields={"name": Field(Kind.STRING, help="Name of the role, in any case."), **bounds, **CloudRole.fields()},
        help="Who may log in, and the parameters of the tokens.",
    )

    @one.existence
    def exists(state: Cloud, call: Call, *, name: str) -> bool:
        return name.lower() in state.roles

    @one.on(Operation.READ)
    def read(state: Cloud, call: Call, *, name: str) -> Reply:
        found = state.roles.get(name.lower())
        if found is None:
            return None
        return {**found.settings, **found.shown(call.core.product)}

    @one.on(Operation.DELETE)
    def delete(state: Cloud, call: Call, *, name: str) -> None:
        state.roles.pop(name.lower(), None)

    @one.on(Operation.CREATE, Operation.UPDATE)
    def write(state: Cloud, call: Call) -> None:
        name = call["name"].lower()
        made = deepcopy(state.roles.get(name)) or CloudRole(
            settings={name: _usual(one) for name, one in bounds.items()}
        )
        made.take_token_params(call)
        made.settings |= {name: call[name] for name in bounds if name in call}
        if 0 < made.token_max_ttl < made.token_ttl:
            raise ErrorResponse("ttl should be shorter than max ttl")
        check(made)
        state.roles[name] = made

    for template in lists:
        listing = engine.path(template, help="The names of all roles.")

        @listing.on(Operation.LIST)
        def list_roles(state: Cloud, _call: Call) -> Reply:
            return {"keys": sorted(state.roles)}


def _usual(declared: Field) -> Any:
    return declared.default if declared.default is not None else zero(declared.kind)
