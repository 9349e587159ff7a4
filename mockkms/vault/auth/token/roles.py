"""Token roles: what tokens made against them may be."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any

from mockkms.vault.auth.token.model import TokenRole, TokenRoles, engine
from mockkms.vault.auth.token_params import TokenParams
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response
from mockkms.vault.golang.fmt import quote
from mockkms.vault.policy import names
from mockkms.vault.tokens import cidr

_SHARED = (
    "token_bound_cidrs", "token_explicit_max_ttl", "token_period", "token_type", "token_no_default_policy",
    "token_num_uses",
)  # fmt: skip
_NAMES = Kind.COMMA_STRINGS

listing = engine.path("roles[/]", help="The roles of this namespace.")
role_path = engine.path(
    "roles/{role_name}",
    {
        "role_name": Field(Kind.STRING, help="The role."),
        "allowed_policies": Field(_NAMES, help="Policies that may be asked for, whatever the asking token has."),
        "disallowed_policies": Field(_NAMES, help="Policies that must not be asked for."),
        "allowed_policies_glob": Field(_NAMES, help="The same as allowed_policies, with wildcards."),
        "disallowed_policies_glob": Field(_NAMES, help="The same as disallowed_policies, with wildcards."),
        "orphan": Field(Kind.BOOL, help="Make orphans."),
        "period": Field(Kind.SECONDS, help="The former name of token_period.", deprecated=True),
        "path_suffix": Field(Kind.STRING, help="Ending of the path that the tokens are made at."),
        "explicit_max_ttl": Field(Kind.SECONDS, help="The former name of token_explicit_max_ttl.", deprecated=True),
        "renewable": Field(Kind.BOOL, default=True, help="Whether the tokens can be renewed."),
        "bound_cidrs": Field(_NAMES, help="The former name of token_bound_cidrs.", deprecated=True),
        "allowed_entity_aliases": Field(_NAMES, help="Entity aliases that may be asked for; wildcards are heeded."),
        **TokenParams.fields(*_SHARED),
    },
    help="A token role.",
)
_SUFFIX = re.compile(r"\w[\w.\-]+\w", re.ASCII)
_TYPES = frozenset(("service", "batch", "default-service", "default-batch"))


@listing.on(Operation.LIST)
def list_roles(state: TokenRoles, call: Call) -> dict[str, Any]:
    return {"keys": sorted(state.roles)}


@role_path.existence
def exists(state: TokenRoles, call: Call, *, role_name: str) -> bool:
    return role_name in state.roles


@role_path.on(Operation.READ)
def read_role(state: TokenRoles, call: Call, *, role_name: str) -> dict[str, Any] | None:
    role = state.roles.get(role_name)
    if role is None:
        return None
    data: dict[str, Any] = {
        name: getattr(role, name)
        for name in (
            "period", "token_period", "explicit_max_ttl", "token_explicit_max_ttl", "disallowed_policies",
            "allowed_policies", "disallowed_policies_glob", "allowed_policies_glob", "name", "orphan", "path_suffix",
            "renewable", "token_type", "allowed_entity_aliases", "token_no_default_policy",
        )
    }  # fmt: skip
    optional = ("token_bound_cidrs", "bound_cidrs", "token_num_uses")
    return data | {name: value for name in optional if (value := getattr(role, name))}


@role_path.on(Operation.DELETE)
def delete_role(state: TokenRoles, call: Call, *, role_name: str) -> None:
    state.roles.pop(role_name, None)


@role_path.on(Operation.CREATE, Operation.UPDATE)
def write_role(state: TokenRoles, call: Call, *, role_name: str, allowed_entity_aliases: list[str]) -> Response | None:
    name = role_name
    role = deepcopy(state.roles.get(name)) or TokenRole(name)
    _general(call, role)
    if "token_type" in call.raw and call.raw["token_type"] is None:
        raise ErrorResponse("Invalid 'token_type' value: null")
    _shared(call, role)
    _token_type(call, role)
    warnings: list[str] = []
    _period(call, role, warnings)
    _cidrs(call, role, warnings)
    _explicit_max(call, role, warnings)
    if role.token_type == "batch":
        _check_batch(role)
    if "allowed_entity_aliases" in call:
        role.allowed_entity_aliases = names.distinct(allowed_entity_aliases)
    state.roles[name] = role
    return Response(warnings=warnings) if warnings else None


def _general(call: Call, role: TokenRole) -> None:
    for name in ("orphan", "renewable"):
        if name in call:
            setattr(role, name, call[name])
    if "path_suffix" in call:
        suffix: str = call["path_suffix"]
        if suffix and not _SUFFIX.search(suffix):
            raise ErrorResponse("given role path suffix contains invalid characters; must match \\w[\\w-.]+\\w")
        role.path_suffix = suffix
    if ".." in role.path_suffix:
        raise ErrorResponse("error registering path suffix: path cannot contain parent references")
    for name in ("allowed_policies", "allowed_policies_glob"):
        if name in call:
            setattr(role, name, names.sanitize(call[name]))
    for name in ("disallowed_policies", "disallowed_policies_glob"):
        if name in call:
            setattr(role, name, names.distinct(call[name]))


def _token_type(call: Call, role: TokenRole) -> None:
    if "token_type" not in call.raw:
        return
    given = str(call.raw["token_type"])
    if given not in _TYPES:
        raise ErrorResponse(f"invalid 'token_type' value {quote(given)}")
    role.token_type = given


def _shared(call: Call, role: TokenRole) -> None:
    frame = "error parsing role fields: "
    if "token_bound_cidrs" in call:
        try:
            role.token_bound_cidrs = cidr.parse_addresses(call["token_bound_cidrs"])
        except ValueError as error:
            raise ErrorResponse(f"{frame}{error}") from None
    for name in ("token_explicit_max_ttl", "token_no_default_policy", "token_period", "token_num_uses"):
        if name in call:
            setattr(role, name, call[name])
    if role.token_num_uses < 0:
        raise ErrorResponse(f"{frame}'token_num_uses' cannot be negative")
    if role.token_type in ("batch", "default-batch") and "token_type" not in call.raw:
        # Only the type that is stored is looked at here: one that is sent is read later.
        refused = f"{frame}'token_type' cannot be 'batch' or 'default_batch' when set to generate "
        if role.token_period:
            raise ErrorResponse(f"{refused}periodic tokens")
        if role.token_num_uses:
            raise ErrorResponse(f"{refused}tokens with limited use count")


def _both(new: str, old: str) -> str:
    return f"Both '{new}' and deprecated '{old}' value supplied, ignoring the deprecated value"


def _period(call: Call, role: TokenRole, warnings: list[str]) -> None:
    if "token_period" in call:
        if "period" in call:
            warnings.append(_both("token_period", "period"))
        role.period = 0
    elif "period" in call:
        role.period = role.token_period = call["period"]


def _cidrs(call: Call, role: TokenRole, warnings: list[str]) -> None:
    if "token_bound_cidrs" in call:
        if "bound_cidrs" in call:
            warnings.append(_both("token_bound_cidrs", "bound_cidrs"))
        role.bound_cidrs = []
    elif "bound_cidrs" in call:
        try:
            role.bound_cidrs = cidr.parse_addresses(call["bound_cidrs"])
        except ValueError as error:
            raise ErrorResponse(f"error parsing bound_cidrs: {error}") from None
        role.token_bound_cidrs = list(role.bound_cidrs)


def _explicit_max(call: Call, role: TokenRole, warnings: list[str]) -> None:
    final = role.token_explicit_max_ttl
    if "token_explicit_max_ttl" in call:
        if "explicit_max_ttl" in call:
            warnings.append(_both("token_explicit_max_ttl", "explicit_max_ttl"))
        role.explicit_max_ttl = 0
    else:
        if "explicit_max_ttl" in call:
            role.explicit_max_ttl = role.token_explicit_max_ttl = call["explicit_max_ttl"]
        final = role.explicit_max_ttl
    most = call.core.max_ttl(call.mount)
    if final > most:
        warnings.append(
            f"Given explicit max TTL of {final} is greater than system/mount allowed value of {most} seconds; until "
            "this is fixed attempting to create tokens against this role will result in an error"
        )


def _check_batch(role: TokenRole) -> None:
    for faulty, what in (
        (not role.orphan, "non-orphan tokens"),
        (role.period or role.token_period, "periodic tokens"),
        (role.renewable, "renewable tokens"),
        (role.explicit_max_ttl or role.token_explicit_max_ttl, "tokens with an explicit max TTL"),
    ):
        if faulty:
            raise ErrorResponse(f"'token_type' cannot be 'batch' when role is set to generate {what}")
