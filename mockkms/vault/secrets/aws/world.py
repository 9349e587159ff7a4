"""Mounts of the AWS secrets engine in world files: settings and roles."""

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
    return {
        "config": Key(written("secret/aws", "config/root"), "the root key"),
        "lease": Key(written("secret/aws", "config/lease"), "lifetimes of the keys of users"),
        "roles": Key(MapOf(written("secret/aws", "roles/x")), "roles by name"),
    }


def _fill(to: Filling, mount: Mount, spec: Mapping[str, Any]) -> None:
    seeding.write_settings(to, mount, spec, "config", "config/root")
    seeding.write_settings(to, mount, spec, "lease", "config/lease")
    seeding.write_named(to, mount, spec, "roles", "roles")


def _dump(_core: Context, mount: Mount) -> dict[str, Any]:
    state = mount.state
    shown = {
        "config": state.root and {word: value for word, value in state.root.items() if value},
        "roles": {name: {word: value for word, value in role.items() if value} for name, role in state.roles.items()},
        "lease": state.lease and {name: f"{seconds}s" for name, seconds in state.lease.items()},
    }
    return {word: value for word, value in shown.items() if value}


section = WorldSection(_keys, _fill, _dump)
