"""SSH mounts in world files: the default issuer and roles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockkms.vault.framework.shapes.collections import Key, ListOf, MapOf, Text
from mockkms.vault.framework.shapes.parameters import written
from mockkms.vault.framework.world_section import Filling, WorldSection
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.mounts import Mount
from mockkms.vault.secrets.ssh.engine import SSH
from mockkms.vault.secrets.ssh.roles import one


def _keys(_type: str) -> dict[str, Key]:
    return {
        "ca": Key(written("ssh", "config/ca"), "the default issuer's key; made when neither half is given"),
        "roles": Key(MapOf(written("ssh", "roles/x")), "roles by name"),
        "zero_address": Key(ListOf(Text()), "roles for which any address will do"),
    }


def _fill(to: Filling, mount: Mount, spec: Mapping[str, Any]) -> None:
    """Make the issuer, then the roles."""
    if "ca" in spec:
        with to.guard("ca"):
            seeding.write(to.core, mount, "config/ca", spec["ca"] or {})
    seeding.write_named(to, mount, spec, "roles", "roles")
    if spec.get("zero_address"):
        with to.guard("zero_address"):
            seeding.write(to.core, mount, "config/zeroaddress", {"roles": spec["zero_address"]})


def dump(state: SSH) -> dict[str, Any]:
    """The default issuer, and the roles without what is usual."""
    found: dict[str, Any] = {"roles": {name: _changed(role) for name, role in state.roles.items()}}
    if state.default:
        issuer = state.issuers[state.default]
        found["ca"] = {"public_key": issuer.public_key, "private_key": issuer.private_key}
    if state.zero_address:
        found["zero_address"] = list(state.zero_address)
    return {word: value for word, value in found.items() if value}


def _changed(role: dict[str, Any]) -> dict[str, Any]:
    usual = {name: field.default for name, field in one.fields.items() if field.default is not None}
    return {name: value for name, value in role.items() if value not in (usual.get(name), "", 0, False, None, {}, [])}


section = WorldSection(_keys, _fill, lambda _core, mount: dump(mount.state))
