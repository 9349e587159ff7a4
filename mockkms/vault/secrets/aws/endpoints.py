"""Endpoints of the AWS secrets engine: settings, roles, and the keys that are handed out."""

from __future__ import annotations

import base64
import json
from typing import Any

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Lease, Operation, Response
from mockkms.vault.golang.duration import go_duration, parse_seconds
from mockkms.vault.secrets.aws.model import AWS

_USER, _TEMPORARY = "iam_user", ("assumed_role", "federation_token", "session_token")
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_SHORTEST = 900
_HOUR = 3600


def _renew(state: AWS, call: Call) -> Response | None:
    lease: Lease = call.raw["lease"]
    lease.ttl, lease.max_ttl = _lifetimes(state)
    return Response(lease=lease)


engine = Engine("secret/aws", kind="secret", new_state=AWS, renew=_renew, help="Access keys, made up for roles.")

_ROOT = {
    "access_key": Field(Kind.STRING, help="Key that makes the others."),
    "region": Field(Kind.STRING, help="Region."),
    "iam_endpoint": Field(Kind.STRING, help="Where IAM is instead."),
    "sts_endpoint": Field(Kind.STRING, help="Where STS is instead."),
    "sts_region": Field(Kind.STRING, help="Region of STS."),
    "max_retries": Field(Kind.INT, default=-1, help="How often AWS is asked again."),
    "username_template": Field(Kind.STRING, help="How users are named."),
    "role_arn": Field(Kind.STRING, help="Role of workload identity federation."),
    "identity_token_audience": Field(Kind.STRING, help="Audience of its tokens."),
    "identity_token_ttl": Field(Kind.SECONDS, help="Life of its tokens."),
}
_ROLE = {
    "credential_type": Field(Kind.STRING, help="iam_user, assumed_role, federation_token or session_token."),
    "role_arns": Field(Kind.COMMA_STRINGS, help="Roles that may be assumed."),
    "policy_arns": Field(Kind.COMMA_STRINGS, help="Policies of the user."),
    "policy_document": Field(Kind.STRING, help="A policy, JSON."),
    "iam_groups": Field(Kind.COMMA_STRINGS, help="Groups of the user."),
    "iam_tags": Field(Kind.KV_PAIRS, help="Tags of the user."),
    "default_sts_ttl": Field(Kind.SECONDS, help="Life of temporary keys."),
    "max_sts_ttl": Field(Kind.SECONDS, help="Longest life of temporary keys."),
    "user_path": Field(Kind.STRING, help="Path of the user."),
    "permissions_boundary_arn": Field(Kind.STRING, help="Boundary of the user."),
    "external_id": Field(Kind.STRING, help="Told when a role is assumed."),
    "session_tags": Field(Kind.KV_PAIRS, help="Tags of a session."),
    "mfa_serial_number": Field(Kind.STRING, help="Device of the session."),
}
_NAME = {"name": Field(Kind.STRING, help="Name of the role.")}
_ASK = {
    **_NAME,
    "role_arn": Field(Kind.STRING, query=True, help="Role to assume, where there are several."),
    "ttl": Field(Kind.SECONDS, query=True, help="Life of temporary keys."),
    "role_session_name": Field(Kind.STRING, query=True, help="Name of the session."),
}

root = engine.path("config/root", {**_ROOT, "secret_key": Field(Kind.STRING, help="Its secret.")}, help="The root key.")
lease = engine.path(
    "config/lease",
    {name: Field(Kind.STRING, help="A duration.") for name in ("lease", "lease_max")},
    help="Lifetimes of the keys of users.",
)
listing = engine.path("roles[/]", help="Names of the roles.")
one = engine.path("roles/{name:at}", {**_NAME, **_ROLE}, help="A role.")
creds = engine.path("creds/{name:at}", _ASK, help="Keys for a role.")
sts = engine.path("sts/{name:at}", _ASK, help="Temporary keys for a role.")


@root.on(Operation.READ)
def read_root(state: AWS, _call: Call) -> dict[str, Any] | None:
    """The settings without the secret."""
    return None if state.root is None else {name: state.root[name] for name in _ROOT}


@root.on(Operation.UPDATE)
def write_root(state: AWS, call: Call) -> None:
    """Replace the settings."""
    state.root = {name: call[name] for name in root.fields}


@lease.on(Operation.READ)
def read_lease(state: AWS, _call: Call) -> dict[str, str] | None:
    """Both lifetimes as Go writes them."""
    return None if state.lease is None else {name: go_duration(value) for name, value in state.lease.items()}


