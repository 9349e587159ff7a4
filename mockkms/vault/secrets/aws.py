"""The AWS secrets engine, and its section of world files: access keys for roles.

AWS is never contacted: the keys are random and AWS refuses them.

Source: HashiCorp Vault's API documentation and published source; no recording exists.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Lease, Operation, Response, refusing
from mockkms.vault.framework.records import Record, Show, param
from mockkms.vault.golang.duration import go_duration, parse_seconds
from mockkms.vault.kernel.record_section import named, one, record_section
from mockkms.world.stored import stored

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context
    from mockkms.vault.kernel.mounts import Mount

_USER, _TEMPORARY = "iam_user", ("assumed_role", "federation_token", "session_token")
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_SHORTEST = 900
"""Minimum lifetime of temporary keys in AWS, in seconds."""
_HOUR = 3600


@stored("aws.AwsRootConfig")
@dataclass
class AwsRootConfig(Record):
    """The root credentials and where AWS is contacted."""

    access_key: Annotated[str, param(Kind.STRING, help="Id of the access key that creates the others.")] = ""
    region: Annotated[str, param(Kind.STRING, help="Region.")] = ""
    iam_endpoint: Annotated[str, param(Kind.STRING, help="Custom address of IAM.")] = ""
    sts_endpoint: Annotated[str, param(Kind.STRING, help="Custom address of STS.")] = ""
    sts_region: Annotated[str, param(Kind.STRING, help="Region of STS.")] = ""
    max_retries: Annotated[int, param(Kind.INT, help="Maximum number of retries of a request to AWS.")] = -1
    username_template: Annotated[str, param(Kind.STRING, help="Template of user names.")] = ""
    role_arn: Annotated[str, param(Kind.STRING, help="Role of workload identity federation.")] = ""
    identity_token_audience: Annotated[str, param(Kind.STRING, help="Audience of identity tokens.")] = ""
    identity_token_ttl: Annotated[int, param(Kind.SECONDS, help="Lifetime of identity tokens in seconds.")] = 0
    secret_key: Annotated[str, param(Kind.STRING, help="Secret of the access key.", show=Show.NEVER)] = ""


@stored("aws.AwsRole")
@dataclass
class AwsRole(Record):
    """What keys of a role are created with. Durations in seconds."""

    credential_type: Annotated[
        str, param(Kind.STRING, help="iam_user, assumed_role, federation_token or session_token.")
    ] = ""
    role_arns: Annotated[list[str], param(Kind.COMMA_STRINGS, help="Roles that may be assumed.")] = field(
        default_factory=list
    )
    policy_arns: Annotated[list[str], param(Kind.COMMA_STRINGS, help="Policies of the user.")] = field(
        default_factory=list
    )
    policy_document: Annotated[str, param(Kind.STRING, help="A policy in JSON.")] = ""
    iam_groups: Annotated[list[str], param(Kind.COMMA_STRINGS, help="Groups of the user.")] = field(
        default_factory=list
    )
    iam_tags: Annotated[dict[str, str], param(Kind.KV_PAIRS, help="Tags of the user.")] = field(default_factory=dict)
    default_sts_ttl: Annotated[int, param(Kind.SECONDS, help="Default lifetime of temporary keys in seconds.")] = 0
    max_sts_ttl: Annotated[int, param(Kind.SECONDS, help="Maximum lifetime of temporary keys in seconds.")] = 0
    user_path: Annotated[str, param(Kind.STRING, help="Path of the user.")] = ""
    permissions_boundary_arn: Annotated[str, param(Kind.STRING, help="Permissions boundary of the user.")] = ""
    external_id: Annotated[str, param(Kind.STRING, help="External id that is sent when a role is assumed.")] = ""
    session_tags: Annotated[dict[str, str], param(Kind.KV_PAIRS, help="Tags of a session.")] = field(
        default_factory=dict
    )
    mfa_serial_number: Annotated[str, param(Kind.STRING, help="MFA device of the session.")] = ""


@stored("aws.AwsLease")
@dataclass
class AwsLease:
    """Lifetimes of the keys of IAM users, in seconds."""

    lease: int = 0
    lease_max: int = 0


@stored("aws.AwsSecrets")
@dataclass
class AwsSecrets:
    """State of a mount."""

    root: AwsRootConfig | None = None
    lease: AwsLease | None = None
    roles: dict[str, AwsRole] = field(default_factory=dict)


def _renew(state: AwsSecrets, call: Call) -> Response:
    lease = call.lease
    limits = state.lease or AwsLease()
    lease.ttl, lease.max_ttl = limits.lease, limits.lease_max
    return Response(lease=lease)


engine = Engine("secret/aws", kind="secret", new_state=AwsSecrets, renew=_renew, help="Random access keys for roles.")

_KEYS = {
    "name": Field(Kind.STRING, help="Name of the role."),
    "role_arn": Field(Kind.STRING, query=True, help="Role to assume, if several are allowed."),
    "ttl": Field(Kind.SECONDS, query=True, help="Lifetime of temporary keys in seconds."),
    "role_session_name": Field(Kind.STRING, query=True, help="Name of the session."),
}

root = engine.path("config/root", AwsRootConfig.fields, help="The root credentials.")
lease = engine.path(
    "config/lease",
    {name: Field(Kind.STRING, help="A duration.") for name in ("lease", "lease_max")},
    help="Lifetimes of the keys of IAM users.",
)
roles = Collection[AwsSecrets, AwsRole](
    engine, "roles/{name:at}", AwsRole, lambda state: state.roles, paged=False,
    name=Field(Kind.STRING, help="Name of the role."), help="A role.", list_help="Names of the roles.",
)  # fmt: skip
creds = engine.path("creds/{name:at}", _KEYS, help="Create keys for a role.")
sts = engine.path("sts/{name:at}", _KEYS, help="Create temporary keys for a role.")


@root.on(Operation.READ)
def read_root(state: AwsSecrets, call: Call) -> Reply:
    """Return the settings without the secret."""
    return None if state.root is None else state.root.shown(call.core.product)


@root.on(Operation.UPDATE)
def write_root(state: AwsSecrets, call: Call) -> None:
    """Replace the settings."""
    state.root = AwsRootConfig.from_call(call)


@lease.on(Operation.READ)
def read_lease(state: AwsSecrets, _call: Call) -> Reply:
    """Return both lifetimes as Go formats durations."""
    if state.lease is None:
        return None
    return {"lease": go_duration(state.lease.lease), "lease_max": go_duration(state.lease.lease_max)}


@lease.on(Operation.UPDATE)
def write_lease(state: AwsSecrets, _call: Call, *, lease: str, lease_max: str) -> None:
    """Set both lifetimes. Raises ErrorResponse."""
    state.lease = AwsLease(_lifetime("lease", lease), _lifetime("lease_max", lease_max))


def _lifetime(name: str, text: str) -> int:
    """Return a duration in seconds. Raises ErrorResponse."""
    if not text:
        raise ErrorResponse(f"'{name}' is a required parameter")
    with refusing(f"Invalid '{name}': ", of=(ValueError, OverflowError)):
        return int(parse_seconds(text))


@roles.write
def write_role(_state: AwsSecrets, call: Call, _name: str, role: AwsRole) -> None:
    """Create or update a role. Raises ErrorResponse."""
    role.update_from(call)
    kind = role.credential_type
    if not kind:
        raise ErrorResponse("Error validating role: did not supply credential_type")
    if kind not in (_USER, *_TEMPORARY):
        raise ErrorResponse(f"unrecognized credential type: {kind}")
    if role.policy_document:
        with refusing("cannot parse policy document: "):
            role.policy_document = json.dumps(json.loads(role.policy_document), separators=(",", ":"))
    if kind == _USER and (role.default_sts_ttl or role.max_sts_ttl):
        raise ErrorResponse("default_sts_ttl and max_sts_ttl are only valid for temporary credentials")
    if 0 < role.max_sts_ttl < role.default_sts_ttl:
        raise ErrorResponse('"default_sts_ttl" value must be less than or equal to "max_sts_ttl" value')


@creds.on(Operation.READ, Operation.UPDATE)
@sts.on(Operation.READ, Operation.UPDATE)
def create_keys(state: AwsSecrets, call: Call, *, name: str, role_arn: str, ttl: int) -> Response:
    """Create keys for a role. Raises ErrorResponse and BackendError."""
    role = state.roles.get(name)
    if role is None:
        raise ErrorResponse(f"Role '{name}' not found")
    internal = {"role": name}
    if role.credential_type == _USER and call.endpoint is creds:
        limits = state.lease or AwsLease()
        data = {"access_key": _key_id(call, "AKIA"), "secret_key": _secret_key(call), "security_token": None}
        return Response(data=data, lease=Lease(limits.lease, limits.lease_max, renewable=True, internal=internal))
    arn = _role_arn(role, name, role_arn) if role.credential_type == "assumed_role" else ""
    ttl = ttl or role.default_sts_ttl or _HOUR
    if role.max_sts_ttl:
        ttl = min(ttl, role.max_sts_ttl)
    if ttl < _SHORTEST:
        raise BackendError(f"Error generating STS keys: the shortest life of temporary keys is {_SHORTEST} seconds")
    token = base64.b64encode(call.core.entropy.bytes(96)).decode()
    keys = {
        "access_key": _key_id(call, "ASIA"),
        "arn": arn,
        "secret_key": _secret_key(call),
        "security_token": token,
        "session_token": token,
        "ttl": ttl,
    }
    return Response(data=keys, lease=Lease(ttl, ttl, internal=internal))


def _role_arn(role: AwsRole, name: str, requested: str) -> str:
    """Return the AWS role to assume. Raises ErrorResponse."""
    arn = requested or (role.role_arns[0] if len(role.role_arns) == 1 else "")
    if not arn:
        raise ErrorResponse("did not supply a role_arn parameter and unable to determine one")
    if arn not in role.role_arns:
        raise ErrorResponse(f"role_arn \"{arn}\" not in allowed role arns for Vault role '{name}'")
    return arn


def _key_id(call: Call, prefix: str) -> str:
    return prefix + "".join(_BASE32[byte % 32] for byte in call.core.entropy.bytes(16))


def _secret_key(call: Call) -> str:
    return base64.b64encode(call.core.entropy.bytes(30)).decode()


def _lifetimes(_core: Context, _mount: Mount, lifetimes: AwsLease) -> object:
    if lifetimes == AwsLease():
        return None
    return {"lease": f"{lifetimes.lease}s", "lease_max": f"{lifetimes.lease_max}s"}


section = record_section(
    one("config", "the root credentials", root, lambda state: state.root),
    one("lease", "lifetimes of the keys of IAM users", lease, lambda state: state.lease, describe=_lifetimes),
    named("roles", "roles by name", roles),
)
