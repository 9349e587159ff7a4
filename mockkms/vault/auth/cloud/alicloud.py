"""AliCloud auth: logins with signed ``GetCallerIdentity`` requests of assumed roles; roles, and the section of worlds.

The signature (RPC style, HMAC-SHA1) is verified with the access keys that the world names; AliCloud is never asked.

Source: https://github.com/hashicorp/vault-plugin-auth-alicloud; for signatures and the errors of STS the page
"RPC mechanism" of Alibaba Cloud's documentation.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Annotated, ClassVar
from urllib.parse import parse_qsl, quote

from mockkms.crypto.encoding import b64
from mockkms.urls import urlsplit
from mockkms.vault.auth.cloud.roles import CloudRole
from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import Auth, BackendError, Operation, Response, refusing
from mockkms.vault.framework.records import param
from mockkms.vault.golang.duration import SECOND
from mockkms.vault.kernel.plain_records import listed, text
from mockkms.vault.kernel.record_section import named, record_section
from mockkms.world.clock import parse_rfc3339
from mockkms.world.stored import stored

_SKEW = 15 * 60
"""Seconds by which the time of a request may differ from the server's."""


@dataclass(frozen=True)
class AliArn:
    """A role, or the session of a role."""

    account: str
    type: str
    role: str


def parse_arn(arn: str) -> AliArn:
    """Return the parts of an ARN. Raises ValueError with the plugin's text."""
    parts = arn.split(":")
    if len(parts) != 5:
        raise ValueError(f"unrecognized arn: contains {len(parts)} colon-separated fields, expected 5")
    if parts[0] != "acs":
        raise ValueError('unrecognized arn: does not begin with "acs:"')
    if parts[1] != "ram":
        raise ValueError(f"unrecognized service: {parts[1]}, not ram")
    steps = parts[4].split("/")
    if len(steps) < 2:
        raise ValueError(f'unrecognized arn: "{parts[4]}" contains fewer than 2 slash-separated roleFields')
    if steps[0] not in ("role", "assumed-role"):
        raise ValueError(f"unsupported parsed type: {steps[0]}")
    return AliArn(parts[3], steps[0], steps[1])


@stored("auth.alicloud.AliRole")
@dataclass
class AliRole(CloudRole):
    """One role, for the sessions of one role of AliCloud."""

    old_names: ClassVar = ("policies", "ttl", "max_ttl", "period", "bound_cidrs")

    arn: Annotated[str, param(Kind.STRING, help="ARN of the role whose sessions log in.")] = ""


@stored("auth.alicloud.AliCredential")
@dataclass
class AliCredential:
    """An access key of the world's AliCloud."""

    access_key: str
    secret_key: str
    arn: str
    """``acs:ram::<account>:assumed-role/<role>/<session>``."""
    principal_id: str
    """``<role id>:<session>``."""
    security_token: str = ""
    identity_type: str = "AssumedRoleUser"

    def __post_init__(self) -> None:
        """Check the ARN. Raises ValueError."""
        parse_arn(self.arn)


@stored("auth.alicloud.AliCloud")
@dataclass
class AliCloudAuth:
    """State of a mount."""

    roles: dict[str, AliRole] = field(default_factory=dict)
    principals: list[AliCredential] = field(default_factory=list)


engine = Engine("auth/alicloud", kind="auth", new_state=AliCloudAuth, help="Logins with requests signed for AliCloud.")
login = engine.path(
    "login",
    {
        "role": Field(Kind.STRING, help="Role to log in with."),
        "identity_request_url": Field(Kind.STRING, help="Address of the signed request, base64."),
        "identity_request_headers": Field(Kind.HEADER, help="Its headers: JSON, or JSON in base64."),
    },
    login=True,
    help="Log in with a signed request.",
    go_errors=True,
)
roles = Collection[AliCloudAuth, AliRole](
    engine,
    "role/{role}",
    AliRole,
    lambda state: state.roles,
    name=Field(Kind.STRING, help="Name of the role, in any case."),
    lower=True,
    lists=("role[/]", "roles[/]"),
    paged=False,
    empty_list=True,
    go_errors=True,
    help="Who may log in, and the parameters of the tokens.",
    list_help="The names of all roles.",
)


@roles.write
def write_role(
    _state: AliCloudAuth, call: Call, _name: str, role: AliRole, *, arn: str | None = None
) -> Response | None:
    """Create or change a role. Raises BackendError for an unsuitable ARN, and ErrorResponse."""
    if arn is None and not role.arn:
        raise BackendError("the arn is required to create a role")
    if arn is not None:
        with refusing("unable to parse arn <nil>: ", BackendError):
            kind = parse_arn(arn).type
        if kind != "role":
            raise BackendError("only role arn types are supported at this time, but <nil> was provided")
    role.update_token_params(call)
    role.update_own(call)
    if 0 < role.token_max_ttl < role.token_ttl:
        raise BackendError("ttl exceeds max ttl")
    longest = call.core.max_ttl(call.mount)
    if role.old.get("ttl") and role.token_ttl > longest:
        times = f"{role.token_ttl * SECOND} exceeds the system max ttl of {longest * SECOND}"
        return Response(warnings=[f"ttl of {times}, the latter will be used during login"])
    return None


