"""``role``: who may log in."""

from __future__ import annotations

from copy import deepcopy
from typing import Any
from urllib.parse import urlsplit

from mockkms import outside
from mockkms.vault.auth.cloud.aws.engine import AwsAuth, AwsAuthRole, engine
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation
from mockkms.vault.golang.duration import go_duration

_MACHINE_BOUNDS = (
    "bound_account_id", "bound_region", "bound_ami_id", "bound_iam_instance_profile_arn", "bound_ec2_instance_id",
    "bound_iam_role_arn",
)  # fmt: skip
_NETWORK_BOUNDS = ("bound_vpc_id", "bound_subnet_id")
_PRINCIPALS = "bound_iam_principal_arn"
_BOUNDS = (*_MACHINE_BOUNDS, _PRINCIPALS, *_NETWORK_BOUNDS)
_SWITCHES = ("allow_instance_migration", "disallow_reauthentication")
_INFERRED = ("inferred_entity_type", "inferred_aws_region")
_LONGEST_TAG = 127

role = engine.path(
    "role/{role}",
    {
        "role": Field(Kind.STRING, help="Name of the role, in any case."),
        "auth_type": Field(Kind.STRING, help="How it is logged in with: `iam` or `ec2`; `iam` if missing."),
        **{name: Field(Kind.COMMA_STRINGS, help="What the caller must have.") for name in _BOUNDS},
        "resolve_aws_unique_ids": Field(Kind.BOOL, default=True, help="Bind to the ids of principals, not to names."),
        "inferred_entity_type": Field(Kind.STRING, help="`ec2_instance`, to infer the machine of the caller."),
        "inferred_aws_region": Field(Kind.STRING, help="Region where it is looked for."),
        "role_tag": Field(Kind.STRING, help="Key of the tag that can bound logins of machines further."),
        **{name: Field(Kind.BOOL, help="How often, and from where, a machine logs in.") for name in _SWITCHES},
        **AwsAuthRole.fields(),
    },
    help="Who may log in, and the parameters of the tokens.",
)
every = engine.path("role[/]", help="The names of all roles.")
every_too = engine.path("roles[/]", help="The names of all roles.")


@every.on(Operation.LIST)
@every_too.on(Operation.LIST)
def list_roles(state: AwsAuth, _call: Call) -> Reply:
    """Return the names."""
    return {"keys": sorted(state.roles)}


@role.existence
def exists(state: AwsAuth, call: Call) -> bool:
    return call["role"].lower() in state.roles


@role.on(Operation.READ)
def read_role(state: AwsAuth, call: Call) -> Reply:
    """Return one role."""
    found = state.roles.get(call["role"].lower())
    if found is None:
        return None
    # Recorded: the ids of machines are null where none is bound, the other bounds empty lists.
    bounds = {name: found.bounds[name] or (None if name == "bound_ec2_instance_id" else []) for name in _BOUNDS}
    return {
        **found.shown(call.core.product),
        **bounds,
        **found.settings,
        "auth_type": found.auth_type,
        "bound_iam_principal_id": list(found.principal_ids),
        "role_id": found.role_id,
    }


@role.on(Operation.DELETE)
def delete_role(state: AwsAuth, call: Call) -> None:
    """Delete a role; none there is fine too."""
    state.roles.pop(call["role"].lower(), None)


@role.on(Operation.CREATE, Operation.UPDATE)
def write_role(state: AwsAuth, call: Call, *, role_tag: str) -> None:
    """Make or change a role; what is not sent stays. Raises ErrorResponse."""
    name = call["role"].lower()
    made = deepcopy(state.roles.get(name)) or _new()
    made.bounds |= {bound: call[bound] for bound in _BOUNDS if bound in call}
    _resolve(state, call, made)
    made.settings |= {name: call[name] for name in _INFERRED if name in call}
    _set_type(call, made)
    _check_bounds(made)
    made.settings |= {name: call[name] for name in _SWITCHES if name in call}
    if all(made.settings[name] for name in _SWITCHES):
        raise ErrorResponse("cannot specify both disallow_reauthentication=true and allow_instance_migration=true")
    _set_token(call, made)
    if "role_tag" in call:
        if len(role_tag) > _LONGEST_TAG:
            raise ErrorResponse(f"length of role tag exceeds the EC2 key limit of {_LONGEST_TAG} characters")
        made.settings["role_tag"] = role_tag
    made.role_id = made.role_id or call.core.entropy.uuid()
    made.hmac_key = made.hmac_key or call.core.entropy.uuid()
    state.roles[name] = made


