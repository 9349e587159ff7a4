"""AppRole in world files: roles with their secret ids."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mockkms.vault.auth.approle.model import AppRole, AppRoleRole, SecretID
from mockkms.vault.framework.shapes.collections import Either, Key, ListOf, MapOf, Text
from mockkms.vault.framework.shapes.parameters import written
from mockkms.vault.framework.world_section import Filling, WorldSection
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.mounts import Mount

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context


def _keys(_type: str) -> dict[str, Key]:
    secret_id = Either({"text": Text(), "mapping": written("approle", "role/x/custom-secret-id")})
    secret_ids = Key(ListOf(secret_id), "secret ids that log in: texts, or mappings with their limits")
    return {"roles": Key(MapOf(written("approle", "role/x", secret_ids=secret_ids)), "roles by name")}


def _fill(to: Filling, mount: Mount, spec: Mapping[str, Any]) -> None:
    for name, role in (spec.get("roles") or {}).items():
        with to.guard("roles", name):
            add_role(to.core, mount, name, role)


def _dump(core: Context, mount: Mount) -> dict[str, Any]:
    return {"roles": dump_roles(mount.state, core.clock.now())}


def add_role(core: Context, mount: Mount, name: str, spec: Mapping[str, Any]) -> None:
    """Write a role: the parameters of the API, and ``secret_ids``, a list of texts or of descriptions with
    ``secret_id`` and the parameters of the API's custom-secret-id. Raises VaultError with the server's text."""
    seeding.write(core, mount, f"role/{name}", {k: v for k, v in spec.items() if k != "secret_ids"})
    for entry in spec.get("secret_ids") or []:
        data = dict(entry) if isinstance(entry, Mapping) else {"secret_id": str(entry)}
        seeding.write(core, mount, f"role/{name}/custom-secret-id", data)


def dump_roles(state: AppRole, now: float) -> dict[str, dict[str, Any]]:
    """Return every role as ``add_role`` reads it; ``now`` in seconds since the epoch: lifetimes become what is left."""
    return {name: _role(role, now) for name, role in sorted(state.roles.items())}


def _role(role: AppRoleRole, now: float) -> dict[str, Any]:
    spec = {"role_id": role.role_id} | role.changed()
    secret_ids = [_secret_id(entry, role, now) for entry in role.secret_ids.values()]
    if secret_ids:
        spec["secret_ids"] = secret_ids
    return spec


def _secret_id(entry: SecretID, role: AppRoleRole, now: float) -> str | dict[str, Any]:
    optional: dict[str, Any] = {
        "num_uses": entry.num_uses if entry.num_uses != role.secret_id_num_uses else 0,
        "ttl": max(1, int(entry.expires - now)) if entry.expires else 0,
        "metadata": json.dumps(entry.metadata, sort_keys=True) if entry.metadata else "",
        "cidr_list": entry.cidr_list,
        "token_bound_cidrs": entry.token_bound_cidrs,
    }
    shown = {name: value for name, value in optional.items() if value}
    return {"secret_id": entry.id, **shown} if shown else entry.id


section = WorldSection(_keys, _fill, _dump)
