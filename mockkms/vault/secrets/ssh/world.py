"""SSH mounts in world files: the default issuer, roles, and roles that allow any address."""

from __future__ import annotations

from collections.abc import Mapping

from mockkms.vault.framework.shapes.collections import Key, ListOf, Text
from mockkms.vault.framework.shapes.parameters import parameters_of
from mockkms.vault.framework.world_section import Filling, mapping_at
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.record_section import Part, named, record_section
from mockkms.vault.mounts.table import Mount
from mockkms.vault.secrets.ssh.engine import SSH
from mockkms.vault.secrets.ssh.issuers import ca
from mockkms.vault.secrets.ssh.roles import roles


def _fill_issuer(to: Filling, mount: Mount, spec: Mapping[str, object]) -> None:
    if "ca" in spec:
        with to.guard("ca"):
            seeding.write(to.core, mount, "config/ca", mapping_at(spec, "ca"))


def _issuer(mount: Mount) -> object:
    state: SSH = mount.state
    issuer = state.issuers.get(state.default)
    return None if issuer is None else {"public_key": issuer.public_key, "private_key": issuer.private_key}


def _fill_zero_address(to: Filling, mount: Mount, spec: Mapping[str, object]) -> None:
    if spec.get("zero_address"):
        with to.guard("zero_address"):
            seeding.write(to.core, mount, "config/zeroaddress", {"roles": spec["zero_address"]})


section = record_section(
    Part(
        "ca",
        lambda: Key(parameters_of(ca), "the default issuer's key; generated if neither half is given"),
        _fill_issuer,
        lambda _core, mount: _issuer(mount),
    ),
    named("roles", "roles by name", roles),
    Part(
        "zero_address",
        lambda: Key(ListOf(Text()), "roles that allow any address"),
        _fill_zero_address,
        lambda _core, mount: mount.state.zero_address,
    ),
)
