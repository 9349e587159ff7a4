"""Azure auth: logins with tokens of a tenant. The state of a mount.

Source: https://github.com/hashicorp/vault-plugin-auth-azure, and the API page of the method.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from mockkms.vault.auth.cloud import issuers
from mockkms.vault.auth.cloud.roles import CloudRole
from mockkms.vault.framework.automated_rotation import AutomatedRotation
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.loading import load_endpoints
from mockkms.vault.framework.records import Record, Show, param
from mockkms.vault.golang.duration import SECOND
from mockkms.vault.products import Product
from mockkms.world.clock import rfc3339
from mockkms.world.stored import stored

_LIST = Kind.COMMA_STRINGS


@stored("auth.azure.AzureConfig")
@dataclass
class AzureConfig(Record, AutomatedRotation):
    """The tenant, and how Azure is contacted. Times are seconds."""

    tenant_id: Annotated[str, param(Kind.STRING, help="The tenant.")] = ""
    resource: Annotated[str, param(Kind.STRING, help="The audience of tokens.")] = ""
    environment: Annotated[str, param(Kind.STRING, help="The Azure cloud, such as AzurePublicCloud.")] = ""
    client_id: Annotated[str, param(Kind.STRING, help="Client id for requests to Azure.")] = ""
    client_secret: Annotated[str, param(Kind.STRING, help="Its secret.", show=Show.NEVER)] = ""
    root_password_ttl: Annotated[int, param(Kind.SECONDS, help="Lifetime of a rotated secret.")] = 15768000
    max_retries: Annotated[int, param(Kind.INT, help="Number of retries of a request to Azure.")] = 3
    retry_delay: Annotated[int, param(Kind.SECONDS, help="Delay before the first retry.", show=Show.NEVER)] = 4
    max_retry_delay: Annotated[int, param(Kind.SECONDS, help="Longest delay before a retry.", show=Show.NEVER)] = 60
    identity_token_audience: Annotated[str, param(Kind.STRING, help="Audience of identity tokens.")] = ""
    identity_token_ttl: Annotated[int, param(Kind.SECONDS, help="Lifetime of identity tokens in seconds.")] = 0
    secret_expires: float = 0
    """When the secret of the last rotation expires, in seconds since the epoch."""

    def shown(self, product: Product) -> dict[str, object]:
        """Return what a read in ``product`` shows: delays in nanoseconds, as the plugin's JSON has them."""
        delays = {name: getattr(self, name) * SECOND for name in ("retry_delay", "max_retry_delay")}
        expires = {"root_password_expiration_date": rfc3339(self.secret_expires)} if self.secret_expires else {}
        return {**super().shown(product), **delays, **expires, **self.shown_rotation(product)}

    def changed(self) -> dict[str, object]:
        """Return the parameters that differ from those of a new record, those of rotations included."""
        return super().changed() | self.changed_rotation()


@stored("auth.azure.AzureRole")
@dataclass
class AzureRole(CloudRole):
    """Who may log in: at least one bound is set. Those that were never sent are None."""

    bound_service_principal_ids: Annotated[list[str] | None, param(_LIST, help="Accepted service principals.")] = None
    bound_group_ids: Annotated[list[str] | None, param(_LIST, help="Accepted groups.")] = None
    bound_locations: Annotated[list[str] | None, param(_LIST, help="Accepted locations.")] = None
    bound_subscription_ids: Annotated[list[str] | None, param(_LIST, help="Accepted subscriptions.")] = None
    bound_resource_groups: Annotated[list[str] | None, param(_LIST, help="Accepted resource groups.")] = None
    bound_scale_sets: Annotated[list[str] | None, param(_LIST, help="Accepted scale sets.")] = None

    @property
    def bounds(self) -> list[list[str] | None]:
        """The values of all bounds."""
        principals = [self.bound_service_principal_ids, self.bound_group_ids]
        return [*principals, *self.resource_bounds]

    @property
    def resource_bounds(self) -> list[list[str] | None]:
        """The values of the bounds that Azure's description of a resource decides."""
        return [
            self.bound_locations,
            self.bound_subscription_ids,
            self.bound_resource_groups,
            self.bound_scale_sets,
        ]


@stored("auth.azure.AzureTenant")
@dataclass
class AzureTenant:
    """The issuer of the world's tenant."""

    keys: list[str] = field(default_factory=list)
    """Public keys or certificates, PEM."""
    issuer: str = ""
    """Empty: ``https://sts.windows.net/<tenant>/``."""
    discovery_url: str = ""
    """A discovery document on this machine, whose issuer and keys are used."""

    def __post_init__(self) -> None:
        """Check the keys. Raises ValueError."""
        for pem in self.keys:
            issuers.load_key(pem)


@stored("auth.azure.AzureResource")
@dataclass
class AzureResource:
    """A virtual machine, scale set or other resource of the world's Azure."""

    id: str
    """``/subscriptions/…/resourceGroups/…/providers/Microsoft.Compute/virtualMachines/…``, in any case."""
    location: str = ""
    principal_ids: list[str] = field(default_factory=list)
    """Object ids of its managed identities."""


@stored("auth.azure.AzureIdentity")
@dataclass
class AzureIdentity:
    """A user-assigned identity of the world's Azure."""

    client_id: str
    resource_group: str


@stored("auth.azure.AzureAuth")
@dataclass
class AzureAuth:
    """State of a mount."""

    config: AzureConfig | None = None
    roles: dict[str, AzureRole] = field(default_factory=dict)
    tenant: list[AzureTenant] = field(default_factory=list)
    """At most one."""
    resources: list[AzureResource] = field(default_factory=list)
    identities: list[AzureIdentity] = field(default_factory=list)


engine = Engine("auth/azure", kind="auth", new_state=AzureAuth, help="Logins with tokens of Azure.", waits=True)

load_endpoints(__name__, "config", "roles", "login")
