"""The Azure secrets engine: service principals for roles, and its section of world files.

Azure is never contacted: the credentials are random and Azure refuses them. Roles, groups and applications are assumed
to exist; ids that a request does not give are derived from the names.

Source: ``vault-plugin-secrets-azure`` and its API documentation; no recording exists.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import Annotated

from mockkms.vault.framework import automated_rotation
from mockkms.vault.framework.automated_rotation import AutomatedRotation
from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response, refusing
from mockkms.vault.framework.records import Record, Show, param
from mockkms.vault.golang import json as gojson
from mockkms.vault.golang.fmt import error_list, quote
from mockkms.vault.golang.json_types import STRING, Slice, Struct
from mockkms.vault.kernel.record_section import named, record_section
from mockkms.vault.products import Product
from mockkms.vault.secrets.issuing import Setting, issued, renewed
from mockkms.vault.secrets.peer import MADE_UP
from mockkms.world.clock import rfc3339
from mockkms.world.stored import stored

_HALF_YEAR = 4380 * 3600
_TEN_YEARS = 10 * 365 * 24 * 3600
"""Lifetime of a service principal in seconds, unless its role has another one."""
_CLOUDS = ("AZURECHINACLOUD", "AZUREPUBLICCLOUD", "AZUREUSGOVERNMENTCLOUD")
_AUDIENCES = ("AzureADMyOrg", "AzureADMultipleOrgs", "AzureADandPersonalMicrosoftAccount", "PersonalMicrosoftAccount")
_BUILT_IN = {
    "Contributor": "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "Owner": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
    "Reader": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
}
"""Ids of roles that every tenant has."""
_LONGEST_TAG = 256
"""Bytes."""
_ROLES = Slice(
    Struct("azuresecrets.AzureRole", dict.fromkeys(("role_name", "role_id", "scope"), STRING)), pointers=True
)
_GROUPS = Slice(Struct("azuresecrets.AzureGroup", dict.fromkeys(("group_name", "object_id"), STRING)), pointers=True)
_NO_FEDERATION = "plugin workload identity not supported in Vault community edition"


@stored("azure.AzureSecretsConfig")
@dataclass
class AzureSecretsConfig(AutomatedRotation, Record):
    """The tenant, and the credentials that create the others."""

    subscription_id: Annotated[str, param(Kind.STRING, help="Id of the subscription.")] = ""
    tenant_id: Annotated[str, param(Kind.STRING, help="Id of the tenant.")] = ""
    environment: Annotated[str, param(Kind.STRING, help="Name of the cloud; AzurePublicCloud by default.")] = ""
    client_id: Annotated[str, param(Kind.STRING, help="Id of the application.")] = ""
    client_secret: Annotated[str, param(Kind.STRING, help="Secret of the application.", show=Show.NEVER)] = ""
    root_password_ttl: Annotated[
        int, param(Kind.SECONDS, help="Lifetime in seconds of a secret that rotate-root creates.", default=0)
    ] = _HALF_YEAR
    identity_token_audience: Annotated[str, param(Kind.STRING, help="Audience of identity tokens.")] = ""
    identity_token_ttl: Annotated[int, param(Kind.SECONDS, help="Lifetime of identity tokens in seconds.")] = 0
    expires: float = 0.0
    """When the secret that ``rotate-root`` created expires, seconds since the epoch; 0: none was created."""

    def changed(self) -> dict[str, object]:
        """Return the parameters that are not as a new configuration has them."""
        return super().changed() | self.changed_rotation()


@stored("azure.AzureCredentialRole")
@dataclass
class AzureCredentialRole(Record):
    """A role: the permissions of its service principals. Durations are seconds."""

    azure_roles: Annotated[
        str, param(Kind.STRING, help="Azure roles to assign, a list in JSON: role_name, role_id, scope.",
                   show=Show.NEVER)
    ] = ""  # fmt: skip
    azure_groups: Annotated[
        str, param(Kind.STRING, help="Groups to join, a list in JSON: group_name, object_id.", show=Show.NEVER)
    ] = ""
    application_object_id: Annotated[
        str, param(Kind.STRING, help="Object id of an existing application, which gets new secrets.")
    ] = ""
    sign_in_audience: Annotated[str, param(Kind.STRING, help="Who may sign in to a new application.")] = ""
    tags: Annotated[list[str] | None, param(Kind.COMMA_STRINGS, help="Tags of a new application.")] = None
    ttl: Annotated[int, param(Kind.SECONDS, help="Default lease in seconds.")] = 0
    max_ttl: Annotated[int, param(Kind.SECONDS, help="Maximum lease in seconds.")] = 0
    explicit_max_ttl: Annotated[
        int, param(Kind.SECONDS, help="Maximum lifetime in seconds of the lease and the service principal.")
    ] = 0
    permanently_delete: Annotated[
        bool, param(Kind.BOOL, help="Delete applications permanently at the end of the lease.")
    ] = False
    persist_app: Annotated[
        bool, param(Kind.BOOL, help="Create one application, with the role, for all credentials.")
    ] = False


@stored("azure.AzureSecrets")
@dataclass
class AzureSecrets:
    """State of a mount."""

    config: AzureSecretsConfig | None = None
    roles: dict[str, AzureCredentialRole] = field(default_factory=dict)


def derived_id(*parts: str) -> str:
    """Return the id, a UUID, of an object in Azure that is identified by its name."""
    raw = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    return f"{raw[:8]}-{raw[8:12]}-{raw[12:16]}-{raw[16:20]}-{raw[20:32]}"


def _roles(role: AzureCredentialRole) -> list[dict[str, str]]:
    """Return the Azure roles of a role. Raises ValueError."""
    found: list[dict[str, str]] = _ROLES.read(gojson.decode_first(role.azure_roles)) if role.azure_roles else []
    return found


def _groups(role: AzureCredentialRole) -> list[dict[str, str]]:
    """Return the groups of a role. Raises ValueError."""
    found: list[dict[str, str]] = _GROUPS.read(gojson.decode_first(role.azure_groups)) if role.azure_groups else []
    return found


def _shown(role: AzureCredentialRole, product: Product) -> dict[str, object]:
    return {
        **role.shown(product),
        "azure_roles": _roles(role) if role.azure_roles else None,
        "azure_groups": _groups(role) if role.azure_groups else None,
    }


engine = Engine(
    "secret/azure", kind="secret", new_state=AzureSecrets, help="Random credentials of Azure service principals."
)
roles: Collection[AzureSecrets, AzureCredentialRole] = Collection(
    engine, "roles/{name}", AzureCredentialRole, lambda state: state.roles, lower=True, paged=False,
    name=Field(Kind.LOWER_STRING, help="Name of the role."), help="A role.", list_help="Names of the roles.",
    supplies=(Operation.LIST, Operation.DELETE), go_errors=True,
)  # fmt: skip
config: Setting[AzureSecrets, AzureSecretsConfig] = Setting(
    engine, "config", AzureSecretsConfig, "config", help="The tenant, and the credentials that create the others.",
    extra=automated_rotation.fields(), existence=True, supplies=(Operation.DELETE,),
)  # fmt: skip
creds = engine.path(
    "creds/{role}", {"role": Field(Kind.LOWER_STRING, help="Name of the role.")}, help="Create credentials.",
    go_errors=True,
)  # fmt: skip
rotate_root = engine.path("rotate-root", help="Replace the secret of the application.", go_errors=True)


@config.endpoint.on(Operation.READ)
def read_config(state: AzureSecrets, call: Call) -> Reply:
    """Return the settings without secrets; before the first write, empty ones."""
    found = state.config or AzureSecretsConfig(root_password_ttl=0)
    product = call.core.product
    expires = {"root_password_expiration_date": rfc3339(found.expires)} if found.expires else {}
    return {**found.shown(product), **found.shown_rotation(product), **expires}


@config.write
def write_config(_state: AzureSecrets, call: Call, found: AzureSecretsConfig) -> None:
    """Create or change the settings. Raises ErrorResponse."""
    found.update_from(call)
    with refusing():
        found.parse_rotation(call)
    if found.identity_token_audience:
        if found.client_secret:
            raise ErrorResponse("only one of 'client_secret' or 'identity_token_audience' can be set")
        raise ErrorResponse(_NO_FEDERATION)
    cloud = found.environment.upper()
    if "environment" in call and cloud not in _CLOUDS:
        raise ErrorResponse(error_list([f"err: no cloud configuration matching the name {quote(cloud)}"]))
    with refusing():
        found.register_rotation()


def _configured(state: AzureSecrets) -> AzureSecretsConfig:
    """Return the settings with which Azure is contacted. Raises BackendError."""
    found = state.config or AzureSecretsConfig()
    for name in ("subscription_id", "tenant_id"):
        if not getattr(found, name):
            raise BackendError(f"{name} is required")
    return found


@roles.one.on(Operation.READ)
def read_role(state: AzureSecrets, call: Call, *, name: str) -> Reply:
    """Return a role. Raises BackendError without settings."""
    if state.config is None:
        raise BackendError("config is nil")
    found = state.roles.get(name)
    return None if found is None else _shown(found, call.core.product)


@roles.write
def write_role(state: AzureSecrets, call: Call, name: str, role: AzureCredentialRole) -> None:
    """Create or update a role. Raises ErrorResponse and BackendError."""
    if state.config is None:
        raise BackendError("config is nil")
    settings = _configured(state)
    persisted = role.persist_app
    role.update_from(call)
    role.permanently_delete = call["permanently_delete"]
    _check_lifetimes(role)
    if "sign_in_audience" in call and role.sign_in_audience not in _AUDIENCES:
        raise ErrorResponse(f"Invalid value for sign_in_audience field. Valid values are: {', '.join(_AUDIENCES)}")
    if role.tags is not None:
        role.tags = sorted({tag.strip() for tag in role.tags if tag.strip()})
    for tag in role.tags or ():
        if len(tag.encode()) > _LONGEST_TAG:
            raise ErrorResponse("individual tag size must be between 1 and 256 characters (inclusive)")
        if " " in tag:
            raise ErrorResponse("whitespaces are not allowed in tags")
    if role.application_object_id and not persisted and role.permanently_delete:
        raise ErrorResponse("permanently_delete must be false if application_object_id is provided")
    _resolve(call, role, settings)
    if not role.application_object_id and not _roles(role) and not _groups(role):
        raise ErrorResponse(
            "either Azure role definitions, group definitions, or an Application Object ID must be provided"
        )
    if role.persist_app:
        role.application_object_id = derived_id("application", settings.tenant_id, name)


def _check_lifetimes(role: AzureCredentialRole) -> None:
    pairs = (("ttl", "max_ttl"), ("ttl", "explicit_max_ttl"), ("max_ttl", "explicit_max_ttl"))
    for lower, upper in pairs:
        if 0 < getattr(role, upper) < getattr(role, lower):
            raise ErrorResponse(f"{lower} cannot be greater than {upper}")


def _resolve(call: Call, role: AzureCredentialRole, settings: AzureSecretsConfig) -> None:
    """Give each Azure role and group of a role its id and name. Raises ErrorResponse."""
    with refusing(f"error parsing Azure roles '{role.azure_roles}': "):
        if "azure_roles" in call:
            gojson.decode_first(role.azure_roles)
        given_roles = _roles(role)
    with refusing(f"error parsing Azure groups '{role.azure_groups}': "):
        if "azure_groups" in call:
            gojson.decode_first(role.azure_groups)
        given_groups = _groups(role)
    seen = set()
    definitions = f"/subscriptions/{settings.subscription_id}/providers/Microsoft.Authorization/roleDefinitions/"
    names = {identity: name for name, identity in _BUILT_IN.items()}
    for one in given_roles:
        if one["role_id"]:
            one["role_name"] = names.get(one["role_id"].rpartition("/")[2], one["role_name"])
        elif not one["role_name"]:
            raise ErrorResponse("no role found for role_name: ''")
        else:
            own = _BUILT_IN.get(one["role_name"]) or derived_id("role", one["role_name"])
            one["role_id"] = definitions + own
        key = one["role_id"], one["scope"]
        if key in seen:
            raise ErrorResponse("duplicate role_id and scope: '{}', '{}'".format(*key))
        seen.add(key)
    groups = set()
    for one in given_groups:
        if not one["object_id"] and not one["group_name"]:
            raise ErrorResponse("no group found for group_name: ''")
        one["object_id"] = one["object_id"] or derived_id("group", settings.tenant_id, one["group_name"])
        if one["object_id"] in groups:
            raise ErrorResponse(f"duplicate object_id '{one['object_id']}'")
        groups.add(one["object_id"])
    # Lists that were sent stay, even if they are empty.
    role.azure_roles = json.dumps(given_roles) if role.azure_roles else ""
    role.azure_groups = json.dumps(given_groups) if role.azure_groups else ""


@creds.on(Operation.READ)
def create_credentials(state: AzureSecrets, call: Call, *, role: str) -> Response:
    """Create a service principal, or a secret of an existing application. Raises ErrorResponse and BackendError."""
    _configured(state)
    found = state.roles.get(role)
    if found is None:
        raise ErrorResponse(f"role '{role}' does not exist")
    call.request.trace.hint = MADE_UP.format("Azure")
    entropy = call.core.entropy
    ends = call.now() + (found.explicit_max_ttl or _TEN_YEARS)
    internal: dict[str, object] = {"role": role, "key_end_date": ends}
    if found.application_object_id:
        client = derived_id("client", found.application_object_id)
        internal |= {"app_object_id": found.application_object_id, "key_id": entropy.uuid()}
    else:
        client = entropy.uuid()
        internal |= {"app_object_id": entropy.uuid(), "sp_object_id": entropy.uuid()}
    data = {"client_id": client, "client_secret": f"{entropy.base62(3)}8Q~{entropy.base62(34)}"}
    longest = found.max_ttl
    if found.explicit_max_ttl and (found.explicit_max_ttl < longest or not longest):
        longest = found.explicit_max_ttl
    return issued(data, internal, found.ttl, longest)


@engine.renews
def renew(state: AzureSecrets, call: Call) -> Response:
    """Renew a lease with its role's lifetimes, at most until the credentials end; a deleted role leaves it as it is."""
    role = state.roles.get(call.kept("role"))
    if role is None:
        return Response()
    left = int(float(call.kept("key_end_date")) - call.now())
    return renewed(call, min(role.ttl, left), min(role.max_ttl, left))


@engine.revokes
def revoke(state: AzureSecrets, _call: Call) -> None:
    """Delete the service principal or secret of a lease. Raises BackendError without settings."""
    with refusing("error during revoke: ", BackendError, of=BackendError):
        _configured(state)


@rotate_root.on(Operation.UPDATE)
def rotate(state: AzureSecrets, call: Call) -> None:
    """Replace the secret of the application. Raises BackendError."""
    if state.config is None:
        raise BackendError("config is nil")
    settings = _configured(state)
    entropy = call.core.entropy
    secret = f"{entropy.base62(3)}8Q~{entropy.base62(34)}"
    ends = call.now() + (settings.root_password_ttl or _HALF_YEAR)
    state.config = replace(settings, client_secret=secret, expires=float(int(ends)))


section = record_section(
    config.part("config", "the tenant, and the credentials that create the others"),
    named("roles", "roles by name", roles),
)
