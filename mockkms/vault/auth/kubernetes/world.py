"""Kubernetes mounts in world files: the cluster, its service accounts, and roles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mockkms.vault.auth import described
from mockkms.vault.framework.shapes.collections import Key, ListOf, MapOf, Record, Text
from mockkms.vault.framework.shapes.parameters import written
from mockkms.vault.framework.world_section import Filling, WorldSection
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.mounts import Mount

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context


def _keys(_type: str) -> dict[str, Key]:
    account = Record(
        {
            "name": Key(Text(), "of the account", required=True),
            "namespace": Key(Text(), "of the account", required=True),
            "uid": Key(Text(), "of the account", required=True),
        }
    )
    return {
        "config": Key(written("kubernetes", "config"), "the cluster"),
        "roles": Key(MapOf(written("kubernetes", "role/x")), "roles by name"),
        "service_accounts": Key(ListOf(account), "those that the cluster knows, for its token reviews"),
    }


def _fill(to: Filling, mount: Mount, spec: Mapping[str, Any]) -> None:
    seeding.write_settings(to, mount, spec, "config", "config")
    if spec.get("service_accounts"):
        mount.state.reviewed = [dict(account) for account in spec["service_accounts"]]
    seeding.write_named(to, mount, spec, "roles", "role")


def _dump(_core: Context, mount: Mount) -> dict[str, Any]:
    state = mount.state
    shown: dict[str, Any] = {}
    if state.config is not None:
        shown["config"] = {name: value for name, value in vars(state.config).items() if value not in ("", [])}
        shown["service_accounts"] = [dict(account) for account in state.reviewed]
    shown["roles"] = described.changed_roles(state)
    return {word: value for word, value in shown.items() if value}


section = WorldSection(_keys, _fill, _dump)
