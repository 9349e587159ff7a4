"""The paths of single parameters of a role."""

from __future__ import annotations

from collections.abc import Callable

from mockkms.vault.auth.approle.model import AppRole, AppRoleRole, engine
from mockkms.vault.auth.approle.role import ROLE_FIELDS, ROLE_NAME, too_long
from mockkms.vault.framework.endpoint import Call, Endpoint
from mockkms.vault.framework.message import ErrorResponse, Operation, Response, refusing
from mockkms.vault.policy import names as policynames
from mockkms.vault.tokens import cidr

Show = Callable[[AppRoleRole], dict[str, object]]
Change = Callable[[Call, AppRoleRole], None]
Clear = Callable[[AppRoleRole], None]
_OLD_LIST = 'The "bound_cidr_list" field is deprecated and will be removed. Please use "secret_id_bound_cidrs" instead.'
_NAMED_AS_SENT = ("bound-cidr-list", "secret-id-bound-cidrs", "token-bound-cidrs")
"""Paths whose deletion looks for the role's id under the name as it was sent, not in lower case."""


def _reread(role: AppRoleRole) -> list[str] | None:
    """Return the addresses of tokens as they are after the role was read from the storage."""
    return cidr.reread(role.token_bound_cidrs) if role.token_bound_cidrs else role.token_bound_cidrs


def _declare(path: str, names: tuple[str, ...], show: Show, change: Change | None, clear: Clear | None) -> Endpoint:
    """Declare a parameter at ``role/{role_name}/path``, with functions that show, change and reset it."""
    endpoint = engine.path(
        f"role/{{role_name}}/{path}",
        {**ROLE_NAME, **{name: ROLE_FIELDS[name] for name in names}},
        help=f"The {path} of a role.",
        go_errors=True,
    )

    @endpoint.on(Operation.READ)
    def read(state: AppRole, call: Call) -> Response | None:
        role = state.role(call)
        if role is None:
            return None
        return Response(data=show(role), warnings=[_OLD_LIST] if path == "bound-cidr-list" else [])

    if change is not None:

        @endpoint.on(Operation.UPDATE)
        def update(state: AppRole, call: Call) -> None:
            role = state.must(call).copy()
            role.token_bound_cidrs = _reread(role)
            change(call, role)
            state.put(role)

    if clear is not None:

        @endpoint.on(Operation.DELETE)
        def delete(state: AppRole, call: Call) -> None:
            found = state.role(call)
            if found is not None:
                role = found.copy()
                clear(role)
                state.put(role, call["role_name"] if path in _NAMED_AS_SENT else role.name)

    return endpoint


def _plain(path: str, name: str, check: Change | None, default: object) -> Endpoint:
    """Declare a parameter that is one member of the role."""

    def change(call: Call, role: AppRoleRole) -> None:
        if name not in call:
            raise ErrorResponse(f"missing {name}")
        setattr(role, name, call[name])
        if check is not None:
            check(call, role)

    return _declare(
        path, (name,), lambda role: {name: getattr(role, name)}, change, lambda role: setattr(role, name, default)
    )


# -- policies and period, which have former names ----------------------------------------------------------------


def _show_policies(role: AppRoleRole) -> dict[str, object]:
    data: dict[str, object] = {"token_policies": list(role.token_policies or [])}
    if role.old.get("policies"):
        data["policies"] = role.old["policies"]
    return data


def _change_policies(call: Call, role: AppRoleRole) -> None:
    if "token_policies" not in call and "policies" not in call:
        raise ErrorResponse("missing token_policies")
    new = "token_policies" in call
    role.token_policies = policynames.sanitize(call["token_policies" if new else "policies"])
    role.old.pop("policies", None)
    if "policies" in call:
        role.old["policies"] = role.token_policies


def _clear_policies(role: AppRoleRole) -> None:
    role.token_policies = None
    role.old.pop("policies", None)


def _show_period(role: AppRoleRole) -> dict[str, object]:
    return {"token_period": role.token_period, **({"period": role.old_period} if role.old_period > 0 else {})}


