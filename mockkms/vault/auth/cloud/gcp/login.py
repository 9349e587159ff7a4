"""``login``: with a token of a service account (iam roles) or of a machine (gce roles)."""

from __future__ import annotations

from dataclasses import dataclass

from mockkms.crypto import jws
from mockkms.vault.auth.claims import Claims, claims_in
from mockkms.vault.auth.cloud.gcp import bounds, cloud
from mockkms.vault.auth.cloud.gcp.config import refuse_unknown
from mockkms.vault.auth.cloud.gcp.model import GcpAccount, GcpAuth, GcpConfig, GcpMachine, GcpRole, engine
from mockkms.vault.auth.cloud.issuers import moment
from mockkms.vault.auth.cloud.metadata import selected
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import (
    Auth,
    BackendError,
    ErrorResponse,
    LoginAlias,
    Operation,
    Response,
    refusing,
)
from mockkms.vault.golang.duration import go_duration
from mockkms.vault.golang.fmt import quote

_TOLERANCE = 60
"""Seconds."""
_LONGEST = 3600
"""Seconds after which a token may expire at most."""

login = engine.path(
    "login",
    {"role": Field(Kind.STRING, help="Role to log in with."), "jwt": Field(Kind.STRING, help="The signed token.")},
    login=True,
    help="Log in with a token of Google.",
    go_errors=True,
)


@dataclass(frozen=True)
class GceInstance:
    """The claims of a token about its machine."""

    project_id: str
    project_number: str
    zone: str
    instance_id: str
    instance_name: str
    created: float


@login.on(Operation.UPDATE)
def log_in(state: GcpAuth, call: Call, *, role: str, jwt: str | None = None) -> Response:
    """Log in. Raises ErrorResponse and BackendError."""
    refuse_unknown(call)
    if not role:
        raise ErrorResponse("role is required")
    found = state.roles.get(role.lower())
    if found is None:
        raise ErrorResponse(f"role {quote(role)} not found")
    if jwt is None:
        raise ErrorResponse("jwt argument is required")
    with refusing():
        claims = _claims(state, call, found, jwt)
        _check_claims(claims, role, call.now())
    instance = _instance(claims) if found.type == "gce" else None
    if found.type == "gce" and instance is None:
        raise ErrorResponse("expected JWT to have claims with GCE metadata")
    found.check_address(call.request)
    subject = str(claims["sub"])
    if instance is not None:
        return _of_machine(state, call, found, role, subject, instance)
    return _of_account(state, call, found, role, subject, moment(claims.get("exp")))


def _claims(state: GcpAuth, call: Call, role: GcpRole, jwt: str) -> Claims:
    """Return the verified claims of a token. Raises ValueError with the server's text."""
    try:
        token = jws.parse(jwt)
    except (ValueError, RecursionError) as fault:
        raise ValueError(f"unable to parse signed JWT: {fault}") from None
    if token.algorithm != "RS256":
        refused = f'unexpected signature algorithm "{token.algorithm}"; expected ["RS256"]'
        raise ValueError(f"unable to parse signed JWT: go-jose/go-jose: {refused}")
    unverified = claims_in(token)
    if not unverified.get("sub"):
        raise ValueError("unable to get public key for signed JWT: expected 'sub' claim from JWT")
    key_id, subject = str(token.header.get("kid") or ""), str(unverified["sub"])
    with refusing("unable to get public key for signed JWT: "):
        keys = cloud.keys_of(state, call, key_id, subject, own=role.type == "iam")
    if not any(jws.verified(token, key) for key in keys):
        raise ValueError("go-jose/go-jose: error in cryptographic primitive")
    return unverified


def _check_claims(claims: Claims, role: str, now: float) -> None:
    """Check the expiration, subject and audience of a token. Raises ValueError with the server's text."""
    expires = moment(claims.get("exp"))
    if not expires or expires < now - _TOLERANCE:
        raise ValueError("JWT is expired or does not have proper 'exp' claim")
    if expires - now > _LONGEST + _TOLERANCE:
        raise ValueError(f"JWT must expire in {_LONGEST // 60} minutes, expires in {go_duration(expires - now)}")
    audience = claims.get("aud") or []
    for one in audience if isinstance(audience, list) else [audience]:
        if not str(one).endswith(f"vault/{role}"):
            raise ValueError(f"at least one of the JWT claim 'aud' must end in \"vault/{role}\"")


def _instance(claims: Claims) -> GceInstance | None:
    google = claims.get("google")
    found = google.get("compute_engine") if isinstance(google, dict) else None
    if not isinstance(found, dict) or not found.get("instance_id"):
        return None
    names = ("project_id", "project_number", "zone", "instance_id", "instance_name")
    project, number, zone, id_, name = (str(found.get(member) or "") for member in names)
    with refusing():
        return GceInstance(project, number, zone, id_, name, moment(found.get("instance_creation_timestamp")))


def _of_account(state: GcpAuth, call: Call, role: GcpRole, name: str, subject: str, expires: float) -> Response:
    if expires > call.now() + role.max_jwt_exp:
        raise ErrorResponse(f"role requires that service account JWTs expire within {role.max_jwt_exp} seconds")
    with refusing(error=BackendError):
        account = cloud.account(state, call, subject)
    with refusing():
        bounds.check_account(role, account)
    config = state.config or GcpConfig()
    alias = account.unique_id if config.iam_alias == "unique_id" else _role_id(config.iam_alias, role, "IAM")
    metadata = selected(config.iam_metadata, _about(name, account, None))
    auth = Auth(display_name=account.email, metadata=metadata, alias={"name": alias, "metadata": dict(metadata)})
    return _response(state, call, role, auth, account.project_id)


