"""The token method in world files: token roles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mockkms.vault.auth import described
from mockkms.vault.framework.shapes.collections import Key, MapOf
from mockkms.vault.framework.shapes.parameters import written
from mockkms.vault.framework.world_section import Filling, WorldSection
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.mounts import Mount

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context


def _keys(_type: str) -> dict[str, Key]:
    return {"roles": Key(MapOf(written("token", "roles/x")), "token roles by name")}


def _fill(to: Filling, mount: Mount, spec: Mapping[str, Any]) -> None:
    seeding.write_named(to, mount, spec, "roles", "roles")


def _dump(_core: Context, mount: Mount) -> dict[str, Any]:
    roles = described.changed_roles(mount.state)
    return {"roles": roles} if roles else {}


section = WorldSection(_keys, _fill, _dump)
