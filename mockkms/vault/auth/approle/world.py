"""AppRole in world files: roles with their secret ids."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mockkms.vault.auth.approle.model import AppRoleRole, SecretID
from mockkms.vault.auth.approle.role import roles
from mockkms.vault.auth.approle.secretid import custom
from mockkms.vault.framework.shapes.collections import Either, Key, ListOf, Text
from mockkms.vault.framework.shapes.parameters import parameters_of
from mockkms.vault.framework.world_section import list_at
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.record_section import named, record_section

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context
    from mockkms.vault.mounts.table import Mount


def _secret_ids() -> dict[str, Key]:
    secret_id = Either({"text": Text(), "mapping": parameters_of(custom)})
    return {"secret_ids": Key(ListOf(secret_id), "secret ids that log in: texts, or mappings with their limits")}


def add_role(core: Context, mount: Mount, name: str, spec: Mapping[str, object]) -> None:
    """Write a role: the parameters of the API, and ``secret_ids``, a list of texts or of mappings with ``secret_id``
    and the parameters of the API's custom-secret-id. Raises VaultError with the server's text.
    """
    seeding.write(core, mount, f"{roles.folder}/{name}", {k: v for k, v in spec.items() if k != "secret_ids"})
    for entry in list_at(spec, "secret_ids"):
        data = dict(entry) if isinstance(entry, Mapping) else {"secret_id": str(entry)}
        seeding.write(core, mount, f"{roles.folder}/{name}/custom-secret-id", data)


def _describe(core: Context, _mount: Mount, role: AppRoleRole) -> dict[str, object]:
    """Return a role in the form that ``add_role`` reads, with remaining lifetimes."""
    spec = role.changed()
    secret_ids = [_secret_id(entry, role, core.clock.now()) for entry in role.secret_ids.values()]
    return {"role_id": role.role_id, **spec, **({"secret_ids": secret_ids} if secret_ids else {})}


def _secret_id(entry: SecretID, role: AppRoleRole, now: float) -> str | dict[str, object]:
    optional: dict[str, object] = {
        "num_uses": entry.num_uses if entry.num_uses != role.secret_id_num_uses else 0,
        "ttl": max(1, int(entry.expires - now)) if entry.expires else 0,
        "metadata": json.dumps(entry.metadata, sort_keys=True) if entry.metadata else "",
        "cidr_list": entry.cidr_list,
        "token_bound_cidrs": entry.token_bound_cidrs,
    }
    shown = {name: value for name, value in optional.items() if value}
    return {"secret_id": entry.id, **shown} if shown else entry.id


section = record_section(named("roles", "roles by name", roles, more=_secret_ids, add=add_role, describe=_describe))
