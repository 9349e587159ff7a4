"""``role/{name}``: who may log in, and changes of a role's lists."""

from __future__ import annotations

import re

from mockkms.vault.auth.cloud.gcp.config import refuse_unknown
from mockkms.vault.auth.cloud.gcp.model import GcpAuth, GcpRole, engine
from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response
from mockkms.vault.golang.duration import go_duration
from mockkms.vault.golang.fmt import quote
from mockkms.vault.policy.names import quoted

_LIST = Kind.COMMA_STRINGS
_LABEL = re.compile(r"[a-z]([\w-]+)?:[\w-]*", re.ASCII)
_IAM_ONLY = ("max_jwt_exp", "allow_gce_inference")
_GCE_ONLY = ("bound_zones", "bound_regions", "bound_instance_groups", "bound_labels")
_FOREIGN = {"iam": _GCE_ONLY, "gce": _IAM_ONLY}
"""The parameters that a role of a type cannot have."""
_OLD = {"bound_zone": "bound_zones", "bound_region": "bound_regions", "bound_instance_group": "bound_instance_groups"}
_LONGEST = 3600
"""Maximum of ``max_jwt_exp`` in seconds."""
_EDIT = {
    "name": Field(Kind.STRING, help="Name of the role."),
    "add": Field(_LIST, help="Entries to add."),
    "remove": Field(_LIST, help="Entries to remove."),
}
accounts = engine.path("role/{name}/service-accounts", _EDIT, help="Change the service accounts of an iam role.")
labels = engine.path("role/{name}/labels", _EDIT, help="Change the labels of a gce role.")
roles = Collection[GcpAuth, GcpRole](
    engine,
    "role/{name}",
    GcpRole,
    lambda state: state.roles,
    name=Field(Kind.STRING, help="Name of the role, in any case."),
    lower=True,
    extra={
        "project_id": Field(Kind.STRING, deprecated=True, help="One accepted project."),
        "service_accounts": Field(_LIST, deprecated=True, help="The former name of bound_service_accounts."),
        **{old: Field(Kind.STRING, deprecated=True, help=f"One of {new}.") for old, new in _OLD.items()},
    },
    lists=("role[/]", "roles[/]"),
    paged=False,
    empty_list=True,
    help="Who may log in, and the parameters of the tokens.",
    list_help="The names of all roles.",
)


@roles.write
def write_role(
    state: GcpAuth,
    call: Call,
    name: str,
    role: GcpRole,
    *,
    project_id: str | None = None,
    service_accounts: list[str] | None = None,
) -> Response | None:
    """Create or change a role. Raises ErrorResponse, and BackendError for unknown parameters."""
    refuse_unknown(call)
    role.role_id = role.role_id or call.core.entropy.uuid()
    before, labels_before = role.type, role.bound_labels
    role.update_token_params(call)
    if not before and "type" not in call:
        raise ErrorResponse("role type cannot be empty")
    if before and call.get("type", before) != before:
        raise ErrorResponse("role type cannot be changed for an existing role")
    role.update_own(call)
    if service_accounts is not None and "bound_service_accounts" not in call:
        role.bound_service_accounts = service_accounts
    if project_id is not None:
        if "bound_projects" in call:
            raise ErrorResponse("only one of 'bound_projects' or 'project_id' can be given")
        role.bound_projects = [project_id]
    # The real server forgets the warnings about service_accounts and project_id.
    warnings: list[str] = []
    if role.type in _FOREIGN:
        foreign = [one for one in _FOREIGN[role.type] if one in call]
        if foreign:
            raise ErrorResponse(f"invalid args found for role of type {call['type']}: {','.join(foreign)}")
    if role.type == "gce":
        warnings += _take_singles(call, role)
        role.bound_labels = _labels(call["bound_labels"]) if "bound_labels" in call else labels_before
    for one in ("bound_service_accounts", "bound_projects", *_GCE_ONLY[:3]):
        setattr(role, one, sorted({value.strip() for value in getattr(role, one)} - {""}))
    warnings += _checked(call, role)
    return Response(warnings=warnings) if warnings else None


def _take_singles(call: Call, role: GcpRole) -> list[str]:
    """Add the values of deprecated parameters, and return the warnings about them. Raises ErrorResponse."""
    warnings = []
    for old, new in _OLD.items():
        if old in call:
            if new in call:
                raise ErrorResponse(f'cannot specify both "{old}" and {quote(new)}')
            said = old.removeprefix("bound_").replace("_", " ")
            warnings.append(
                f'The "{old}" field is deprecated. Please use "{new}" (plural) instead. You can still specify a single '
                f'{said}, but multiple {said}s are also now supported. The "{old}" field will be removed in a later '
                "release, so please update accordingly."
            )
            setattr(role, new, [*getattr(role, new), call[old]])
    return warnings


