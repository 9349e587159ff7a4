"""Google Cloud mounts in world files: settings, role sets, static and impersonated accounts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mockkms.vault.framework.shapes.collections import Key, Text
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.record_section import named, record_section
from mockkms.vault.mounts.table import Mount
from mockkms.vault.secrets.cloud.gcp.accounts import impersonated, static
from mockkms.vault.secrets.cloud.gcp.model import GcpRoleSet, config
from mockkms.vault.secrets.cloud.gcp.rolesets import role_sets

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context

_EMAIL = "service_account_email"


def _add_role_set(core: Context, mount: Mount, name: str, spec: Mapping[str, object]) -> None:
    seeding.write(core, mount, f"roleset/{name}", {key: value for key, value in spec.items() if key != _EMAIL})
    found: GcpRoleSet = mount.state.role_sets[name]
    found.email = str(spec.get(_EMAIL) or found.email)


def _role_set(_core: Context, _mount: Mount, found: GcpRoleSet) -> dict[str, object]:
    return {**found.changed(), _EMAIL: found.email}


section = record_section(
    config.part("config", "the credentials that create the others"),
    named(
        "role_sets",
        "role sets by name, each with a service account of its own",
        role_sets,
        more=lambda: {_EMAIL: Key(Text(), "e-mail address of the service account; generated if it is missing")},
        add=_add_role_set,
        describe=_role_set,
    ),
    named("static_accounts", "static accounts by name", static),
    named("impersonated_accounts", "impersonated accounts by name", impersonated),
)
