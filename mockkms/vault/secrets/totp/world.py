"""TOTP mounts in world files: keys by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mockkms.vault.framework.shapes.collections import Key, MapOf
from mockkms.vault.framework.shapes.parameters import written
from mockkms.vault.framework.world_section import Filling, WorldSection
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.mounts import Mount

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context


def _keys(_type: str) -> dict[str, Key]:
    return {"keys": Key(MapOf(written("totp", "keys/x")), "keys by name")}


def _fill(to: Filling, mount: Mount, spec: Mapping[str, Any]) -> None:
    seeding.write_named(to, mount, spec, "keys", "keys")


def _dump(_core: Context, mount: Mount) -> dict[str, Any]:
    return {"keys": {name: dict(vars(key)) for name, key in mount.state.keys.items()}}


section = WorldSection(_keys, _fill, _dump)