@login.on(Operation.UPDATE)
def log_in(
    state: AliCloudAuth,
    call: Call,
    *,
    role: str | None = None,
    identity_request_url: str,
    identity_request_headers: dict[str, object],
) -> Response:
    """Log in. Raises BackendError."""
    if not identity_request_url:
        raise BackendError("missing identity_request_url")
    with refusing("failed to base64 decode identity_request_url: ", BackendError):
        url = b64.decode(identity_request_url).decode("utf-8", "replace")
    with refusing("error parsing identity_request_url: ", BackendError):
        _ = urlsplit(url).port
    if not identity_request_headers:
        raise BackendError("missing identity_request_headers")
    with refusing("error making upstream request: ", BackendError):
        request_id, caller = _identify(state, call, url)
    with refusing(f"unable to parse entity's arn {caller.arn} due to ", BackendError):
        arn = parse_arn(caller.arn)
    if arn.type != "assumed-role":
        raise BackendError(f"only assumed-role arn types are supported at this time, but {arn.type} was provided")
    if role is None:
        raise BackendError("missing role")
    found = state.roles.get(role)
    if found is None:
        raise BackendError(f"entry for role {role} not found")
    found.check_address(call.request)
    _check_member(arn, found)
    metadata = {
        "account_id": arn.account,
        "user_id": "",
        "role_id": caller.principal_id.partition(":")[0],
        "arn": caller.arn,
        "identity_type": caller.identity_type,
        "principal_id": caller.principal_id,
        "request_id": request_id,
        "role_name": role,
    }
    auth = Auth(display_name=caller.principal_id, metadata=metadata, alias={"name": caller.principal_id})
    return Response(auth=found.apply(auth, call.request))


def _check_member(arn: AliArn, role: AliRole) -> None:
    bound = parse_arn(role.arn)
    if (bound.account, bound.role) != (arn.account, arn.role):
        raise BackendError("the caller's arn does not match the role's arn")


def _identify(state: AliCloudAuth, call: Call, url: str) -> tuple[str, AliCredential]:
    """Return the id of a request, and the key that signed it. Raises ValueError with the plugin's text."""
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    query = dict(reversed(pairs))
    if parts.scheme != "https":
        raise ValueError(f'expected "https" url scheme but received "{parts.scheme}"')
    region = query.get("RegionId", "")
    if not region:
        raise ValueError("query RegionId must not be empty")
    endpoint = f"sts.{region}.aliyuncs.com"
    if parts.netloc != endpoint:
        raise ValueError(f'expected host of "{endpoint}" but received "{parts.netloc}"')
    for name, wanted in (("Format", "JSON"), ("Action", "GetCallerIdentity")):
        if query.get(name, "") != wanted:
            raise ValueError(f"query {name} must be {wanted} but received {query.get(name, '')}")
    credential = next((one for one in state.principals if one.access_key == query.get("AccessKeyId")), None)
    if credential is None:
        key = query.get("AccessKeyId", "")
        call.request.trace.hint = f"the world's AliCloud has no access key {key} (`principals`)"
        raise _refusal(call, 404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.", endpoint)
    try:
        signed_at = parse_rfc3339(query.get("Timestamp", ""))
    except ValueError:
        raise _refusal(call, 400, "InvalidTimeStamp.Format", "Specified time stamp is not valid.", endpoint) from None
    if abs(call.now() - signed_at) > _SKEW:
        message = "Specified time stamp or date value is expired."
        raise _refusal(call, 400, "InvalidTimeStamp.Expired", message, endpoint)
    if query.get("SecurityToken", "") != credential.security_token:
        message = "Specified SecurityToken is malformed."
        raise _refusal(call, 400, "InvalidSecurityToken.Malformed", message, endpoint)
    expected = signature(credential.secret_key, "POST", [pair for pair in pairs if pair[0] != "Signature"])
    if not hmac.compare_digest(expected.encode(), query.get("Signature", "").encode()):
        message = "Specified signature is not matched with our calculation."
        raise _refusal(call, 400, "SignatureDoesNotMatch", message, endpoint)
    return call.core.entropy.uuid().upper(), credential


def signature(secret: str, method: str, query: list[tuple[str, str]]) -> str:
    """Return the signature of a request, in base64.

    Args:
        secret: The secret of the access key.
        method: The HTTP method.
        query: The decoded parameters, without the signature.
    """
    encoded = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in query)
    canonical = "&".join(f"{name}={value}" for name, value in encoded)
    to_sign = f"{method}&%2F&{quote(canonical, safe='-_.~')}"
    return base64.b64encode(hmac.digest(f"{secret}&".encode(), to_sign.encode(), hashlib.sha1)).decode()


def _refusal(call: Call, status: int, code: str, message: str, host: str) -> ValueError:
    """Return an error of STS as the plugin reports it."""
    body = {"RequestId": call.core.entropy.uuid().upper(), "HostId": host, "Code": code, "Message": message}
    return ValueError(f"received {status} checking caller identity: {json.dumps(body, separators=(',', ':'))}")


@engine.renews
def renew(state: AliCloudAuth, call: Call) -> Response:
    """Renew a login that the role still accepts. Raises BackendError."""
    auth = call.login
    metadata = auth.metadata or {}
    if not metadata.get("arn"):
        raise BackendError("unable to retrieve arn from metadata during renewal")
    role = state.roles.get(metadata.get("role_name", ""))
    if role is None:
        raise BackendError("role entry not found")
    _check_member(parse_arn(metadata["arn"]), role)
    return Response(auth=role.renewed(auth))


section = record_section(
    named("roles", "roles by name", roles),
    listed(
        "principals",
        "access keys of the world's AliCloud: requests that they sign log in",
        AliCredential,
        {
            "access_key": text("id of the access key"),
            "secret_key": text("its secret"),
            "arn": text("`acs:ram::<account>:assumed-role/<role>/<session>`"),
            "principal_id": text("`<role id>:<session>`"),
            "security_token": text("token of temporary credentials"),
            "identity_type": text("default: `AssumedRoleUser`"),
        },
        lambda state: state.principals,
    ),
)
