"""Mounts of the method ``cert`` in world files: settings and trusted certificates."""

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
    return {
        "config": Key(written("cert", "config"), "settings of the method"),
        "certs": Key(MapOf(written("cert", "certs/x")), "trusted certificates by name"),
    }


def _fill(to: Filling, mount: Mount, spec: Mapping[str, Any]) -> None:
    seeding.write_settings(to, mount, spec, "config", "config")
    seeding.write_named(to, mount, spec, "certs", "certs")


def _dump(_core: Context, mount: Mount) -> dict[str, Any]:
    config = {name: value for name, value in vars(mount.state.config).items() if value}
    shown = {"config": config, "certs": described.changed_roles(mount.state)}
    return {word: value for word, value in shown.items() if value}


section = WorldSection(_keys, _fill, _dump)
