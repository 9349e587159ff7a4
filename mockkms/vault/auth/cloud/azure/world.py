"""Azure auth in world files: settings, roles, and the world's Azure: the tenant's issuer, resources and identities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mockkms.vault.auth.cloud.azure.config import config
from mockkms.vault.auth.cloud.azure.model import AzureConfig, AzureIdentity, AzureResource, AzureTenant
from mockkms.vault.auth.cloud.azure.roles import roles
from mockkms.vault.auth.cloud.parts import NAMES, alone, listed, text
from mockkms.vault.framework.shapes.scalars import Moment
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.record_section import named, one, record_section

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context
    from mockkms.vault.framework.shapes.collections import Key
    from mockkms.vault.kernel.mounts import Mount

_EXPIRES = "secret_expires"


def _more() -> dict[str, Key]:
    return {_EXPIRES: text("when the rotated secret expires", shape=Moment())}


def _add(core: Context, mount: Mount, spec: Mapping[str, object]) -> None:
    seeding.write(core, mount, "config", {key: value for key, value in spec.items() if key != _EXPIRES})
    if _EXPIRES in spec:
        mount.state.config.secret_expires = spec[_EXPIRES]


def _describe(_core: Context, _mount: Mount, found: AzureConfig) -> dict[str, object]:
    return {**found.changed(), **({_EXPIRES: found.secret_expires} if found.secret_expires else {})}


section = record_section(
    one(
        "config", "how Azure is contacted", config, lambda state: state.config, more=_more, add=_add, describe=_describe
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
            "id": text("`/subscriptions/…/resourceGroups/…/providers/…`", required=True),
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
            "client_id": text("`appid` of its tokens", required=True),
            "resource_group": text("its resource group", required=True),
        },
        lambda state: state.identities,
    ),
)