def _labels(given: list[str]) -> list[str]:
    """Return labels as they are stored, the last one of each name. Raises ErrorResponse."""
    invalid = [label for label in given if not _LABEL.fullmatch(label)]
    if invalid:
        raise ErrorResponse(f"invalid labels given: {quoted(invalid)}")
    kept = dict(label.split(":", 1) for label in given)
    return [f"{name}:{value}" for name, value in sorted(kept.items())]


def _checked(call: Call, role: GcpRole) -> list[str]:
    """Return the warnings about a role. Raises ErrorResponse."""
    return [*_checked_bounds(role), *_checked_lifetimes(call, role)]


def _checked_bounds(role: GcpRole) -> list[str]:
    if not role.type:
        raise ErrorResponse("role type cannot be empty")
    if role.type not in _FOREIGN:
        raise ErrorResponse(f"role type '{role.type}' is invalid")
    if role.type == "iam":
        if not role.bound_service_accounts:
            raise ErrorResponse("IAM role type must have at least one service account")
        if len(role.bound_service_accounts) > 1 and "*" in role.bound_service_accounts:
            raise ErrorResponse(
                "cannot provide IAM service account wildcard '*' (for all service accounts) with other service accounts"
            )
        if role.max_jwt_exp > _LONGEST:
            raise ErrorResponse(f"max_jwt_exp cannot be more than {_LONGEST // 60} minutes")
    elif role.bound_instance_groups and not role.bound_regions and not role.bound_zones:
        raise ErrorResponse("region or zone information must be specified if an instance group is given")
    elif role.bound_regions and role.bound_zones:
        return [
            'Given both "bound_regions" and "bound_zones" fields for role type "gce", "bound_regions" will be ignored '
            'in favor of the more specific "bound_zones" field. To fix this warning, update the role to remove either '
            'the "bound_regions" or "bound_zones" field.'
        ]
    return []


def _checked_lifetimes(call: Call, role: GcpRole) -> list[str]:
    warnings = []
    usual, longest = call.core.default_ttl(call.mount), call.core.max_ttl(call.mount)
    for name, value, limit in (("ttl", role.token_ttl, usual), ("max_ttl", role.token_max_ttl, longest)):
        if value > limit:
            warnings.append(
                f"Given {name} of {value} seconds greater than current mount/system default of {limit} seconds; {name} "
                "will be capped at login time"
            )
    if 0 < role.token_max_ttl < role.token_ttl:
        raise ErrorResponse("ttl should be shorter than max_ttl")
    if role.token_period > longest:
        raise ErrorResponse(
            f"'period' of '{go_duration(role.token_period)}' is greater than the backend's maximum lease TTL of "
            f"'{go_duration(longest)}'"
        )
    return warnings


@accounts.on(Operation.UPDATE)
def edit_accounts(state: GcpAuth, call: Call, *, add: list[str], remove: list[str]) -> None:
    """Add and remove service accounts. Raises ErrorResponse."""
    role = _to_edit(state, call, "iam", "service_accounts", [*add, *remove])
    kept = [one for one in [*role.bound_service_accounts, *add] if one not in remove]
    role.bound_service_accounts = list(dict.fromkeys(kept))


@labels.on(Operation.UPDATE)
def edit_labels(state: GcpAuth, call: Call, *, add: list[str], remove: list[str]) -> None:
    """Add labels, and remove labels by name. Raises ErrorResponse."""
    role = _to_edit(state, call, "gce", "labels", [*add, *remove])
    invalid = [label for label in add if not _LABEL.fullmatch(label)]
    if invalid:
        raise ErrorResponse(f"given invalid labels to add: {quoted(invalid)}")
    role.bound_labels = [label for label in _labels([*role.bound_labels, *add]) if label.split(":")[0] not in remove]


def _to_edit(state: GcpAuth, call: Call, kind: str, bound: str, entries: list[str]) -> GcpRole:
    refuse_unknown(call)
    if not entries:
        raise ErrorResponse("must provide at least one value to add or remove")
    role = roles.find(state, call)
    if role is None:
        raise ErrorResponse(f"role '{call['name']}' does not exist")
    if role.type != kind:
        raise ErrorResponse(
            f"role is type '{role.type}', cannot edit attribute '{bound}' (expected role type: '{kind}')"
        )
    return role
