"""``role/{role_name}``: roles as a whole."""

from __future__ import annotations

from mockkms.vault.auth.approle.model import AppRole, AppRoleRole, constrained, engine
from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response, refusing
from mockkms.vault.golang.duration import go_duration
from mockkms.vault.tokens import cidr

_NAME = Field(Kind.STRING, help="Name of the role, in any case.")
ROLE_NAME = {"role_name": _NAME}
_OLD_LIST = Field(Kind.COMMA_STRINGS, help="The former name of secret_id_bound_cidrs.", deprecated=True)
ROLE_FIELDS = {**AppRoleRole.fields(), "bound_cidr_list": _OLD_LIST}

roles = Collection[AppRole, AppRoleRole](
    engine,
    "role/{role_name}",
    AppRoleRole,
    lambda state: state.roles,
    name=_NAME,
    lower=True,
    extra={"bound_cidr_list": _OLD_LIST},
    empty_list=True,
    supplies=(Operation.LIST,),
    help="A role.",
    list_help="The names of all roles.",
    go_errors=True,
)


@roles.one.on(Operation.READ)
def read_role(state: AppRole, call: Call) -> Response | None:
    """Return the role, or None; with a warning if nothing constrains its logins."""
    role = state.role(call)
    if role is None:
        return None
    text = "Role does not have any constraints set on it. Updates to this role will require a constraint to be set"
    return Response(data=role.shown(call.core.product), warnings=[] if constrained(role) else [text])


@roles.one.on(Operation.DELETE)
def delete_role(state: AppRole, call: Call) -> None:
    """Delete the role with its secret ids; succeed if it does not exist."""
    role = state.role(call)
    if role is not None:
        state.drop(role, call.now())


@roles.write
def write_role(state: AppRole, call: Call, name: str, role: AppRoleRole) -> Response | None:
    """Create or change a role. Raises ErrorResponse and BackendError."""
    if len(name) > 4096:
        raise ErrorResponse("role_name is longer than maximum of 4096 bytes")
    new = not role.hmac_key
    if new:
        role.name, role.hmac_key = name, call.core.entropy.uuid()
    warnings = _adjust_type(call)
    with refusing():
        role.parse(call)
    _ids(call, role, new=new)
    _secret_ids(call, role)
    role.upgrade(call)
    most = call.core.max_ttl(call.mount)
    if role.old_period > most:
        raise too_long(role.old_period, most)
    if role.token_max_ttl > most:
        warnings.append(
            "token_max_ttl is greater than the backend mount's maximum TTL value; issued tokens' max TTL value will be "
            "truncated"
        )
    try:
        state.put(role)
    except BackendError as error:
        if warnings:
            error.status = 400  # Of an error that comes with a response.
        raise
    return Response(warnings=warnings) if warnings else None


def too_long(period: int, most: int) -> ErrorResponse:
    """Return the error for a period longer than the mount's maximum lease."""
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
