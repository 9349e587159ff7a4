"""Google Cloud auth: configuration and roles. A login needs Google's keys, which are not here."""

from __future__ import annotations

import json
from typing import Any

from mockkms.vault.auth.cloud.roles import Cloud, CloudRole, declare
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, refusing

engine = Engine("auth/gcp", kind="auth", new_state=Cloud, help="Logins with tokens of Google; only configured here.")

_ALIASES = {"iam_alias": ("unique_id", "role_id"), "gce_alias": ("instance_id", "role_id")}
_METADATA = {
    "iam_metadata": ("project_id", "role", "service_account_id", "service_account_email"),
    "gce_metadata": (
        "instance_creation_timestamp", "instance_id", "instance_name", "project_id", "project_number", "role",
        "service_account_id", "service_account_email", "zone",
    ),
}  # fmt: skip
config = engine.path(
    "config",
    {
        "credentials": Field(Kind.STRING, help="A service account's key, JSON."),
        "iam_alias": Field(Kind.STRING, default="role_id", help="What names the alias of an iam login."),
        "gce_alias": Field(Kind.STRING, default="role_id", help="What names the alias of a gce login."),
        "iam_metadata": Field(
            Kind.COMMA_STRINGS, help="Fields of an iam login's metadata; `default` selects the default ones."
        ),
        "gce_metadata": Field(
            Kind.COMMA_STRINGS, help="Fields of a gce login's metadata; `default` selects the default ones."
        ),
        "custom_endpoint": Field(Kind.KV_PAIRS, help="Where Google's services are instead."),
        "service_account_email": Field(Kind.STRING, help="Account of workload identity federation."),
        "google_certs_endpoint": Field(Kind.STRING, deprecated=True, help="Has no effect."),
    },
    help="Which Google is asked.",
)
_BOUNDS = {
    "type": Field(Kind.STRING, help="`iam` or `gce`."),
    "bound_service_accounts": Field(Kind.COMMA_STRINGS, help="Accepted service accounts; `*` is any."),
    "bound_projects": Field(Kind.COMMA_STRINGS, help="Accepted projects."),
    "add_group_aliases": Field(Kind.BOOL, help="Groups by project and folder."),
    "max_jwt_exp": Field(Kind.SECONDS, default=900, help="Longest life of a token that logs in (iam)."),
    "allow_gce_inference": Field(Kind.BOOL, default=True, help="Whether a machine's account may be inferred (iam)."),
    "bound_zones": Field(Kind.COMMA_STRINGS, help="Accepted zones (gce)."),
    "bound_regions": Field(Kind.COMMA_STRINGS, help="Accepted regions (gce)."),
    "bound_instance_groups": Field(Kind.COMMA_STRINGS, help="Accepted instance groups (gce)."),
    "bound_labels": Field(Kind.COMMA_STRINGS, help="Labels that machines must have, `name:value` (gce)."),
    "project_id": Field(Kind.STRING, deprecated=True, help="One accepted project."),
}
_EDIT = {
    "name": Field(Kind.STRING, help="Name of the role."),
    "add": Field(Kind.COMMA_STRINGS, help="Entries to add."),
    "remove": Field(Kind.COMMA_STRINGS, help="Entries to remove."),
}
accounts = engine.path("role/{name}/service-accounts", _EDIT, help="Change the service accounts of an iam role.")
labels = engine.path("role/{name}/labels", _EDIT, help="Change the labels of a gce role.")
login = engine.path(
    "login",
    {"role": Field(Kind.STRING, help="Role to log in against."), "jwt": Field(Kind.STRING, help="The signed token.")},
    login=True,
    help="Log in with a token of Google.",
)


def _check(role: CloudRole) -> None:
    settings = role.settings
    project = settings.pop("project_id", "")
    if project and project not in settings["bound_projects"]:
        settings["bound_projects"] = [*settings["bound_projects"], project]
    if not settings["type"]:
        raise ErrorResponse("role type is required")
    if settings["type"] not in ("iam", "gce"):
        raise ErrorResponse(f"role type '{settings['type']}' is invalid")
    if settings["type"] == "iam" and not settings["bound_service_accounts"]:
        raise ErrorResponse("IAM role type must have at least one service account")


declare(engine, _BOUNDS, _check, lists=("role[/]", "roles[/]"))


@config.on(Operation.READ)
def read(state: Cloud, _call: Call) -> Reply:
    """Return the settings; of the key only its owner."""
    if state.config is None:
        return None
    key = state.config["credentials"]
    told = ("client_email", "client_id", "private_key_id", "project_id")
    shown = {name: key[name] for name in told if key.get(name)}
    return shown | {name: state.config[name] for name in (*_ALIASES, *_METADATA)}


@config.on(Operation.UPDATE)
def write(state: Cloud, call: Call, *, credentials: str) -> None:
    """Keep settings; what is not sent stays. Raises ErrorResponse."""
    old = state.config or {}
    made = {name: call.get(name, old.get(name, call[name])) for name in config.fields}
    if "credentials" in call or "credentials" not in old:
        made["credentials"] = _key(credentials) if credentials else {}
    for name, known in _ALIASES.items():
        if made[name] not in known:
            raise ErrorResponse(f"invalid {name} type '{made[name]}', must be one of: {', '.join(known)}")
    for name, fields in _METADATA.items():
        made[name] = _metadata(name, made[name], fields)
    state.config = made


def _key(text: str) -> dict[str, Any]:
    with refusing("error reading google credentials from given JSON: "):
        key = json.loads(text)
    if not isinstance(key, dict):
        raise ErrorResponse("error reading google credentials from given JSON: it is not an object")
    return {str(name): str(value) for name, value in key.items()}


def _metadata(name: str, asked: list[str], known: tuple[str, ...]) -> list[str]:
    if not asked or asked == ["default"]:
        return list(known)
    if not set(asked) <= set(known):
        raise ErrorResponse(f"{name} contains an unavailable field, please select from {', '.join(known)}")
    return asked


@accounts.on(Operation.UPDATE)
def edit_accounts(state: Cloud, call: Call) -> None:
    """Add and remove service accounts. Raises ErrorResponse."""
    _edit(state, call, "iam", "bound_service_accounts")


@labels.on(Operation.UPDATE)
def edit_labels(state: Cloud, call: Call) -> None:
    """Add and remove labels. Raises ErrorResponse."""
    _edit(state, call, "gce", "bound_labels")


def _edit(state: Cloud, call: Call, kind: str, bound: str) -> None:
    if not call["add"] and not call["remove"]:
        raise ErrorResponse("must provide at least one value to add or remove")
    role = state.roles.get(call["name"].lower())
    if role is None:
        raise ErrorResponse(f"role '{call['name']}' does not exist")
    if role.settings["type"] != kind:
        raise ErrorResponse(f"cannot modify {bound} of a role of type '{role.settings['type']}'")
    kept = [one for one in role.settings[bound] if one not in call["remove"]]
    role.settings[bound] = list(dict.fromkeys([*kept, *call["add"]]))


@login.on(Operation.UPDATE)
def log_in(state: Cloud, call: Call, *, role: str, jwt: str) -> None:
    """Always refused: the token's owner cannot be verified here. Raises ErrorResponse and BackendError."""
    if not role:
        raise ErrorResponse("role is required")
    if role.lower() not in state.roles:
        raise ErrorResponse(f"role '{role}' not found")
    if not jwt:
        raise ErrorResponse("jwt must be provided")
    call.request.trace.hint = "logins with tokens of Google are not emulated; a rule can answer this path"
    raise BackendError("could not obtain the public keys of Google")
