"""``login``: a token of the tenant logs in, and may be bound to the resource that it was issued to."""

from __future__ import annotations

import re

from mockkms.crypto import jws
from mockkms.vault.auth.claims import Claims
from mockkms.vault.auth.cloud import issuers
from mockkms.vault.auth.cloud.azure import resources
from mockkms.vault.auth.cloud.azure.model import AzureAuth, AzureConfig, AzureRole, engine
from mockkms.vault.auth.cloud.azure.resources import NamedResource
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
from mockkms.vault.golang.fmt import quote
from mockkms.vault.golang.time import plain

_GUID = re.compile(r"[0-9A-Fa-f]{8}-([0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}")
_NAME = re.compile(r"[a-zA-Z]|[a-zA-Z][a-zA-Z0-9.\-_]*[a-zA-Z0-9_]")
_GROUP = re.compile(r"[-_.()\w]*[-_()\w]")
_AUTHORITY = "https://login.microsoftonline.com/"

login = engine.path(
    "login",
    {
        name: Field(Kind.STRING, help=text)
        for name, text in (
            ("role", "Role to log in with."), ("jwt", "The signed token."),
            ("subscription_id", "Of the machine."), ("resource_group_name", "Of the machine."),
            ("vm_name", "Of the machine."), ("vmss_name", "Of the machine's set."), ("resource_id", "Of a resource."),
        )
    },
    login=True,
    help="Log in with a token of Azure.", go_errors=True,
)  # fmt: skip


@login.on(Operation.UPDATE)
def log_in(
    state: AzureAuth,
    call: Call,
    *,
    role: str,
    jwt: str,
    subscription_id: str,
    resource_group_name: str,
    vm_name: str,
    vmss_name: str,
    resource_id: str,
) -> Response:
    """Log in. Raises ErrorResponse, and BackendError for a token that is refused."""
    if not jwt:
        raise ErrorResponse("jwt is required")
    if not role:
        raise ErrorResponse("role is required")
    found = state.roles.get(role.lower())
    if found is None:
        raise ErrorResponse(f"invalid role name {quote(role)}")
    found.check_address(call.request)
    named = NamedResource(subscription_id, resource_group_name, vm_name, vmss_name, resource_id)
    _check_names(named)
    claims = _claims(state, call, jwt)
    with refusing(error=BackendError):
        _check_principal(found, claims, call.now())
        resources.check(state, call, found, named, claims)
    return Response(auth=_auth(found, role, call, named, claims))


def _check_names(named: NamedResource) -> None:
    """Refuse names that Azure does not allow. Raises ErrorResponse."""
    for pattern, value, what in (
        (_GUID, named.subscription_id, "subscription id"),
        (_GROUP, named.resource_group, "resource group name"),
        (_NAME, named.vmss_name, "vmss_name"),
        (_NAME, named.vm_name, "vm name"),
    ):
        if value and not pattern.fullmatch(value):
            raise ErrorResponse(f"invalid {what} {quote(value)}")


def _claims(state: AzureAuth, call: Call, jwt: str) -> Claims:
    """Return the claims of a token of the tenant. Raises BackendError."""
    config = state.config or AzureConfig()
    for name in ("tenant_id", "resource"):
        if not getattr(config, name):
            raise BackendError(f"{name} is required")
    issuer, keys = _issuer(state, call, config)
    with refusing(error=BackendError):
        return issuers.verified(jwt, keys, issuer, config.resource, ("RS256",), call.now())


def _issuer(state: AzureAuth, call: Call, config: AzureConfig) -> tuple[str, list[jws.PublicKey]]:
    """Return the tenant's issuer and its keys. Raises BackendError without any."""
    tenant = next(iter(state.tenant), None)
    usual = f"https://sts.windows.net/{config.tenant_id}/"
    if tenant is not None and tenant.keys:
        return tenant.issuer or usual, [issuers.load_key(pem) for pem in tenant.keys]
    url = tenant.discovery_url if tenant is not None else ""
    if not url:
        call.request.trace.hint = "the world has no keys of this tenant (`tenant`)"
        url = f"{_AUTHORITY}{config.tenant_id}/.well-known/openid-configuration"
    with refusing(error=BackendError, of=OSError):
        document = issuers.fetched(url)
        return str(document.get("issuer") or usual), issuers.key_set(str(document.get("jwks_uri") or ""))


def _check_principal(role: AzureRole, claims: Claims, now: float) -> None:
    """Check the owner of a token and its groups. Raises ValueError with the server's text."""
    starts = issuers.moment(claims.get("nbf"))
    if starts > now:
        raise ValueError(f"token is not yet valid (Token Not Before: {plain(int(starts))})")
    principals, groups = role.bound_service_principal_ids or [], role.bound_group_ids or []
    if principals == groups == ["*"] or (not principals and not groups):
        raise ValueError(
            "expected specific bound_group_ids or bound_service_principal_ids; both cannot be empty or '*'"
        )
    owner, own_groups = str(claims.get("oid") or ""), resources.texts(claims.get("groups"))
    if principals not in ([], ["*"]) and not resources.contains(principals, owner):
        raise ValueError(f"service principal not authorized: {owner}")
    if groups not in ([], ["*"]) and not any(resources.contains(groups, group) for group in own_groups):
        raise ValueError(f"groups not authorized: [{' '.join(own_groups)}]")


def _auth(role: AzureRole, name: str, call: Call, named: NamedResource, claims: Claims) -> Auth:
    owner = str(claims.get("oid") or "")
    optional = {
        "vm_name": named.vm_name,
        "vmss_name": named.vmss_name,
        "resource_id": named.resource_id,
        "app_id": str(claims.get("appid") or ""),
    }
    about = {"resource_group_name": named.resource_group, "subscription_id": named.subscription_id}
    about |= {key: value for key, value in optional.items() if value}
    groups: list[LoginAlias] = [{"name": group} for group in resources.texts(claims.get("groups")) if group]
    auth = Auth(
        display_name=owner,
        alias={"name": owner, "metadata": dict(about)},
        group_aliases=groups,
        metadata={"role": name, **about},
        internal={"role": name},
    )
    return role.apply(auth, call.request)


@engine.renews
def renew(state: AzureAuth, call: Call) -> Response:
    """Renew a login with the role's present lifetimes. Raises BackendError if the role was deleted."""
    auth, name = call.login, call.kept("role")
    role = state.roles.get(name.lower())
    if role is None:
        raise BackendError(f"role {name} does not exist during renewal")
    return Response(auth=role.renewed(auth))
