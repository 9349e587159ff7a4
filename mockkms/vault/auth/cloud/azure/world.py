"""Azure auth in world files: settings, roles, and the world's Azure: the tenant's issuer, resources and identities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockkms.vault.auth.cloud.azure.config import config
from mockkms.vault.auth.cloud.azure.model import AzureIdentity, AzureResource, AzureTenant
from mockkms.vault.auth.cloud.azure.roles import roles
from mockkms.vault.framework.shapes.scalars import Moment
from mockkms.vault.kernel.plain_records import NAMES, alone, listed, more_of_one, text
from mockkms.vault.kernel.record_section import named, one, record_section

if TYPE_CHECKING:
    pass

_MORE = {"secret_expires": text("when the rotated secret expires", shape=Moment())}

section = record_section(
    one(
        "config",
        "how Azure is contacted",
        config,
        lambda state: state.config,
        **more_of_one(config, lambda state: state.config, _MORE),
    ),
    named("roles", "roles by name", roles),
    alone(
        "tenant",
        "the issuer of the tenant's tokens",
        AzureTenant,
        {
            "keys": text("public keys or certificates that verify tokens, PEM", shape=NAMES),
            "issuer": text("`iss` of the tokens; default: `https://sts.windows.net/<tenant_id>/`"),
            "discovery_url": text("URL of a discovery document on this machine, in place of `keys`"),
        },
        lambda state: state.tenant,
    ),
    listed(
        "resources",
        "machines, scale sets and other resources of the world's Azure",
        AzureResource,
        {
            "id": text("`/subscriptions/…/resourceGroups/…/providers/…`"),
            "location": text("its location"),
            "principal_ids": text("object ids of its managed identities", shape=NAMES),
        },
        lambda state: state.resources,
    ),
    listed(
        "identities",
        "user-assigned identities, for tokens of workloads that name no resource",
        AzureIdentity,
        {
            "client_id": text("`appid` of its tokens"),
            "resource_group": text("its resource group"),
        },
        lambda state: state.identities,
    ),
)
