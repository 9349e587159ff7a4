"""Logins with a signed request (``iam``), and their renewal.

Source: ``path_login.go`` of Vault's ``builtin/credential/aws``.
"""

from __future__ import annotations

from mockkms.vault.auth.cloud.aws import arns, bounds, lookups
from mockkms.vault.auth.cloud.aws.callers import SignedRequest, identify
from mockkms.vault.auth.cloud.aws.engine import AwsAuth, AwsAuthRole
from mockkms.vault.auth.cloud.metadata import selected
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import (
    Auth,
    BackendError,
    ErrorResponse,
    Response,
    permission_denied,
    refusing,
)
from mockkms.vault.golang.fmt import quote
from mockkms.vault.policy import globs
from mockkms.vault.tokens import cidr


def log_in(state: AwsAuth, call: Call, name: str, request: SignedRequest) -> Response:
    """Return the token of who signed a request. Raises ErrorResponse and BackendError."""
    caller = identify(state, call, request)
    with refusing(f'error parsing arn "{caller.arn}": '):
        principal = arns.parse(caller.arn)
    name = name or principal.name
    role = state.roles.get(name.lower())
    if role is None:
        raise ErrorResponse(f"entry for role {name} not found")
    if role.token_bound_cidrs and not cidr.contains(role.token_bound_cidrs, call.request.remote_address):
        raise permission_denied()
    if role.auth_type != "iam":
        raise ErrorResponse(f"auth method iam not allowed for role {name}")
    unique_id = caller.user_id.partition(":")[0]
    if role.bound_iam_principal_arn and not _bound(role, unique_id, principal):
        refused = f'IAM Principal "{caller.arn}" does not belong to the role "{name}"'
        _match_globs(state, call, role, principal, refused, ErrorResponse, f'attempting login for role "{name}"')
    inferred = _inferred(state, call, role, name, principal, caller.account)
    internal = {
        "role_name": name,
        "role_id": role.role_id,
        "canonical_arn": principal.canonical,
        "client_user_id": unique_id,
        "inferred_entity_id": inferred["inferred_entity_id"],
        "inferred_aws_region": role.inferred_aws_region,
        "account_id": principal.account,
        "inferred_hostname": inferred["inferred_hostname"],
    }
    about = {**internal, **inferred, "client_arn": caller.arn, "auth_type": "iam"}
    metadata = selected(state.identity.iam_metadata, about)
    alias = {
        "role_id": role.role_id,
        "unique_id": unique_id,
        "full_arn": caller.arn,
        "canonical_arn": principal.canonical,
    }[state.identity.iam_alias]
    shown = f"{principal.name}/{principal.session}" if principal.type == "assumed-role" else principal.name
    auth = Auth(
        metadata={"role_id": role.role_id, **metadata},
        internal=dict(internal),
        display_name=shown,
        alias={"name": alias, "metadata": metadata},
    )
    return Response(auth=role.apply(auth, call.request))


def _bound(role: AwsAuthRole, unique_id: str, principal: arns.Principal) -> bool:
    """Return whether a role is bound to a principal by id, or by its ARN where ids are not resolved."""
    if unique_id in role.principal_ids:
        return True
    return not role.resolve_aws_unique_ids and principal.canonical in role.bound_iam_principal_arn


def _match_globs(
    state: AwsAuth,
    call: Call,
    role: AwsAuthRole,
    principal: arns.Principal,
    refused: str,
    error: type[ErrorResponse] | type[BackendError],
    doing: str,
) -> None:
    """Raise ``error`` unless the full ARN of a principal matches a bound with a ``*`` at its end."""
    patterns = [bound for bound in role.bound_iam_principal_arn if bound.endswith("*")]
    if patterns:
        with refusing(f"error looking up full ARN of entity {principal} when {doing}: ", error):
            full = lookups.full_arn(state, call, principal)
        if any(globs.matches(pattern, full) for pattern in patterns):
            return
    raise error(refused)


def _inferred(
    state: AwsAuth, call: Call, role: AwsAuthRole, name: str, principal: arns.Principal, account: str
) -> dict[str, str]:
    """Return the inferred properties of a session's machine; empty texts if the role infers none."""
    made = dict.fromkeys(("inferred_entity_type", "inferred_entity_id", "inferred_hostname"), "")
    if role.inferred_entity_type != "ec2_instance":
        return made
    region = role.inferred_aws_region
    with refusing(f"failed to verify {principal.session} as a valid EC2 instance in region {region}: "):
        found = lookups.machine(state, call, principal.session, region)
    with refusing("error validating instance: "):
        bounds.check(state, call, found, role, name, account)
    return {
        "inferred_entity_type": "ec2_instance",
        "inferred_entity_id": principal.session,
        "inferred_hostname": found.private_dns_name,
    }


def renew(state: AwsAuth, call: Call) -> Response:
    """Renew a login while the role still accepts its principal. Raises BackendError."""
    auth = call.login
    canonical = kept(call, "canonical_arn")
    name = call.kept("role_name")
    if not name:
        raise BackendError("error retrieving role_name during renewal")
    role = state.roles.get(name.lower())
    if role is None:
        raise BackendError("role entry not found")
    if role.inferred_entity_type:
        instance_id, region = kept(call, "inferred_entity_id"), kept(call, "inferred_aws_region")
        with refusing(f'failed to verify instance ID "{instance_id}": ', BackendError):
            lookups.machine(state, call, instance_id, region)
    if role.bound_iam_principal_arn:
        principal = arns.parse(canonical)
        if not _bound(role, call.kept("client_user_id"), principal):
            gone = f'role {quote(name)} no longer bound to ARN "{canonical}"'
            _match_globs(state, call, role, principal, gone, BackendError, f'updating login for role "{name}"')
    return Response(auth=role.renewed(auth))


def kept(call: Call, name: str) -> str:
    """Return a value that a login left for its renewal, or its metadata. Raises BackendError if there is neither."""
    if name in call.raw:
        return str(call.raw[name])
    found = (call.login.metadata or {}).get(name)
    if found is None:
        raise BackendError(f'"{name}" not found in auth metadata')
    return found
