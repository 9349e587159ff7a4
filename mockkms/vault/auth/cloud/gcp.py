"""Google Cloud auth: configuration and roles. A login needs Google's keys, which this server does not have."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Annotated

from mockkms.vault.auth.cloud.roles import CloudRole
from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, refusing
from mockkms.vault.framework.records import Record, Show, param
from mockkms.world.stored import stored

_LIST = Kind.COMMA_STRINGS
_ALIASES = {"iam_alias": ("unique_id", "role_id"), "gce_alias": ("instance_id", "role_id")}
_METADATA = {
    "iam_metadata": ("project_id", "role", "service_account_id", "service_account_email"),
    "gce_metadata": (
        "instance_creation_timestamp", "instance_id", "instance_name", "project_id", "project_number", "role",
        "service_account_id", "service_account_email", "zone",
    ),
}  # fmt: skip
_KEY_SHOWN = ("client_email", "client_id", "private_key_id", "project_id")
_UNREADABLE = "error reading google credentials from given JSON: "


@stored("auth.gcp.GcpConfig")
@dataclass
class GcpConfig(Record):
    """How Google is contacted, and data of logins for the identity store."""

    key: dict[str, str] = field(default_factory=dict)
    """The members of the service account's key; empty without one."""
    iam_alias: Annotated[str, param(Kind.STRING, help="Source of the alias name of an iam login.")] = "role_id"
    gce_alias: Annotated[str, param(Kind.STRING, help="Source of the alias name of a gce login.")] = "role_id"
    iam_metadata: Annotated[
        list[str], param(_LIST, help="Fields of an iam login's metadata; `default` selects the default ones.")
    ] = field(default_factory=list)
    gce_metadata: Annotated[
        list[str], param(_LIST, help="Fields of a gce login's metadata; `default` selects the default ones.")
    ] = field(default_factory=list)
    custom_endpoint: Annotated[
        dict[str, str], param(Kind.KV_PAIRS, help="Other addresses of Google's services.", show=Show.NEVER)
    ] = field(default_factory=dict)
    service_account_email: Annotated[
        str, param(Kind.STRING, help="Account of workload identity federation.", show=Show.NEVER)
    ] = ""
    google_certs_endpoint: Annotated[
        str, param(Kind.STRING, deprecated=True, help="Has no effect.", show=Show.NEVER)
    ] = ""


@stored("auth.gcp.GcpRole")
@dataclass
class GcpRole(CloudRole):
    """Who may log in: service accounts (iam) or machines (gce)."""

    type: Annotated[str, param(Kind.STRING, help="`iam` or `gce`.")] = ""
    bound_service_accounts: Annotated[list[str], param(_LIST, help="Accepted service accounts; `*` is any.")] = field(
        default_factory=list
    )
    bound_projects: Annotated[list[str], param(_LIST, help="Accepted projects.")] = field(default_factory=list)
    add_group_aliases: Annotated[bool, param(Kind.BOOL, help="Groups by project and folder.")] = False
    max_jwt_exp: Annotated[
        int, param(Kind.SECONDS, help="Longest lifetime in seconds of a token that logs in (iam).")
    ] = 900
    allow_gce_inference: Annotated[
        bool, param(Kind.BOOL, help="Whether a machine's account may be inferred (iam).")
    ] = True
    bound_zones: Annotated[list[str], param(_LIST, help="Accepted zones (gce).")] = field(default_factory=list)
    bound_regions: Annotated[list[str], param(_LIST, help="Accepted regions (gce).")] = field(default_factory=list)
    bound_instance_groups: Annotated[list[str], param(_LIST, help="Accepted instance groups (gce).")] = field(
        default_factory=list
    )
    bound_labels: Annotated[list[str], param(_LIST, help="Labels that machines must have, `name:value` (gce).")] = (
        field(default_factory=list)
    )


@stored("auth.gcp.GcpAuth")
@dataclass
class GcpAuth:
    """State of a mount."""

    config: GcpConfig | None = None
    roles: dict[str, GcpRole] = field(default_factory=dict)


engine = Engine("auth/gcp", kind="auth", new_state=GcpAuth, help="Logins with tokens of Google; only configured here.")
config = engine.path(
    "config",
    lambda: {**GcpConfig.fields(), "credentials": Field(Kind.STRING, help="A service account's key, JSON.")},
    help="How Google is contacted.",
)
_EDIT = {
    "name": Field(Kind.STRING, help="Name of the role."),
    "add": Field(_LIST, help="Entries to add."),
    "remove": Field(_LIST, help="Entries to remove."),
}
accounts = engine.path("role/{name}/service-accounts", _EDIT, help="Change the service accounts of an iam role.")
labels = engine.path("role/{name}/labels", _EDIT, help="Change the labels of a gce role.")
login = engine.path(
    "login",
    {"role": Field(Kind.STRING, help="Role to log in with."), "jwt": Field(Kind.STRING, help="The signed token.")},
    login=True,
    help="Log in with a token of Google.",
    go_errors=True,
)
roles = Collection[GcpAuth, GcpRole](
    engine,
    "role/{name}",
    GcpRole,
    lambda state: state.roles,
    name=Field(Kind.STRING, help="Name of the role, in any case."),
    lower=True,
    extra={"project_id": Field(Kind.STRING, deprecated=True, help="One accepted project.")},
    lists=("role[/]", "roles[/]"),
    paged=False,
    empty_list=True,
    help="Who may log in, and the parameters of the tokens.",
    list_help="The names of all roles.",
)