def _change_period(call: Call, role: AppRoleRole) -> None:
    if "token_period" not in call and "period" not in call:
        raise ErrorResponse("missing period")
    role.token_period = call["token_period" if "token_period" in call else "period"]
    role.old.pop("period", None)
    if "period" in call:
        role.old["period"] = role.token_period
    most = call.core.max_ttl(call.mount)
    if role.token_period > most:
        raise too_long(role.old_period, most)


def _clear_period(role: AppRoleRole) -> None:
    role.token_period = 0
    role.old.pop("period", None)


# -- addresses -----------------------------------------------------------------------------------------------------


def _change_blocks(call: Call, role: AppRoleRole) -> None:
    for name in ("secret_id_bound_cidrs", "bound_cidr_list"):
        if name in call.endpoint.fields and name in call:
            blocks = list(call[name])
            if not blocks:
                raise ErrorResponse("missing bound_cidr_list")
            with refusing("failed to validate CIDR blocks: "):
                cidr.check_blocks(blocks)
            role.secret_id_bound_cidrs = blocks


def _change_token_blocks(call: Call, role: AppRoleRole) -> None:
    if "token_bound_cidrs" in call:
        with refusing("failed to parse token_bound_cidrs: "):
            role.token_bound_cidrs = cidr.parse_addresses(call["token_bound_cidrs"])


def _clear_blocks(role: AppRoleRole) -> None:
    role.secret_id_bound_cidrs = None


def _clear_token_blocks(role: AppRoleRole) -> None:
    role.token_bound_cidrs = None


# -- requirements of values ----------------------------------------------------------------------------------------


def _check_uses(call: Call, role: AppRoleRole) -> None:
    if role.secret_id_num_uses < 0:
        raise ErrorResponse("secret_id_num_uses cannot be negative")


def _check_ttl(call: Call, role: AppRoleRole) -> None:
    if 0 < role.token_max_ttl < role.token_ttl:
        raise ErrorResponse("token_ttl should not be greater than token_max_ttl")


def _check_max_ttl(call: Call, role: AppRoleRole) -> None:
    if 0 < role.token_max_ttl < role.token_ttl:
        raise ErrorResponse("token_max_ttl should be greater than or equal to token_ttl")


def _change_role_id(call: Call, role: AppRoleRole) -> None:
    if not call["role_id"]:
        raise ErrorResponse("missing role_id")
    role.role_id = call["role_id"]


local_secret_ids = _declare(
    "local-secret-ids", (), lambda role: {"local_secret_ids": role.local_secret_ids}, None, None
)
policies = _declare("policies", ("policies", "token_policies"), _show_policies, _change_policies, _clear_policies)
bound_cidr_list = _declare(
    "bound-cidr-list", ("bound_cidr_list",), lambda role: {"bound_cidr_list": None}, _change_blocks, lambda role: None
)
secret_id_bound_cidrs = _declare(
    "secret-id-bound-cidrs",
    ("secret_id_bound_cidrs",),
    lambda role: {"secret_id_bound_cidrs": role.secret_id_bound_cidrs},
    _change_blocks,
    _clear_blocks,
)
token_bound_cidrs = _declare(
    "token-bound-cidrs",
    ("token_bound_cidrs",),
    lambda role: {"token_bound_cidrs": _reread(role)},
    _change_token_blocks,
    _clear_token_blocks,
)
bind_secret_id = _plain("bind-secret-id", "bind_secret_id", None, True)
secret_id_num_uses = _plain("secret-id-num-uses", "secret_id_num_uses", _check_uses, 0)
secret_id_ttl = _plain("secret-id-ttl", "secret_id_ttl", None, 0)
period = _declare("period", ("period", "token_period"), _show_period, _change_period, _clear_period)
token_num_uses = _plain("token-num-uses", "token_num_uses", None, 0)
token_ttl = _plain("token-ttl", "token_ttl", _check_ttl, 0)
token_max_ttl = _plain("token-max-ttl", "token_max_ttl", _check_max_ttl, 0)
role_id = _declare("role-id", ("role_id",), lambda role: {"role_id": role.role_id}, _change_role_id, None)
