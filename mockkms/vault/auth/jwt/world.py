"""JWT mounts in world files: configuration, roles, and the keys that are served at the configured URL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mockkms.vault.auth.jwt.config import parsed
from mockkms.vault.auth.jwt.model import JWT, CelRole, JwtConfig, JwtRole
from mockkms.vault.framework.shapes.collections import Key, ListOf, MapOf, Text
from mockkms.vault.framework.shapes.parameters import written
from mockkms.vault.framework.world_section import Filling, WorldSection
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.mounts import Mount

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context


def _keys(_type: str) -> dict[str, Key]:
    config = written("jwt", "config", keys=Key(ListOf(Text("PEM")), "public keys served at the configured URL"))
    return {
        "config": Key(config, "how tokens are verified"),
        "roles": Key(MapOf(written("jwt", "role/x")), "roles by name"),
        "cel_roles": Key(MapOf(written("jwt", "cel/role/x")), "roles that are programs, by name"),
    }


def _fill(to: Filling, mount: Mount, spec: Mapping[str, Any]) -> None:
    if spec.get("config"):
        with to.guard("config"):
            configure(to.core, mount, spec["config"])
    for name, role in (spec.get("roles") or {}).items():
        with to.guard("roles", name):
            add_role(to.core, mount, name, role)
    seeding.write_named(to, mount, spec, "cel_roles", "cel/role")


def configure(core: Context, mount: Mount, config: Mapping[str, Any]) -> None:
    """Write the configuration: the parameters of the API, and ``keys`` (PEM), which this world serves at the
    ``jwks_url`` or ``oidc_discovery_url``. Raises VaultError with the server's text.
    """
    data = dict(config)
    keys = data.pop("keys", None)
    url = str(data.get("jwks_url") or data.get("oidc_discovery_url") or "")
    if keys is not None and url:
        for pem in keys:
            parsed(pem)
        mount.state.jwks[url] = list(keys)
    seeding.write(core, mount, "config", data)


def add_role(core: Context, mount: Mount, name: str, role: Mapping[str, Any]) -> None:
    """Write a role: the parameters of the API; ``role_type`` is jwt if absent. Raises VaultError."""
    seeding.write(core, mount, f"role/{name}", {"role_type": "jwt", **role})


def dump(state: JWT) -> dict[str, Any]:
    """``config`` and ``roles`` as the functions here read them."""
    shown: dict[str, Any] = {}
    if state.config is not None:
        shown["config"] = _changed(state.config, JwtConfig())
        keys = state.jwks.get(state.config.jwks_url or state.config.oidc_discovery_url)
        if keys:
            shown["config"]["keys"] = list(keys)
    if state.roles:
        shown["roles"] = {name: _role(role) for name, role in sorted(state.roles.items())}
    if state.cel_roles:
        shown["cel_roles"] = {name: _cel_role(role) for name, role in sorted(state.cel_roles.items())}
    return shown


def _cel_role(role: CelRole) -> dict[str, Any]:
    changed = _changed(role, CelRole(role.program), "program")
    return {"cel_program": role.program.shown(), **changed}


def _role(role: JwtRole) -> dict[str, Any]:
    return {"role_type": role.role_type, **_changed(role, JwtRole(), "old", "role_type")}


def _changed(thing: object, fresh: object, *left_out: str) -> dict[str, Any]:
    before = vars(fresh)
    return {k: v for k, v in vars(thing).items() if k not in left_out and v != before[k]}


section = WorldSection(_keys, _fill, lambda _core, mount: dump(mount.state))
