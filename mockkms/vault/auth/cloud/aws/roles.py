"""``role``: who may log in."""

from __future__ import annotations

from mockkms.vault.auth.cloud.aws import lookups
from mockkms.vault.auth.cloud.aws.engine import AwsAuth, AwsAuthRole, engine
from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Response, refusing
from mockkms.vault.golang.duration import go_duration

_MACHINE_BOUNDS = (
    "bound_account_id", "bound_region", "bound_ami_id", "bound_iam_instance_profile_arn", "bound_ec2_instance_id",
    "bound_iam_role_arn",
)  # fmt: skip
_NETWORK_BOUNDS = ("bound_vpc_id", "bound_subnet_id")
_PRINCIPALS, _REGION = "bound_iam_principal_arn", "bound_region"
_BOUNDS = (*_MACHINE_BOUNDS, _PRINCIPALS, *_NETWORK_BOUNDS)
_LONGEST_TAG = 127

roles = Collection[AwsAuth, AwsAuthRole](
    engine,
    "role/{role}",
    AwsAuthRole,
    lambda state: state.roles,
    name=Field(Kind.STRING, help="Name of the role, in any case."),
    lower=True,
    lists=("role[/]", "roles[/]"),
    paged=False,
    empty_list=True,
    help="Who may log in, and the parameters of the tokens.",
    list_help="The names of all roles.",
)


@roles.write
def write_role(
    state: AwsAuth, call: Call, name: str, role: AwsAuthRole, *, role_tag: str | None = None
) -> Response | None:
    """Create or change a role. Raises ErrorResponse."""
    role.update_from(call, *_BOUNDS)
    _resolve(state, call, role)
    role.update_from(call, "inferred_entity_type", "inferred_aws_region")
    _set_type(call, role)
    _check_bounds(role)
    for name in ("disallow_reauthentication", "allow_instance_migration"):
        if name in call and role.auth_type != "ec2":
            raise ErrorResponse(f"specified {name} when not using ec2 auth type")
        role.update_from(call, name)
    if role.allow_instance_migration and role.disallow_reauthentication:
        raise ErrorResponse("cannot specify both disallow_reauthentication=true and allow_instance_migration=true")
    warnings = _set_token(call, role)
    if role_tag is not None:
        if role.auth_type != "ec2":
            raise ErrorResponse("tried to enable role_tag when not using ec2 auth method")
        if len(role_tag) > _LONGEST_TAG:
            raise ErrorResponse(f"length of role tag exceeds the EC2 key limit of {_LONGEST_TAG} characters")
        role.role_tag = role_tag
    role.role_id = role.role_id or call.core.entropy.uuid()
    role.hmac_key = role.hmac_key or call.core.entropy.uuid()
    return Response(warnings=warnings) if warnings else None


def _resolve(state: AwsAuth, call: Call, role: AwsAuthRole) -> None:
    """Bind to the ids of principals. Raises ErrorResponse if a configured endpoint on this machine refuses."""
    before = role.resolve_aws_unique_ids
    role.update_from(call, "resolve_aws_unique_ids")
    wanted = role.resolve_aws_unique_ids
    if role.role_id and before and not wanted:
        raise ErrorResponse("changing resolve_aws_unique_ids from true to false is not allowed")
    if _PRINCIPALS in call or (wanted and not before):
        bound = [arn for arn in role.bound_iam_principal_arn if wanted and not arn.endswith("*")]
        role.principal_ids = [_unique_id(state, call, arn) for arn in bound]


def _unique_id(state: AwsAuth, call: Call, arn: str) -> str:
    with refusing(f'unable to resolve ARN "{arn}" to internal ID: '):
        return lookups.unique_id(state, call, arn)


def _set_type(call: Call, role: AwsAuthRole) -> None:
    wanted = call.get("auth_type", role.auth_type or "iam")
    if role.auth_type and wanted != role.auth_type:
        raise ErrorResponse("changing auth_type on a role is not allowed")
    if wanted not in ("iam", "ec2"):
        raise ErrorResponse(f"unrecognized auth_type: {wanted}")
    role.auth_type = wanted


def _check_bounds(role: AwsAuthRole) -> None:
    """Raise ErrorResponse without bounds, or for bounds of the other type."""
    _check_inference(role)
    bound = [name for name in _BOUNDS if getattr(role, name)]
    for name in bound:
        if name == _PRINCIPALS:
            if role.auth_type != "iam":
                raise ErrorResponse(f"specified {name} but not specifying iam auth_type")
        elif name == _REGION:
            if role.auth_type != "ec2":
                raise ErrorResponse(f"specified {name} but not specifying ec2 auth_type")
        elif role.auth_type != "ec2" and not role.inferred_entity_type:
            raise ErrorResponse(f"specified {name} but not specifying ec2 auth_type or inferring ec2_instance")
    if not bound:
        raise ErrorResponse("at least one bound parameter should be specified on the role")


def _check_inference(role: AwsAuthRole) -> None:
    """Raise ErrorResponse unless what is inferred of an IAM login is an EC2 instance of a region, or nothing."""
    inferred, region = role.inferred_entity_type, role.inferred_aws_region
    if inferred:
        if role.auth_type != "iam":
            raise ErrorResponse("specified inferred_entity_type but didn't allow iam auth_type")
        if inferred != "ec2_instance":
            raise ErrorResponse(f"specified invalid inferred_entity_type: {inferred}")
        if not region:
            raise ErrorResponse("specified inferred_entity_type but not inferred_aws_region")
    elif region:
        raise ErrorResponse("specified inferred_aws_region but not inferred_entity_type")


def _set_token(call: Call, role: AwsAuthRole) -> list[str]:
    """Set the parameters of the tokens; return the warnings. Raises ErrorResponse."""
    role.update_token_params(call)
    if 0 < role.token_max_ttl < role.token_ttl:
        raise ErrorResponse("ttl should be shorter than max ttl")
    longest = call.core.max_ttl(call.mount)
    if role.token_period > longest:
        raise ErrorResponse(
            f'period of "{go_duration(role.token_period)}" is greater than the backend\'s maximum lease TTL of '
            f'"{go_duration(longest)}"'
        )
    if role.token_max_ttl <= longest:
        return []
    return [
        f"Given max ttl of {role.token_max_ttl} seconds greater than current mount/system default of {longest} "
        "seconds; max ttl will be capped at login time"
    ]
