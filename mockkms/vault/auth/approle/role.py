"""Roles as a whole: written, read, listed, deleted."""

from __future__ import annotations

from copy import copy
from typing import Any

from mockkms.vault.auth.approle.model import AppRole, Role, constrained, engine
from mockkms.vault.auth.token_params import FIELDS
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response
from mockkms.vault.golang.duration import go_duration
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.tree import page
from mockkms.vault.tokens import cidr

ROLE_NAME = {"role_name": Field(Kind.STRING, help="Name of the role, in any case.")}
ROLE_FIELDS = {
    "bind_secret_id": Field(Kind.BOOL, default=True, help="Logins need a secret id."),
    "bound_cidr_list": Field(Kind.COMMA_STRINGS, help="The former name of secret_id_bound_cidrs.", deprecated=True),
    "secret_id_bound_cidrs": Field(Kind.COMMA_STRINGS, help="Address blocks that may log in."),
    "policies": Field(Kind.COMMA_STRINGS, help="The former name of token_policies.", deprecated=True),
    "secret_id_num_uses": Field(Kind.INT, help="How often a secret id may be used; 0 is without limit."),
    "secret_id_ttl": Field(Kind.SECONDS, help="Lifetime of a secret id in seconds; 0 is without end."),
    "period": Field(Kind.SECONDS, help="The former name of token_period.", deprecated=True),
    "role_id": Field(Kind.STRING, help="The role's id; made up if not given."),
    "local_secret_ids": Field(Kind.BOOL, help="Keep secret ids on this cluster; at creation only."),
}
PAGE = {
    "after": Field(Kind.STRING, query=True, help="Entry to begin after.", needs=Feature.PAGINATION),
    "limit": Field(Kind.INT, query=True, help="Most entries to show.", needs=Feature.PAGINATION),
}

role_path = engine.path("role/{role_name}", {**ROLE_NAME, **ROLE_FIELDS, **FIELDS}, help="A role.")
listing = engine.path("role[/]", PAGE, help="The names of all roles.")


@listing.on(Operation.LIST)
def list_roles(state: AppRole, call: Call) -> dict[str, Any]:
    return {"keys": page(sorted(state.roles), call["after"], call["limit"])}


@role_path.existence
def exists(state: AppRole, call: Call) -> bool:
    return state.role(call) is not None


@role_path.on(Operation.READ)
def read_role(state: AppRole, call: Call) -> Response | None:
    role = state.role(call)
    if role is None:
        return None
    data: dict[str, Any] = {
        "bind_secret_id": role.bind_secret_id,
        "secret_id_bound_cidrs": role.secret_id_bound_cidrs,
        "secret_id_num_uses": role.secret_id_num_uses,
        "secret_id_ttl": role.secret_id_ttl,
        "local_secret_ids": role.local_secret_ids,
        **role.shown(call.core.product),
    }
    for name in ("period", "policies"):
        if role.old.get(name):
            data[name] = role.old[name]
    text = "Role does not have any constraints set on it. Updates to this role will require a constraint to be set"
    return Response(data=data, warnings=[] if constrained(role) else [text])


@role_path.on(Operation.DELETE)
def delete_role(state: AppRole, call: Call) -> None:
    role = state.role(call)
    if role is not None:
        state.drop(role, call.now())


@role_path.on(Operation.CREATE, Operation.UPDATE)
def write_role(state: AppRole, call: Call) -> Response | None:
    name: str = call["role_name"].lower()
    if len(name) > 4096:
        raise ErrorResponse("role_name is longer than maximum of 4096 bytes")
    found = state.roles.get(name)
    role = edited(found) if found is not None else Role(name=name, hmac_key=call.core.entropy.uuid())
    warnings = _adjust_type(call)
    try:
        role.parse(call)
    except ValueError as error:
        raise ErrorResponse(str(error)) from None
    _ids(call, role, new=found is None)
    _secret_ids(call, role)
    for old, new in (("policies", "token_policies"), ("period", "token_period")):
        role.upgrade(call, old, new)
    most = call.core.max_ttl(call.mount)
    if role.old.get("period", 0) > most:
        raise too_long(role.old["period"], most)
    if role.token_max_ttl > most:
        warnings.append(
            "token_max_ttl is greater than the backend mount's maximum TTL value; issued tokens' max TTL value will be "
            "truncated"
        )
    state.put(role)
    return Response(warnings=warnings) if warnings else None


def edited(role: Role) -> Role:
    """A copy to change, so that a refused write changes nothing."""
    changed = copy(role)
    changed.old = dict(role.old)
    return changed


def too_long(period: int, most: int) -> ErrorResponse:
    """The refusal of a period beyond the mount's largest lease."""
    return ErrorResponse(
        f'period of "{go_duration(period)}" is greater than the backend\'s maximum lease TTL of "{go_duration(most)}"'
    )


def _adjust_type(call: Call) -> list[str]:
    given = call.given.get("token_type")
    if given not in ("default-service", "default-batch"):
        return []
    plain = given.removeprefix("default-")
    call.given["token_type"] = plain
    return [f"{given} has no useful meaning; adjusting to {plain}"]


def _ids(call: Call, role: Role, *, new: bool) -> None:
    if "local_secret_ids" in call:
        if not new:
            raise ErrorResponse("local_secret_ids can only be modified during role creation")
        role.local_secret_ids = call["local_secret_ids"]
    if "role_id" in call:
        role.role_id = call["role_id"]
    elif new:
        role.role_id = call.core.entropy.uuid()
    if not role.role_id:
        raise ErrorResponse("invalid role_id supplied, or failed to generate a role_id")
    if "bind_secret_id" in call:
        role.bind_secret_id = call["bind_secret_id"]


def _secret_ids(call: Call, role: Role) -> None:
    for name in ("secret_id_bound_cidrs", "bound_cidr_list"):
        if name in call:
            role.secret_id_bound_cidrs = list(call[name])
            break
    try:
        cidr.check_blocks(role.secret_id_bound_cidrs or [])
    except ValueError as error:
        raise BackendError(f"failed to validate CIDR blocks: {error}") from None
    if "secret_id_num_uses" in call:
        role.secret_id_num_uses = call["secret_id_num_uses"]
    if role.secret_id_num_uses < 0:
        raise ErrorResponse("secret_id_num_uses cannot be negative")
    if "secret_id_ttl" in call:
        role.secret_id_ttl = call["secret_id_ttl"]