def _new() -> AwsAuthRole:
    settings: dict[str, Any] = {**dict.fromkeys(_INFERRED, ""), **dict.fromkeys(_SWITCHES, False)}
    settings |= {"role_tag": "", "resolve_aws_unique_ids": True}
    return AwsAuthRole(bounds={name: [] for name in _BOUNDS}, settings=settings)


def _resolve(state: AwsAuth, call: Call, made: AwsAuthRole) -> None:
    """Bind to the ids of principals. A configured endpoint that refuses is an error; other ids are made up here."""
    before = made.settings["resolve_aws_unique_ids"]
    wanted = call.get("resolve_aws_unique_ids", before)
    if made.role_id and before and not wanted:
        raise ErrorResponse("changing resolve_aws_unique_ids from true to false is not allowed")
    made.settings["resolve_aws_unique_ids"] = wanted
    if _PRINCIPALS in call or (wanted and not before):
        arns = [arn for arn in made.bounds[_PRINCIPALS] if wanted and not arn.endswith("*")]
        for arn in arns:
            _ask(state, arn)
        made.principal_ids = ["AROA" + call.core.entropy.hex(8).upper() for _ in arns]


def _ask(state: AwsAuth, arn: str) -> None:
    """Raise ErrorResponse where the configured endpoint of STS, on this machine, takes no connection."""
    endpoint = (state.config or {}).get("sts_endpoint", "")
    if not endpoint or not outside.is_here(endpoint):
        return
    try:
        outside.get(endpoint, {})
    except OSError:
        parts = urlsplit(endpoint)
        fault = outside.refusal(parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
        raise ErrorResponse(
            f'unable to resolve ARN "{arn}" to internal ID: unable to fetch current caller: RequestError: send request '
            f'failed\ncaused by: Post "{endpoint.rstrip("/")}/": {fault}'
        ) from None


def _set_type(call: Call, made: AwsAuthRole) -> None:
    wanted = call.get("auth_type", made.auth_type or "iam")
    if made.auth_type and wanted != made.auth_type:
        raise ErrorResponse("changing auth_type on a role is not allowed")
    if wanted not in ("iam", "ec2"):
        raise ErrorResponse(f"unrecognized auth_type: {wanted}")
    made.auth_type = wanted


def _check_bounds(made: AwsAuthRole) -> None:
    """Raise ErrorResponse for bounds that the type does not have, or for none."""
    inferred, region = (made.settings[name] for name in _INFERRED)
    if inferred:
        if made.auth_type != "iam":
            raise ErrorResponse("specified inferred_entity_type but didn't specify iam auth_type")
        if inferred != "ec2_instance":
            raise ErrorResponse(f"specified invalid inferred_entity_type: {inferred}")
        if not region:
            raise ErrorResponse("specified inferred_entity_type but not inferred_aws_region")
    elif region:
        raise ErrorResponse("specified inferred_aws_region but not inferred_entity_type")
    bound = [name for name in _BOUNDS if made.bounds[name]]
    for name in bound:
        if name == _PRINCIPALS:
            if made.auth_type != "iam":
                raise ErrorResponse(f"specified {name} but not specifying iam auth_type")
        elif made.auth_type != "ec2" and not inferred:
            raise ErrorResponse(f"specified {name} but not specifying ec2 auth_type or inferring ec2_instance")
    if not bound:
        raise ErrorResponse("at least one bound parameter should be specified on the role")


def _set_token(call: Call, made: AwsAuthRole) -> None:
    made.take_token_params(call)
    if 0 < made.token_max_ttl < made.token_ttl:
        raise ErrorResponse("ttl should be shorter than max ttl")
    longest = call.core.max_ttl(call.mount)
    if made.token_period > longest:
        raise ErrorResponse(
            f'period of "{go_duration(made.token_period)}" is greater than the backend\'s maximum lease TTL of '
            f'"{go_duration(longest)}"'
        )
