"""Mounts of the AWS secrets engine in world files: root credentials, lifetimes and roles."""

from __future__ import annotations

from mockkms.vault.framework.shapes.collections import Key
from mockkms.vault.framework.shapes.parameters import parameters_of
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.mounts import Mount
from mockkms.vault.kernel.record_section import Part, named, one, record_section
from mockkms.vault.secrets.aws.engine import AwsLease, AwsSecrets, lease, roles, root


def _lifetimes(mount: Mount) -> object:
    state: AwsSecrets = mount.state
    if state.lease is None or state.lease == AwsLease():
        return None
    return {"lease": f"{state.lease.lease}s", "lease_max": f"{state.lease.lease_max}s"}


_lease = Part(
    "lease",
    lambda: Key(parameters_of(lease), "lifetimes of the keys of IAM users"),
    lambda to, mount, spec: seeding.write_settings(to, mount, spec, "lease", lease.template),
    lambda _core, mount: _lifetimes(mount),
)
section = record_section(
    one("config", "the root credentials", root, lambda state: state.root),
    _lease,
    named("roles", "roles by name", roles),
)
