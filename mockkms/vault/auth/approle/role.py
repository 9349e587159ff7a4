"""Roles as a whole: written, read, listed, deleted."""

from __future__ import annotations

from copy import copy

from mockkms.vault.auth.approle.model import AppRole, AppRoleRole, constrained, engine
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response, refusing
from mockkms.vault.framework.pages import page
from mockkms.vault.golang.duration import go_duration
from mockkms.vault.products.features import Feature
from mockkms.vault.tokens import cidr

ROLE_NAME = {"role_name": Field(Kind.STRING, help="Name of the role, in any case.")}
_OLD_LIST = Field(Kind.COMMA_STRINGS, help="The former name of secret_id_bound_cidrs.", deprecated=True)
ROLE_FIELDS = {**AppRoleRole.fields(), "bound_cidr_list": _OLD_LIST}
PAGE = {
    "after": Field(Kind.STRING, query=True, help="Entry after which to start.", needs=Feature.PAGINATION),
    "limit": Field(Kind.INT, query=True, help="Most entries to show.", needs=Feature.PAGINATION),
}

role_path = engine.path("role/{role_name}", {**ROLE_NAME, **ROLE_FIELDS}, help="A role.")
listing = engine.path("role[/]", PAGE, help="The names of all roles.")


@listing.on(Operation.LIST)
def list_roles(state: AppRole, call: Call, *, after: str, limit: int) -> Reply:
    return {"keys": page(sorted(state.roles), after, limit)}


@role_path.existence
def exists(state: AppRole, call: Call) -> bool:
    return state.role(call) is not None


@role_path.on(Operation.READ)
def read_role(state: AppRole, call: Call) -> Response | None:
    role = state.role(call)
    if role is None:
        return None
    text = "Role does not have any constraints set on it. Updates to this role will require a constraint to be set"
    return Response(data=role.shown(call.core.product), warnings=[] if constrained(role) else [text])


@role_path.on(Operation.DELETE)
def delete_role(state: AppRole, call: Call) -> None:
    role = state.role(call)
    if role is not None:
        state.drop(role, call.now())


@role_path.on(Operation.CREATE, Operation.UPDATE)
def write_role(state: AppRole, call: Call, *, role_name: str) -> Response | None:
    name: str = role_name.lower()
    if len(name) > 4096:
        raise ErrorResponse("role_name is longer than maximum of 4096 bytes")
    found = state.roles.get(name)
    role = edited(found) if found is not None else AppRoleRole(name=name, hmac_key=call.core.entropy.uuid())
    warnings = _adjust_type(call)
    with refusing():
        role.parse(call)
    _ids(call, role, new=found is None)
    _secret_ids(call, role)
    role.upgrade(call)
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


def edited(role: AppRoleRole) -> AppRoleRole:
    """Return a copy to change, so that a refused write changes nothing."""
    changed = copy(role)
    changed.old = dict(role.old)
    return changed


def too_long(period: int, most: int) -> ErrorResponse:
    """Return the refusal of a period beyond the mount's largest lease."""
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


def _ids(call: Call, role: AppRoleRole, *, new: bool) -> None:
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
    role.update_from(call, "bind_secret_id")


def _secret_ids(call: Call, role: AppRoleRole) -> None:
    for name in ("secret_id_bound_cidrs", "bound_cidr_list"):
        if name in call:
            role.secret_id_bound_cidrs = list(call[name])
            break
    with refusing("failed to validate CIDR blocks: ", BackendError):
        cidr.check_blocks(role.secret_id_bound_cidrs or [])
    role.update_from(call, "secret_id_num_uses")
    if role.secret_id_num_uses < 0:
        raise ErrorResponse("secret_id_num_uses cannot be negative")
    role.update_from(call, "secret_id_ttl")
