"""JWT mounts in world files: configuration, roles, and the keys that are served at the configured URL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mockkms.vault.auth.jwt import cel_roles
from mockkms.vault.auth.jwt.config import config, parsed
from mockkms.vault.auth.jwt.model import JWT, JwtConfig, JwtRole
from mockkms.vault.auth.jwt.roles import roles
from mockkms.vault.framework.shapes.collections import Key, ListOf, Text
from mockkms.vault.framework.world_section import list_at
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.record_section import named, one, record_section

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context
    from mockkms.vault.mounts.table import Mount


def _served() -> dict[str, Key]:
    return {"keys": Key(ListOf(Text("PEM")), "public keys served at the configured URL")}


def configure(core: Context, mount: Mount, spec: Mapping[str, object]) -> None:
    """Write the configuration: the parameters of the API, and ``keys`` (PEM), which this world serves at the
    ``jwks_url`` or ``oidc_discovery_url``. Raises VaultError with the server's text.
    """
    data = {name: value for name, value in spec.items() if name != "keys"}
    url = str(data.get("jwks_url") or data.get("oidc_discovery_url") or "")
    if "keys" in spec and url:
        pems = [str(pem) for pem in list_at(spec, "keys")]
        for pem in pems:
            parsed(pem)
        state: JWT = mount.state
        state.jwks[url] = pems
    seeding.write(core, mount, "config", data)


def _describe_config(_core: Context, mount: Mount, found: JwtConfig) -> dict[str, object]:
    state: JWT = mount.state
    keys = state.jwks.get(found.keys_url)
    return {**found.changed(), **({"keys": list(keys)} if keys else {})}


def _add_role(core: Context, mount: Mount, name: str, spec: Mapping[str, object]) -> None:
    """Write a role: the parameters of the API; ``role_type`` is jwt if absent. Raises VaultError."""
    seeding.write(core, mount, f"{roles.folder}/{name}", {"role_type": "jwt", **spec})


def _describe_role(_core: Context, _mount: Mount, role: JwtRole) -> dict[str, object]:
    return {**role.changed(), "role_type": role.role_type}


section = record_section(
    one(
        "config",
        "how tokens are verified",
        config,
        lambda state: state.config,
        more=_served,
        add=configure,
        describe=_describe_config,
        stand_in={"keys": []},
    ),
    named("roles", "roles by name", roles, add=_add_role, describe=_describe_role),
    named("cel_roles", "roles that are programs, by name", cel_roles.roles),
)
