"""Cloud Foundry auth in world files: settings, roles, and the applications of the world's Cloud Foundry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mockkms.vault.auth.cloud.cf.config import config, roles
from mockkms.vault.auth.cloud.cf.model import CfApp, CfAuth
from mockkms.vault.framework.shapes.scalars import Integer
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.plain_records import listed, text
from mockkms.vault.kernel.record_section import named, one, record_section

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context
    from mockkms.vault.mounts.table import Mount


def _add(core: Context, mount: Mount, spec: Mapping[str, object]) -> None:
    """Write the settings without a request to the API, which need not run. Raises VaultError."""
    state: CfAuth = mount.state
    state.loading = True
    try:
        seeding.write(core, mount, "config", spec)
    finally:
        state.loading = False


section = record_section(
    one("config", "how instances are verified", config, lambda state: state.config, add=_add),
    named("roles", "roles by name", roles),
    listed(
        "apps",
        "applications of the world's Cloud Foundry",
        CfApp,
        {
            "app_id": text("id of the application"),
            "space_id": text("id of its space"),
            "org_id": text("id of its organization"),
            "app_name": text("name of the application"),
            "space_name": text("name of its space"),
            "org_name": text("name of its organization"),
            "instances": text("number of live instances; default: 1", shape=Integer()),
        },
        lambda state: state.apps,
    ),
)