@roles.write
def write_role(state: GcpAuth, call: Call, name: str, role: GcpRole, *, project_id: str) -> None:
    """Create or change a role. Raises ErrorResponse."""
    role.take(call)
    if project_id and project_id not in role.bound_projects:
        role.bound_projects = [*role.bound_projects, project_id]
    if not role.type:
        raise ErrorResponse("role type is required")
    if role.type not in ("iam", "gce"):
        raise ErrorResponse(f"role type '{role.type}' is invalid")
    if role.type == "iam" and not role.bound_service_accounts:
        raise ErrorResponse("IAM role type must have at least one service account")


@config.on(Operation.READ)
def read(state: GcpAuth, call: Call) -> Reply:
    """Return the settings, without the secret part of the key."""
    found = state.config
    if found is None:
        return None
    key = {name: found.key[name] for name in _KEY_SHOWN if found.key.get(name)}
    return {**key, **found.shown(call.core.product)}


@config.on(Operation.UPDATE)
def write(state: GcpAuth, call: Call, *, credentials: str | None = None) -> None:
    """Change the settings that were sent. Raises ErrorResponse."""
    made = state.config.copy() if state.config else GcpConfig()
    made.update_from(call)
    if credentials is not None:
        made.key = _key(credentials) if credentials else {}
    for name, requested in (("iam_alias", made.iam_alias), ("gce_alias", made.gce_alias)):
        if requested not in _ALIASES[name]:
            raise ErrorResponse(f"invalid {name} type '{requested}', must be one of: {', '.join(_ALIASES[name])}")
    made.iam_metadata = _metadata("iam_metadata", made.iam_metadata)
    made.gce_metadata = _metadata("gce_metadata", made.gce_metadata)
    state.config = made


def _key(text: str) -> dict[str, str]:
    with refusing(_UNREADABLE):
        key: object = json.loads(text)
    if not isinstance(key, dict):
        raise ErrorResponse(f"{_UNREADABLE}it is not an object")
    return {str(name): str(value) for name, value in key.items()}


def _metadata(name: str, requested: list[str]) -> list[str]:
    known = _METADATA[name]
    if not requested or requested == ["default"]:
        return list(known)
    if not set(requested) <= set(known):
        raise ErrorResponse(f"{name} contains an unavailable field, please select from {', '.join(known)}")
    return requested


@accounts.on(Operation.UPDATE)
def edit_accounts(state: GcpAuth, call: Call, *, add: list[str], remove: list[str]) -> None:
    """Add and remove service accounts. Raises ErrorResponse."""
    role = _to_edit(state, call, "iam", "bound_service_accounts", [*add, *remove])
    role.bound_service_accounts = _edited(role.bound_service_accounts, add, remove)


@labels.on(Operation.UPDATE)
def edit_labels(state: GcpAuth, call: Call, *, add: list[str], remove: list[str]) -> None:
    """Add and remove labels. Raises ErrorResponse."""
    role = _to_edit(state, call, "gce", "bound_labels", [*add, *remove])
    role.bound_labels = _edited(role.bound_labels, add, remove)


def _to_edit(state: GcpAuth, call: Call, kind: str, bound: str, entries: list[str]) -> GcpRole:
    if not entries:
        raise ErrorResponse("must provide at least one value to add or remove")
    role = roles.find(state, call)
    if role is None:
        raise ErrorResponse(f"role '{call['name']}' does not exist")
    if role.type != kind:
        raise ErrorResponse(f"cannot modify {bound} of a role of type '{role.type}'")
    return role


def _edited(values: list[str], add: list[str], remove: list[str]) -> list[str]:
    return list(dict.fromkeys([*(one for one in values if one not in remove), *add]))


@login.on(Operation.UPDATE)
def log_in(state: GcpAuth, call: Call, *, role: str, jwt: str) -> None:
    """Refuse the login: the token's owner cannot be verified here. Raises ErrorResponse and BackendError."""
    if not role:
        raise ErrorResponse("role is required")
    if role.lower() not in state.roles:
        raise ErrorResponse(f"role '{role}' not found")
    if not jwt:
        raise ErrorResponse("jwt must be provided")
    call.request.trace.hint = "logins with tokens of Google are not emulated; a rule can answer this path"
    raise BackendError("could not obtain the public keys of Google")