@lease.on(Operation.UPDATE)
def write_lease(state: AWS, call: Call) -> None:
    """Set both lifetimes. Raises ErrorResponse."""
    made = {}
    for name in ("lease", "lease_max"):
        if not call[name]:
            raise ErrorResponse(f"'{name}' is a required parameter")
        try:
            made[name] = int(parse_seconds(call[name]))
        except (ValueError, OverflowError) as error:
            raise ErrorResponse(f"Invalid '{name}': {error}") from None
    state.lease = made


@listing.on(Operation.LIST)
def list_roles(state: AWS, _call: Call) -> dict[str, Any]:
    """The names, sorted."""
    return {"keys": sorted(state.roles)}


@one.existence
def exists(state: AWS, call: Call) -> bool:
    return call["name"] in state.roles


@one.on(Operation.READ)
def read(state: AWS, call: Call) -> dict[str, Any] | None:
    """The role."""
    return state.roles.get(call["name"])


@one.on(Operation.DELETE)
def delete(state: AWS, call: Call) -> None:
    """Delete; keys that were made stay until their leases end."""
    state.roles.pop(call["name"], None)


@one.on(Operation.CREATE, Operation.UPDATE)
def write(state: AWS, call: Call) -> None:
    """Keep a role; what is not sent stays. Raises ErrorResponse."""
    old = state.roles.get(call["name"]) or {}
    role = {name: call.get(name, old.get(name, call[name])) for name in _ROLE}
    kind = role["credential_type"]
    if kind not in (_USER, *_TEMPORARY):
        raise ErrorResponse(
            f"unrecognized credential type: {kind}" if kind else "Error validating role: did not supply credential_type"
        )
    if role["policy_document"]:
        try:
            role["policy_document"] = json.dumps(json.loads(role["policy_document"]), separators=(",", ":"))
        except ValueError as error:
            raise ErrorResponse(f"cannot parse policy document: {error}") from None
    if kind == _USER and (role["default_sts_ttl"] or role["max_sts_ttl"]):
        raise ErrorResponse("default_sts_ttl and max_sts_ttl are only valid for temporary credentials")
    if 0 < role["max_sts_ttl"] < role["default_sts_ttl"]:
        raise ErrorResponse('"default_sts_ttl" value must be less than or equal to "max_sts_ttl" value')
    state.roles[call["name"]] = role


@creds.on(Operation.READ, Operation.UPDATE)
@sts.on(Operation.READ, Operation.UPDATE)
def hand_out(state: AWS, call: Call) -> Response:
    """Make up keys. Raises ErrorResponse and BackendError."""
    role = state.roles.get(call["name"])
    if role is None:
        raise ErrorResponse(f"Role '{call['name']}' not found")
    kind, temporary = role["credential_type"], call.endpoint.template.startswith("sts/")
    if kind == _USER and not temporary:
        ttl, most = _lifetimes(state)
        data = {"access_key": _key(call, "AKIA"), "secret_key": _secret(call), "security_token": None}
        return Response(data=data, lease=Lease(ttl, most, renewable=True, internal={"role": call["name"]}))
    arn = ""
    if kind == "assumed_role":
        arns = role["role_arns"]
        arn = call["role_arn"] or (arns[0] if len(arns) == 1 else "")
        if not arn:
            raise ErrorResponse("did not supply a role_arn parameter and unable to determine one")
        if arn not in arns:
            raise ErrorResponse(f"role_arn \"{arn}\" not in allowed role arns for Vault role '{call['name']}'")
    ttl = call["ttl"] or role["default_sts_ttl"] or _HOUR
    if role["max_sts_ttl"]:
        ttl = min(ttl, role["max_sts_ttl"])
    if ttl < _SHORTEST:
        raise BackendError(f"Error generating STS keys: the shortest life of temporary keys is {_SHORTEST} seconds")
    token = base64.b64encode(call.core.entropy.bytes(96)).decode()
    temporary_keys: dict[str, Any] = {
        "access_key": _key(call, "ASIA"),
        "arn": arn,
        "secret_key": _secret(call),
        "security_token": token,
        "session_token": token,
        "ttl": ttl,
    }
    return Response(data=temporary_keys, lease=Lease(ttl, ttl, internal={"role": call["name"]}))


def _lifetimes(state: AWS) -> tuple[int, int]:
    return (state.lease["lease"], state.lease["lease_max"]) if state.lease is not None else (0, 0)


def _key(call: Call, prefix: str) -> str:
    return prefix + "".join(_BASE32[byte % 32] for byte in call.core.entropy.bytes(16))


def _secret(call: Call) -> str:
    return base64.b64encode(call.core.entropy.bytes(30)).decode()