def _of_machine(state: GcpAuth, call: Call, role: GcpRole, name: str, subject: str, instance: GceInstance) -> Response:
    if role.bound_projects and instance.project_id not in role.bound_projects:
        raise ErrorResponse(
            f"instance {quote(instance.instance_id)} (project {quote(instance.project_id)}) not in bound projects "
            f"[{' '.join(role.bound_projects)}]"
        )
    place = f"project {instance.project_id}, zone: {instance.zone}, instance: {instance.instance_name}"
    with refusing(f"error when attempting to find instance ({place}) :"):
        machine = _machine(state, call, instance)
    with refusing():
        bounds.check_machine(state, call, role, machine, subject)
    with refusing(f"Could not find service account {quote(subject)} used for GCE metadata token: "):
        account = cloud.account(state, call, subject)
    config = state.config or GcpConfig()
    own = f"gce-{machine.instance_id}"
    alias = own if config.gce_alias == "instance_id" else _role_id(config.gce_alias, role, "GCE")
    metadata = selected(config.gce_metadata, _about(name, account, instance))
    auth = Auth(display_name=machine.name, metadata=metadata, alias={"name": alias, "metadata": dict(metadata)})
    return _response(state, call, role, auth, instance.project_id)


def _machine(state: GcpAuth, call: Call, instance: GceInstance) -> GcpMachine:
    return cloud.machine(state, call, instance.project_id, instance.zone, instance.instance_name, instance.created)


def _role_id(kind: str, role: GcpRole, what: str) -> str:
    if kind not in ("", "role_id"):
        other = {"IAM": "unique_id", "GCE": "instance_id"}[what]
        kinds = ", ".join(sorted((other, "role_id")))
        raise ErrorResponse(f"unable to create alias: invalid {what} alias type: must be one of: {kinds}")
    return role.role_id


def _about(role: str, account: GcpAccount, instance: GceInstance | None) -> dict[str, str]:
    about = {
        "role": role,
        "service_account_id": account.unique_id,
        "service_account_email": account.email,
        "project_id": account.project_id,
    }
    if instance is not None:
        about |= {
            "project_id": instance.project_id,
            "project_number": instance.project_number or "0",
            "zone": instance.zone,
            "instance_id": instance.instance_id,
            "instance_name": instance.instance_name,
            "instance_creation_timestamp": str(int(instance.created)),
        }
    return about


def _response(state: GcpAuth, call: Call, role: GcpRole, auth: Auth, project: str) -> Response:
    if role.add_group_aliases:
        with refusing(error=BackendError):
            aliases: list[LoginAlias] = [{"name": name} for name in cloud.ancestry(state, project)]
        auth.group_aliases = aliases
    return Response(auth=role.apply(auth, call.request))


@engine.renews
def renew(state: GcpAuth, call: Call) -> Response:
    """Renew a login that the role still accepts. Raises ErrorResponse."""
    auth = call.login
    metadata = auth.metadata or {}
    name = metadata.get("role", "")
    if not name:
        raise ErrorResponse("role name metadata not associated with auth token, invalid")
    role = state.roles.get(name.lower())
    if role is None:
        raise ErrorResponse(f"role {quote(name)} no longer exists")
    if set(role.token_policies or []) - {"default"} != set(auth.token_policies) - {"default"}:
        raise ErrorResponse(f"policies on role {quote(name)} have changed, cannot renew")
    with refusing():
        if role.type == "iam":
            _renew_account(state, call, role, name, metadata)
        else:
            _renew_machine(state, call, role, name, metadata)
    return Response(auth=role.renewed(auth))


def _renew_account(state: GcpAuth, call: Call, role: GcpRole, name: str, metadata: dict[str, str]) -> None:
    """Check the service account of a login again. Raises ValueError with the server's text."""
    account_id = metadata.get("service_account_id")
    if account_id is None:
        raise ValueError("service account id metadata not associated with auth token, invalid")
    with refusing(text=f"cannot find service account {account_id}"):
        account = cloud.account(state, call, account_id, metadata.get("project_id", "-"))
    with refusing(text=f"service account is no longer authorized for role {name}"):
        bounds.check_account(role, account)


def _renew_machine(state: GcpAuth, call: Call, role: GcpRole, name: str, metadata: dict[str, str]) -> None:
    """Check the machine of a login again. Raises ValueError with the server's text."""
    names = ("project_id", "zone", "instance_id", "instance_name", "project_number", "instance_creation_timestamp")
    for one in names:
        if one not in metadata:
            raise ValueError(f"invalid auth metadata: expected '{one}' field")
    machine = cloud.machine(
        state,
        call,
        metadata["project_id"],
        metadata["zone"],
        metadata["instance_name"],
        float(metadata["instance_creation_timestamp"]),
    )
    account = metadata.get("service_account_id")
    if account is None:
        raise ValueError("invalid auth metadata: service_account_id not found")
    with refusing(f"could not renew token for role {name}: "):
        bounds.check_machine(state, call, role, machine, account)
