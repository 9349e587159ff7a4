"""Azure auth: configuration and roles. A login needs the keys of the tenant, which this server does not have."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from mockkms.vault.auth.cloud.roles import CloudRole
from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation
from mockkms.vault.framework.records import Record, Show, param
from mockkms.world.stored import stored

_LIST = Kind.COMMA_STRINGS


@stored("auth.azure.AzureConfig")
@dataclass
class AzureConfig(Record):
    """The tenant, and how Azure is contacted. Times are seconds."""

    tenant_id: Annotated[str, param(Kind.STRING, help="The tenant.")] = ""
    resource: Annotated[str, param(Kind.STRING, help="The audience of tokens.")] = ""
    environment: Annotated[str, param(Kind.STRING, help="The Azure cloud, such as AzurePublicCloud.")] = ""
    client_id: Annotated[str, param(Kind.STRING, help="Client id for requests to Azure.")] = ""
    client_secret: Annotated[str, param(Kind.STRING, help="Its secret.", show=Show.NEVER)] = ""
    root_password_ttl: Annotated[int, param(Kind.SECONDS, help="Lifetime of a rotated secret.")] = 15768000
    max_retries: Annotated[int, param(Kind.INT, help="Number of retries of a request to Azure.")] = 3
    retry_delay: Annotated[int, param(Kind.SECONDS, help="Delay before the first retry.")] = 4
    max_retry_delay: Annotated[int, param(Kind.SECONDS, help="Longest delay before a retry.")] = 60


@stored("auth.azure.AzureRole")
@dataclass
class AzureRole(CloudRole):
    """Who may log in: at least one bound is set."""

    bound_service_principal_ids: Annotated[list[str], param(_LIST, help="Accepted service principals.")] = field(
        default_factory=list
    )
    bound_group_ids: Annotated[list[str], param(_LIST, help="Accepted groups.")] = field(default_factory=list)
    bound_locations: Annotated[list[str], param(_LIST, help="Accepted locations.")] = field(default_factory=list)
    bound_subscription_ids: Annotated[list[str], param(_LIST, help="Accepted subscriptions.")] = field(
        default_factory=list
    )
    bound_resource_groups: Annotated[list[str], param(_LIST, help="Accepted resource groups.")] = field(
        default_factory=list
    )
    bound_scale_sets: Annotated[list[str], param(_LIST, help="Accepted scale sets.")] = field(default_factory=list)

    @property
    def bounds(self) -> list[list[str]]:
        """The values of all bounds."""
        return [
            self.bound_service_principal_ids,
            self.bound_group_ids,
            self.bound_locations,
            self.bound_subscription_ids,
            self.bound_resource_groups,
            self.bound_scale_sets,
        ]


@stored("auth.azure.AzureAuth")
@dataclass
class AzureAuth:
    """State of a mount."""

    config: AzureConfig | None = None
    roles: dict[str, AzureRole] = field(default_factory=dict)


engine = Engine(
    "auth/azure", kind="auth", new_state=AzureAuth, help="Logins with tokens of Azure; only configured here."
)
config = engine.path("config", AzureConfig.fields, help="How Azure is contacted.")
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
roles = Collection[AzureAuth, AzureRole](
    engine,
    "role/{name}",
    AzureRole,
    lambda state: state.roles,
    name=Field(Kind.STRING, help="Name of the role, in any case."),
    lower=True,
    paged=False,
    empty_list=True,
    help="Who may log in, and the parameters of the tokens.",
    list_help="The names of all roles.",
)


@roles.write
def write_role(state: AzureAuth, call: Call, name: str, role: AzureRole) -> None:
    """Create or change a role. Raises ErrorResponse."""
    role.take(call)
    if not any(role.bounds):
        raise ErrorResponse("must have at least one bound constraint when creating/updating a role")


@config.on(Operation.READ)
def read(state: AzureAuth, call: Call) -> Reply:
    """Return the settings without the secret."""
    return None if state.config is None else state.config.shown(call.core.product)


@config.on(Operation.UPDATE)
def write(state: AzureAuth, call: Call) -> None:
    """Change the settings that were sent. Raises ErrorResponse."""
    made = state.config.copy() if state.config else AzureConfig()
    made.update_from(call)
    for name, value in (("tenant_id", made.tenant_id), ("resource", made.resource)):
        if not value:
            raise ErrorResponse(f"{name} is required")
    state.config = made


@config.on(Operation.DELETE)
def delete(state: AzureAuth, _call: Call) -> None:
    """Delete the settings."""
    state.config = None


@login.on(Operation.UPDATE)
def log_in(state: AzureAuth, call: Call, *, role: str, jwt: str) -> None:
    """Refuse the login: the token's owner cannot be verified here. Raises ErrorResponse and BackendError."""
    if not jwt:
        raise ErrorResponse("jwt is required")
    if not role:
        raise ErrorResponse("role is required")
    if role.lower() not in state.roles:
        raise ErrorResponse(f'invalid role name "{role}"')
    if state.config is None:
        raise BackendError("unable to retrieve backend configuration")
    call.request.trace.hint = "logins with tokens of Azure are not emulated; a rule can answer this path"
    raise BackendError("oidc provider could not be reached")
