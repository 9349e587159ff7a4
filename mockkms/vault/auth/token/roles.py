"""Token roles: the properties of tokens created with them."""

from __future__ import annotations

import re

from mockkms.vault.auth.token.model import TokenRole, TokenRoles, engine
from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Response, refusing
from mockkms.vault.golang.fmt import quote, shown
from mockkms.vault.kernel.record_section import named, record_section
from mockkms.vault.policy import names
from mockkms.vault.tokens import cidr

roles = Collection[TokenRoles, TokenRole](
    engine,
    "roles/{role_name}",
    TokenRole,
    lambda state: state.roles,
    name=Field(Kind.STRING, help="The role."),
    paged=False,
    empty_list=True,
    help="A token role.",
    list_help="The roles of this namespace.",
)
_SUFFIX = re.compile(r"\w[\w.\-]+\w", re.ASCII)
_TYPES = frozenset(("service", "batch", "default-service", "default-batch"))

section = record_section(named("roles", "token roles by name", roles))


@roles.write
def write(
    state: TokenRoles, call: Call, name: str, role: TokenRole, *, allowed_entity_aliases: list[str]
) -> Response | None:
    """Create or change a role. Raises ErrorResponse."""
    role.name = name
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
    return Response(warnings=warnings) if warnings else None


def _general(call: Call, role: TokenRole) -> None:
    role.update_from(call, "orphan", "renewable")
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
    given = shown(call.raw["token_type"])
    if given not in _TYPES:
        raise ErrorResponse(f"invalid 'token_type' value {quote(given)}")
    role.token_type = given


def _shared(call: Call, role: TokenRole) -> None:
    frame = "error parsing role fields: "
    if "token_bound_cidrs" in call:
        with refusing(frame):
            role.token_bound_cidrs = cidr.parse_addresses(call["token_bound_cidrs"])
    role.update_from(call, "token_explicit_max_ttl", "token_no_default_policy", "token_period", "token_num_uses")
    if role.token_num_uses < 0:
        raise ErrorResponse(f"{frame}'token_num_uses' cannot be negative")
    if role.token_type in ("batch", "default-batch") and "token_type" not in call.raw:
        # Only the stored type is checked here: a sent one is read later.
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
        with refusing("error parsing bound_cidrs: "):
            role.bound_cidrs = cidr.parse_addresses(call["bound_cidrs"])
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
